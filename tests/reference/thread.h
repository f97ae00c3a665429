// SPDX-License-Identifier: Apache-2.0
// The state of one thread and of its block.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <vector>

#include "reference/machine.h"

namespace doppel::reference {

// Ends the launch; the message is completed with the thread and line on its way out.
struct Fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Frame {
  const ptx::Function* function = nullptr;
  const FunctionLayout* layout = nullptr;
  std::uint32_t next = 0;                // instruction index
  std::uint64_t base = 0;                // of its variables, in the thread's local memory
  std::vector<std::uint64_t> registers;  // raw bits, zero above the register's width
  bool carry = false;                    // CC.CF, which calls do not preserve (9.7.2)
};

// cp.async: what it has read, until the thread waits for its group.
struct PendingCopy {
  std::uint64_t group = 0;
  std::span<std::byte> target;
  std::vector<std::byte> data;
};

enum class Wait : std::uint8_t { None, WarpOperation, ActiveMask, Barrier, ClusterBarrier };

struct Thread {
  Dim3 tid;
  std::uint32_t index = 0;  // in the block
  std::vector<Frame> frames;
  std::vector<std::byte> local;
  bool exited = false;
  Wait wait = Wait::None;
  std::uint32_t barrier = 0;  // that it waits at
  std::uint64_t steps = 0;
  std::uint64_t cluster_phase = 0;  // of its cluster's barrier, that it arrived in last; from 1 on
  std::vector<PendingCopy> copies;
  std::uint64_t closed_groups = 0;

  std::uint32_t lane() const { return index % 32; }
  std::uint32_t warp() const { return index / 32; }
  Frame& frame() { return frames.back(); }
  const Frame& frame() const { return frames.back(); }
  const ptx::Instruction& instruction() const { return frame().function->instructions[frame().next]; }
};

struct Barrier {
  std::vector<Thread*> arrived;  // those that wait and those that only arrived
  std::uint32_t required = 0;    // 0: all live threads
  std::uint32_t true_predicates = 0;
  std::uint32_t predicates = 0;
};

struct Cluster;

struct Block {
  const ptx::Module* module = nullptr;
  const ModuleLayout* layout = nullptr;
  Memory* memory = nullptr;
  const Launch* launch = nullptr;
  std::uint64_t* steps_left = nullptr;
  Dim3 ctaid;
  Cluster* cluster = nullptr;  // every block is in one
  std::uint32_t rank = 0;      // in it
  std::vector<std::byte> shared;
  std::vector<Thread> threads;
  std::array<Barrier, 16> barriers;

  std::span<Thread> warp_of(const Thread& t) {
    const std::size_t first = t.warp() * 32;
    return std::span(threads).subspan(first, std::min<std::size_t>(32, threads.size() - first));
  }
};

// The blocks that can touch each other's shared memory (2.2.2), by rank: x first.
struct Cluster {
  Dim3 extent;
  std::vector<std::unique_ptr<Block>> blocks;
  std::uint64_t completed = 0;  // phases of its barrier
};

// A shared::cluster address is an offset in the block's own memory, or one in the block of rank r behind
// (r + 1) x 2^24; which bits the ISA does not say.
inline constexpr std::uint64_t kRankUnit = 1 << 24;

}  // namespace doppel::reference
