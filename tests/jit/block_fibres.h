// SPDX-License-Identifier: Apache-2.0
// Runs one block of a compiled kernel on the calling thread, a fibre a warp: just enough of an engine to test
// generated code by itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "jit/compiled_module.h"
#include "support/dim3.h"

namespace doppel::jit_test {

struct GridRun {
  jit::CompiledModule* module = nullptr;
  std::uint32_t function = 0;
  Dim3 grid, block;
  std::uint32_t dynamic_shared_bytes = 0;
  std::span<const std::byte> parameters;
  std::span<const std::uint64_t> symbols;
  jit::Build build = jit::Build::Plain;
  jit::Effort effort = jit::Effort::Full;
};

struct GridResult {
  std::string fault;                    // empty: none
  std::vector<std::uint64_t> counters;  // two words a slot
  std::vector<std::uint32_t> traced_blocks;
  std::uint64_t traced_accesses = 0;             // of lanes
  std::vector<std::uint32_t> traced_operations;  // the number of each access of a warp
  std::string printed;
};

Result<GridResult> run_grid(const GridRun& run);

jit::LaneShape lane_shape(const Dim3& block);

}  // namespace doppel::jit_test
