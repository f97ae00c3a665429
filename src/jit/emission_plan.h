// SPDX-License-Identifier: Apache-2.0
// What is decided about a function's code before any of it is made.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "analysis/analysed_function.h"
#include "analysis/memory_layout.h"
#include "jit/compiled_module.h"

namespace doppel::jit {

// How the code is entered.
enum class EntryShape : std::uint8_t {
  Call,       // a device function: other generated code calls it with some lanes
  Warp,       // a kernel of which one call runs a warp, on a fibre
  Block,      // one call runs the warps of a block, one after the other (block_entry.cpp)
  Coroutine,  // one call runs a warp up to the next barrier (coroutine_entry.cpp)
};

// Whether there is code that is only right while no lane has left.
enum class FullCode : std::uint8_t {
  None,
  Only,   // lanes leave all at once: there is no other code
  First,  // warps begin in it, and change over to code for some lanes where the first of theirs leave
};

struct EmissionPlan {
  EntryShape entry = EntryShape::Warp;
  FullCode full = FullCode::None;
  // By register: it is read and written in one block only, and never before it is written. It needs no place:
  // its value is the one last written.
  std::vector<bool> of_block;
  // The others lie in memory that LLVM does not look into, not in stack slots that it promotes. Promotion
  // takes it long where every block can follow every other: a value for each register and block.
  bool registers_in_memory = false;
  analysis::LocalLayout local;
  analysis::ParameterLayout parameters;
};

EmissionPlan plan_emission(const analysis::AnalysedFunction& analysed, const Variant& variant);
// For people, a line each.
std::string to_string(const analysis::AnalysedFunction& analysed, const EmissionPlan& plan);

}  // namespace doppel::jit
