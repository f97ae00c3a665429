// SPDX-License-Identifier: Apache-2.0
// What the engine keeps of a kernel from launch to launch.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "engine/clock_reads.h"
#include "jit/compiled_module.h"

namespace doppel::engine {

struct PreparedKernel {
  std::weak_ptr<jit::CompiledModule> module;
  std::uint32_t function = 0;
  const analysis::AnalysedKernel* analysed = nullptr;  // the module's
  // Counter slots [first, last) of the functions that the kernel can reach, and the instructions of each
  // slot's basic block; 0 in loops that wait for what another thread writes.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> slot_ranges;
  std::vector<std::uint32_t> slot_instructions;  // in the order of the ranges
  ClockLoops clock_loops;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> clock_slots;  // of these loops, and the instructions
  // Of a large kernel: the host time that its quick code has run, and whether some of that is of the traced
  // build.
  std::atomic<double> quick_us{0};
  std::atomic<bool> has_traced_code{false};
  std::atomic<double> microseconds_per_block{
      -1};  // on this host, for deciding how many threads are worth waking; -1: not known
};

// Thread-safe.
class PreparedKernels {
 public:
  std::shared_ptr<PreparedKernel> get(const std::shared_ptr<jit::CompiledModule>& module,
                                      std::uint32_t function);

 private:
  std::mutex mutex_;
  std::map<std::pair<const jit::CompiledModule*, std::uint32_t>, std::shared_ptr<PreparedKernel>> kernels_;
};

}  // namespace doppel::engine
