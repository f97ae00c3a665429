// SPDX-License-Identifier: Apache-2.0
// ld, st, cvta, isspacep (PTX ISA 9.7.9.8-9.7.9.20).
#include "reference/execute.h"
#include "reference/operands.h"

namespace doppel::reference {

using ptx::Opcode;
using ptx::Operand;
using ptx::Space;

namespace {

std::uint64_t window_of(Space space) {
  switch (space) {
    case Space::Shared:
    case Space::SharedCluster:
      return kSharedWindow;
    case Space::Local:
      return kLocalWindow;
    case Space::Param:
      return kParamWindow;
    default:
      return 0;  // global and const addresses are generic as they are
  }
}

void load(Block& block, Thread& thread, const ptx::Instruction& in) {
  const int size = ptx::byte_size(in.type);
  const int count = in.modifiers.vector;
  const auto bytes =
      resolve(block, thread, in.modifiers.space, in.operands.at(1), size * count, size * count);
  const Operand& to = in.operands[0];
  if (count == 1 && to.kind != Operand::Kind::Vector) {
    write_extended(thread, to, load_bits(bytes.data(), size), in.type);
    return;
  }
  // A later element must not see an earlier one written: addresses are read already.
  for (std::size_t i = 0; i < to.elements.size(); ++i) {
    write_extended(thread, to.elements[i], load_bits(bytes.data() + i * static_cast<std::size_t>(size), size),
                   in.type);
  }
}

void store(Block& block, Thread& thread, const ptx::Instruction& in) {
  const int size = ptx::byte_size(in.type);
  const int count = in.modifiers.vector;
  const auto bytes =
      resolve(block, thread, in.modifiers.space, in.operands.at(0), size * count, size * count);
  const Operand& from = in.operands.at(1);
  if (count == 1 && from.kind != Operand::Kind::Vector) {
    store_bits(bytes.data(), read(block, thread, from), size);
    return;
  }
  for (std::size_t i = 0; i < from.elements.size(); ++i) {
    store_bits(bytes.data() + i * static_cast<std::size_t>(size), read(block, thread, from.elements[i]),
               size);
  }
}

bool is_in(Space space, std::uint64_t address) {
  const auto within = [&](std::uint64_t window) {
    return address >= window && address < window + kWindowSize;
  };
  switch (space) {
    case Space::Shared:
      return address >= kSharedWindow && address < kSharedWindow + kRankUnit;
    case Space::SharedCluster:
      return within(kSharedWindow);
    case Space::Local:
      return within(kLocalWindow);
    case Space::Param:
      return within(kParamWindow);
    default:
      return !within(kSharedWindow) && !within(kLocalWindow) && !within(kParamWindow);
  }
}

}  // namespace

void execute_memory(Block& block, Thread& thread, const ptx::Instruction& in) {
  switch (in.opcode) {
    case Opcode::Ld:
    case Opcode::Ldu:
      load(block, thread, in);
      break;
    case Opcode::St:
      store(block, thread, in);
      break;
    case Opcode::Isspacep:
      write(thread, in.operands.at(0),
            is_in(in.modifiers.space, read(block, thread, in.operands.at(1))) ? 1 : 0);
      break;
    default: {
      Space space = in.modifiers.space;
      if (space == Space::Param && !thread.frame().function->is_kernel) space = Space::Local;
      const std::uint64_t window = window_of(space);
      const std::uint64_t from = read(block, thread, in.operands.at(1));
      write(thread, in.operands.at(0), in.modifiers.to ? from - window : from + window);
    }
  }
}

}  // namespace doppel::reference
