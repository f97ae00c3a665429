// SPDX-License-Identifier: Apache-2.0
// From what the hardware or a callback knows of a fault to what a user needs.
#pragma once

#include <cstdint>
#include <string>

#include "engine/block.h"
#include "engine/fault.h"
#include "engine/worker.h"
#include "texture/warp_access.h"

namespace doppel::engine {

// Kernel, block and first thread of the mask; the mask may be 0 where no lane is known.
Fault fault_of_warp(const Warp& warp, std::uint32_t mask);
// Sets the thread of a fault to one lane of the warp.
void set_lane(Fault& fault, const Warp& warp, int lane);
// Of an access by one lane; flags: jit::kAccess*.
Fault fault_of_access(const Warp& warp, std::uint32_t mask, int lane, Fault::Kind kind, std::uint64_t address,
                      std::uint32_t function, std::uint32_t instruction, std::uint32_t flags);
// What a lane gave a function of the runtime.
Fault fault_of_argument(const Warp& warp, std::uint32_t mask, int lane, std::uint64_t address,
                        std::string message);
// What a lane asked of a texture or surface that is none, or lies outside of it.
Fault fault_of_texture(const Warp& warp, std::uint32_t mask, std::uint32_t function, std::uint32_t operation,
                       const texture::AccessFault& found);
// The host has no memory for `what`.
Fault out_of_memory(const std::string& what);
Fault fault_from_signal(const Warp& warp, const SignalReport& report);

}  // namespace doppel::engine
