// SPDX-License-Identifier: Apache-2.0
// Where the .shared variables of a kernel lie in a block's shared window: code generation, launches and
// attribute queries agree on it.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "ir/module.h"

namespace doppel::analysis {

struct SharedLayout {
  static constexpr std::uint32_t kUnused = std::numeric_limits<std::uint32_t>::max();
  std::vector<std::uint32_t>
      module_offsets;  // by Module::variables; kUnused: not a shared variable that the kernel can reach
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t>
      function_offsets;            // by (function, index in Function::variables)
  std::uint32_t static_bytes = 0;  // what the launch needs beside its dynamic bytes
  std::uint32_t dynamic_offset =
      0;  // where unsized extern arrays (all of them) start: static_bytes, aligned for them
};

// Functions that a kernel can reach by calls, itself first: direct callees, and where it calls through a
// register every function that such a call may mean.
std::vector<std::uint32_t> reachable_functions(const ir::Module& module, std::uint32_t kernel);

// Sized variables in the order of their declaration, module scope first, each at its alignment. Only
// variables named by a function that the kernel can reach take room.
SharedLayout shared_layout(const ir::Module& module, std::uint32_t kernel);

}  // namespace doppel::analysis
