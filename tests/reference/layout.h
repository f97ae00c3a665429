// SPDX-License-Identifier: Apache-2.0
// Where the variables of a module and of its functions lie.
#pragma once

#include <cstdint>
#include <vector>

#include "frontend/ptx/module.h"
#include "reference/memory.h"

namespace doppel::reference {

// Offsets of parameters laid out one after the other, each at its alignment; the last entry is the whole
// size.
std::vector<std::uint64_t> parameter_offsets(const std::vector<ptx::Variable>& parameters);

struct FunctionLayout {
  // One a variable, in the address of its space: Local and Param relative to the frame, Shared in the block's
  // window, Global and Const in memory.
  std::vector<std::uint64_t> variables;
  std::vector<std::uint64_t>
      parameters;  // of a kernel: in its parameter block; of a function: relative to the frame
  std::vector<std::uint64_t> return_parameters;  // relative to the frame
  std::uint64_t frame_size = 0;
};

struct ModuleLayout {
  std::vector<std::uint64_t> variables;
  std::vector<FunctionLayout> functions;
  std::uint64_t static_shared_size = 0;  // dynamic shared memory follows, at the next multiple of 16
};

// Places and initialises everything.
ModuleLayout lay_out(const ptx::Module& module, Memory& memory);

}  // namespace doppel::reference
