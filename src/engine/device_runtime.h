// SPDX-License-Identifier: Apache-2.0
// What a kernel that launches kernels asks of the part above the engine (jit/device_functions.h says what
// there is to ask). Called from any of the host threads that run the grid.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "jit/device_functions.h"

namespace doppel::engine {

// One thread's call.
struct DeviceCall {
  jit::DeviceFunction function;
  std::uint64_t block = 0;                              // of the calling thread, in the grid
  std::uint32_t thread = 0;                             // in the block
  std::array<std::span<const std::byte>, 6> arguments;  // as the signature says

  template <typename T>
  T argument(std::size_t index) const {
    T value{};
    std::memcpy(&value, arguments[index].data(), sizeof(value));
    return value;
  }
};

struct DeviceAnswer {
  std::uint64_t result = 0;
  std::uint64_t stored = 0;  // for functions that store a value: what, where the result is 0 (success)
};

class DeviceRuntime {
 public:
  virtual ~DeviceRuntime() = default;
  virtual DeviceAnswer call(const DeviceCall& call) = 0;
};

}  // namespace doppel::engine
