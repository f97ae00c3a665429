// SPDX-License-Identifier: Apache-2.0
// One grid while it runs: what its host threads share.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/fault.h"
#include "engine/prepared_kernel.h"
#include "jit/warp_abi.h"

namespace doppel::engine {

class DeviceHeap;

struct GridRun {
  GridRun(const Launch& the_launch, std::shared_ptr<PreparedKernel> the_kernel)
      : launch(the_launch),
        kernel(std::move(the_kernel)),
        parameter_memory(launch.parameters.size() + kParameterAlignment) {
    const std::size_t first =
        kParameterAlignment - reinterpret_cast<std::uintptr_t>(parameter_memory.data()) % kParameterAlignment;
    parameters = parameter_memory.data() + first % kParameterAlignment;
    std::ranges::copy(launch.parameters, parameter_memory.begin() + (first % kParameterAlignment));
  }

  const Launch& launch;
  const std::shared_ptr<PreparedKernel> kernel;
  // Where generic addresses of them are a multiple of what each asks for: a tensor map does for 128.
  static constexpr std::size_t kParameterAlignment = 128;
  std::vector<std::byte> parameter_memory;
  const std::byte* parameters = nullptr;
  jit::WarpEntry entry = nullptr;         // plain, or checked
  bool coroutine = false;                 // `entry` is one
  jit::BlockEntry block_entry = nullptr;  // not null: in place of `entry`
  bool quick = false;                     // all of it is code made quickly
  jit::WarpEntry traced_entry = nullptr;  // null: nothing is traced; never a coroutine
  bool counts_warps = false;              // each warp's instructions are counted
  std::uint64_t local_bytes = 0;          // of a thread
  std::uint64_t stack_bytes = 0;          // of the host, that a warp's code may need
  jit::LaneShape shape = jit::LaneShape::General;
  std::uint64_t blocks = 0;                    // that run
  std::uint32_t cluster_blocks = 0;            // of a cluster; 0: nobody asks for clusters
  std::vector<std::uint64_t> traced_clusters;  // where nothing but what is traced runs; ascending
  std::uint64_t starts = 0;                    // blocks, or clusters, that workers start
  std::uint32_t warps_per_block = 0;
  std::uint32_t shared_bytes = 0;
  DeviceHeap* heap = nullptr;
  std::uint64_t residency_limit = 1;
  unsigned threads = 1;  // of the host, that may work on it

  std::atomic<std::uint64_t> next_start{0};
  std::atomic<std::uint64_t> resident{0};
  std::atomic<std::uint64_t> spinning_workers{0};
  std::atomic<std::uint64_t> latest_globaltimer_ns{0};  // that a warp has read
  std::atomic<bool> stop{false};                        // a fault, or cancelled: leave as soon as you see it
  std::atomic<bool> cut_short{false};                   // a block was left, or not started, because of that

  std::mutex mutex;
  std::condition_variable helpers_left;
  unsigned helpers = 0;
  std::optional<Fault> fault;
  Outcome outcome;

  bool stopped() const {
    return stop.load(std::memory_order_relaxed) ||
           (launch.cancel != nullptr && launch.cancel->load(std::memory_order_relaxed));
  }
  // The first fault of the grid counts.
  void fail_with(Fault found);
};

}  // namespace doppel::engine
