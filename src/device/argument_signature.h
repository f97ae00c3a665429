// SPDX-License-Identifier: Apache-2.0
// What of a launch's arguments its time can depend on. Where a pointer points does not count, but how it is
// aligned and which of the others points into the same allocation does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "memory/address_space.h"

namespace doppel::device {

// An argument, or a part of one, that holds an address of an allocation.
struct PointerArgument {
  std::size_t offset = 0;  // in the parameters
  std::uint64_t address = 0, allocation = 0, allocation_end = 0;
};

struct ArgumentSignature {
  std::uint64_t value = 0;
  std::vector<PointerArgument> pointers;
};

// parameters: laid out by the PTX rules.
ArgumentSignature argument_signature(std::span<const std::byte> parameters,
                                     const memory::AddressSpace& memory);

}  // namespace doppel::device
