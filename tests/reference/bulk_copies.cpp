// SPDX-License-Identifier: Apache-2.0
// cp.async.bulk and cp.reduce.async.bulk (PTX ISA 9.7.9.25.4), at once, which the ISA allows.
#include <algorithm>

#include "reference/execute.h"
#include "reference/operands.h"

namespace doppel::reference {

namespace {

constexpr int kPart = 16;

void reduce(const ptx::Instruction& in, std::span<std::byte> to, std::span<const std::byte> from) {
  const int size = ptx::byte_size(in.type);
  for (std::size_t at = 0; at < to.size(); at += static_cast<std::size_t>(size)) {
    const std::uint64_t result = combine(in, load_bits(&to[at], size), load_bits(&from[at], size),
                                         in.modifiers.space != ptx::Space::Global);
    store_bits(&to[at], result, size);
  }
}

}  // namespace

void execute_bulk_copy(Block& block, Thread& thread, const ptx::Instruction& in) {
  const auto bytes = static_cast<std::int64_t>(read(block, thread, in.operands.at(2)) & 0xffffffff);
  if (bytes % kPart != 0) throw Fault("a bulk copy of a size that is no multiple of 16");
  const auto to =
      resolve(block, thread, in.modifiers.space, in.operands.at(0), static_cast<int>(bytes), kPart);
  const auto from =
      resolve(block, thread, in.modifiers.source_space, in.operands.at(1), static_cast<int>(bytes), kPart);
  std::size_t next = 3;
  const bool arrives = in.operands.size() > next && in.operands[next].kind == ptx::Operand::Kind::Address;
  if (arrives) ++next;
  const std::uint64_t mask = in.operands.size() > next ? read(block, thread, in.operands[next]) : 0xffff;
  // Each block of the mask gets it at the same place, and its own barrier is told.
  if (arrives && in.operands.size() > 4) {
    const std::uint64_t target = shared_offset(block, thread, in.modifiers.space, in.operands[0]);
    const std::uint64_t barrier = shared_offset(block, thread, in.modifiers.space, in.operands[3]);
    for (std::uint32_t rank = 0; rank < 16; ++rank) {
      if ((mask >> rank & 1) == 0) continue;
      if (rank >= block.cluster->blocks.size()) throw Fault("a copy to a block that is not in the cluster");
      Block& other = *block.cluster->blocks[rank];
      std::ranges::copy(from, std::span(other.shared).subspan(target % kRankUnit).begin());
      complete_transactions(other, barrier % kRankUnit, bytes);
    }
    return;
  }
  if (in.modifiers.atomic_op != ptx::AtomicOp::None) {
    reduce(in, to, from);
  } else {
    for (std::size_t i = 0; i < to.size(); ++i) {
      if (arrives || (mask >> i % kPart & 1) != 0) to[i] = from[i];
    }
  }
  if (arrives) complete_transactions(block, thread, in.modifiers.space, in.operands[3], bytes);
}

}  // namespace doppel::reference
