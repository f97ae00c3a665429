// SPDX-License-Identifier: Apache-2.0
// Thread block clusters (PTX ISA 9.7.9.12, 9.7.9.13, 9.7.9.23, 9.7.9.24, 9.7.13.7, 9.7.13.16, 9.7.13.17).
// What may end later ends at once, which the ISA allows.
#include <algorithm>

#include "reference/execute.h"
#include "reference/operands.h"

namespace doppel::reference {

using ptx::Opcode;

namespace {

std::uint64_t window_of(const ptx::Instruction& in) {
  return in.modifiers.space == ptx::Space::Generic ? kSharedWindow : 0;
}

void map_address(Block& block, Thread& thread, const ptx::Instruction& in) {
  const std::uint64_t window = window_of(in);
  const std::uint64_t rank = read(block, thread, in.operands.at(2));
  const std::uint64_t offset = (read(block, thread, in.operands.at(1)) - window) % kRankUnit;
  write(thread, in.operands.at(0), window + (rank + 1) * kRankUnit + offset);
}

void rank_of_address(Block& block, Thread& thread, const ptx::Instruction& in) {
  const std::uint64_t unit = (read(block, thread, in.operands.at(1)) - window_of(in)) / kRankUnit;
  write(thread, in.operands.at(0), unit == 0 ? block.rank : unit - 1);
}

void store_elements(Block& block, Thread& thread, const ptx::Instruction& in) {
  const int size = ptx::byte_size(in.type);
  const int all = size * in.modifiers.vector;
  const auto to = resolve(block, thread, in.modifiers.space, in.operands.at(0), all, all);
  const ptx::Operand& value = in.operands.at(1);
  for (int i = 0; i < in.modifiers.vector; ++i) {
    const ptx::Operand& element =
        value.kind == ptx::Operand::Kind::Vector ? value.elements.at(static_cast<std::size_t>(i)) : value;
    std::byte* const at = to.data() + static_cast<std::ptrdiff_t>(i) * size;
    std::uint64_t bits = read(block, thread, element);
    if (in.opcode == Opcode::RedAsync) bits = combine(in, load_bits(at, size), bits, true);
    store_bits(at, bits, size);
  }
  complete_transactions(block, thread, in.modifiers.space, in.operands.at(2), all);
}

void fill(Block& block, Thread& thread, const ptx::Instruction& in) {
  const std::uint64_t bytes = read(block, thread, in.operands.at(1));
  if (bytes % 8 != 0) throw Fault("a size that is no multiple of 8");
  if (bytes == 0) return;
  const auto to = resolve(block, thread, in.modifiers.space, in.operands.at(0), static_cast<int>(bytes), 8);
  std::ranges::fill(to, std::byte{0});
}

// No cluster is cancelled: all have begun, as far as a program can tell.
void answer_cancel(Block& block, Thread& thread, const ptx::Instruction& in) {
  constexpr int kAnswer = 16;
  const std::uint64_t target = shared_offset(block, thread, in.modifiers.space, in.operands.at(0));
  const std::uint64_t barrier = shared_offset(block, thread, in.modifiers.space, in.operands.at(1));
  for (const auto& other : block.cluster->blocks) {
    if (in.modifiers.scope != ptx::Scope::Cluster && other.get() != &block) continue;
    std::ranges::fill(std::span(other->shared).subspan(target % kRankUnit, kAnswer), std::byte{0});
    complete_transactions(*other, barrier % kRankUnit, kAnswer);
  }
}

}  // namespace

void settle_cluster_barrier(Cluster& cluster) {
  bool anybody = false;
  for (const auto& block : cluster.blocks) {
    for (const Thread& t : block->threads) {
      if (t.exited) continue;
      if (t.cluster_phase != cluster.completed + 1) return;
      anybody = true;
    }
  }
  if (!anybody) return;
  ++cluster.completed;
  for (const auto& block : cluster.blocks) {
    for (Thread& t : block->threads) {
      if (t.wait != Wait::ClusterBarrier) continue;
      t.wait = Wait::None;
      ++t.frame().next;
    }
  }
}

void execute_cluster(Block& block, Thread& thread, const ptx::Instruction& in) {
  switch (in.opcode) {
    case Opcode::Mapa:
      map_address(block, thread, in);
      return;
    case Opcode::Getctarank:
      rank_of_address(block, thread, in);
      return;
    case Opcode::StAsync:
    case Opcode::RedAsync:
      store_elements(block, thread, in);
      return;
    case Opcode::StBulk:
      fill(block, thread, in);
      return;
    case Opcode::ClusterlaunchcontrolTryCancel:
      answer_cancel(block, thread, in);
      return;
    default:
      break;
  }
  if (in.modifiers.barrier == ptx::BarrierMode::Arrive) {
    thread.cluster_phase = block.cluster->completed + 1;
    settle_cluster_barrier(*block.cluster);
  } else if (thread.cluster_phase > block.cluster->completed) {
    thread.wait = Wait::ClusterBarrier;
  }
}

}  // namespace doppel::reference
