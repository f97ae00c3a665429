// SPDX-License-Identifier: Apache-2.0
// Where a kernel's parameters and a thread's .local variables lie. Shared memory: shared_layout.h.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "ir/module.h"

namespace doppel::analysis {

struct ParameterLayout {
  std::vector<std::uint64_t> offsets;  // by parameter
  std::uint64_t size = 0;              // in bytes
};
// Parameters follow each other in order, each at its alignment (PTX ISA 5.1.6.1).
ParameterLayout parameter_layout(const std::vector<ir::Variable>& parameters);

// Of a module's variable: whether it lies in the card's memory from when the module is loaded.
inline bool takes_device_memory(const ir::Variable& variable) {
  return (variable.space == ir::Space::Global || variable.space == ir::Space::Const) && variable.size > 0;
}

// .local variables of one function's frame.
struct LocalLayout {
  std::map<std::uint32_t, std::uint64_t> variables;  // Function::variables index -> offset in the frame
  std::uint64_t bytes = 0;                           // a multiple of 16
};
LocalLayout local_layout(const ir::Function& function);

// Local memory of a thread that runs `kernel`.
struct LocalBytes {
  std::uint64_t chain = 0;  // the deepest chain of calls with each function once
  bool recursive = false;   // calls may nest deeper than that: a card has its stack limit for them
};
LocalBytes local_bytes(const ir::Module& module, ir::FunctionId kernel);

}  // namespace doppel::analysis
