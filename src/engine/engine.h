// SPDX-License-Identifier: Apache-2.0
// Runs grids: blocks on host threads in order of their index, a block's warps on fibres of its thread. Knows
// no CUDA API.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analysis/trace.h"
#include "engine/fault.h"
#include "engine/matrix_rules.h"
#include "jit/compiled_module.h"
#include "support/launch_config.h"
#include "texture/object_table.h"

namespace doppel::memory {
class AddressSpace;
}

namespace doppel::engine {

class DeviceRuntime;

// Another card, whose memory a kernel may reach, as traces name it.
struct Peer {
  std::uint64_t base = 0;    // of its memory
  std::uint32_t number = 0;  // less than analysis::kMostPeers
  bool by_nvlink = false;    // else over the bus

  std::uint64_t first_sector() const {
    return (by_nvlink ? analysis::kFirstNvLinkSector : analysis::kFirstPeerSector) +
           number * analysis::kSectorsOfPeer;
  }
};

struct Launch {
  std::shared_ptr<jit::CompiledModule> module;
  std::uint32_t function = 0;  // a kernel of the module
  LaunchConfig config;
  std::span<const std::byte> parameters;   // laid out by the PTX rules; read until run() returns
  std::span<const std::uint64_t> symbols;  // address of each Module::variables entry
  memory::AddressSpace* memory =
      nullptr;  // of the card: names allocations in fault reports, gives the device heap
  // Whether the kernel may touch bytes that are not in `memory`'s range: host memory that was registered,
  // memory of other cards. Empty: none. Called from any host thread, often.
  std::function<bool(std::uint64_t address, std::uint64_t bytes)> reaches;
  std::span<const Peer> peers;  // cards that traces tell apart
  // Where somebody has planted errors in the memory: asked of every access before it is made, store: that
  // only writes; true: what is read cannot be corrected (Fault::Kind::UncorrectableMemory). Empty: nobody
  // has. Called from any host thread.
  std::function<bool(std::uint64_t address, std::uint64_t bytes, bool store)> finds_error;
  std::uint32_t sm_count = 1;       // of the card
  std::uint32_t warps_per_sm = 32;  // of the card: the most that are resident; at least a block's
  std::uint32_t resident_blocks_per_sm =
      1;  // by occupancy: sm_count * this many blocks may wait for each other
  std::uint64_t grid_workspace =
      0;               // of a cooperative grid: two zeroed words of device memory, its barrier is the second
  bool check = false;  // the checked build: --check
  // Of a thread, where its calls recurse: the card's limit (cudaLimitStackSize).
  std::uint64_t stack_bytes = 1024;
  std::uint64_t grid_id = 0;
  std::span<const std::uint64_t> traced_blocks;  // ascending block indexes that run through the traced build
  // Runs nothing but the traced blocks: memory and counts are then those of these blocks alone. For
  // predictions without results.
  bool traced_only = false;
  // Counts each block's work, where blocks can differ in it: in kernels with loops or calls, and in grids of
  // no more than kMostMeasuredBlocks.
  bool measure_blocks = false;
  const std::atomic<bool>* cancel =
      nullptr;  // set from outside (time-out, Ctrl-C): the launch ends with Fault::Kind::Cancelled
  std::function<void()> starts;  // called when the code is there, before a block runs; empty: nobody asks
  // Receives the text of device printf, whole calls at a time, in the order of the calls of a block. May be
  // called from any host thread.
  std::function<void(std::string_view)> print;
  const texture::ObjectTable* textures = nullptr;     // of the card; null: there are none
  MatrixRules matrix_rules;                           // of the modelled card
  double clock_hz = 1e9;                              // of the modelled SM, for %clock64
  std::uint64_t heap_bytes = std::uint64_t{8} << 20;  // of device malloc; all launches of `memory` together
  std::atomic<bool>* waiting =
      nullptr;  // set while no warp of the launch makes progress: it waits for another launch or the host
  std::uint64_t globaltimer_ns = 0;         // %globaltimer when the grid starts
  DeviceRuntime* device_runtime = nullptr;  // of kernels that launch kernels; null: their calls fail
};

inline constexpr std::uint64_t kMostMeasuredBlocks = std::uint64_t{1} << 20;

struct Outcome {
  std::optional<Fault> fault;
  // By jit::CompiledModule counter slot; without the polls that failed (analysis/spin_loops.h).
  std::vector<analysis::BlockCount> counts;
  std::vector<analysis::BlockTrace>
      traces;  // of the traced blocks, in their order; missing ones were not reached before a fault
  std::vector<analysis::BlockWork> work;    // by block index, where it was measured
  std::uint64_t latest_globaltimer_ns = 0;  // that a warp has read; 0: none has
};

// A kernel of more instructions runs its first launches in code that is compiled quickly, and only in one
// build: what traces some blocks runs the others too.
inline constexpr std::uint64_t kLargeKernel = 500;

class Engine {
 public:
  // host_threads 0: as many as the process may use. quick_above: in place of kLargeKernel.
  explicit Engine(unsigned host_threads = 0, std::uint64_t quick_above = kLargeKernel);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Runs the grid to its end; blocks the caller. Thread-safe: grids of several callers share the host
  // threads, and one whose blocks only wait (for another grid, or for the host) does not keep the others from
  // running.
  Result<Outcome> run(const Launch& launch);

  unsigned host_threads() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace doppel::engine
