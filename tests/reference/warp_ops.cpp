// SPDX-License-Identifier: Apache-2.0
// shfl, vote, match, redux, elect, movmatrix, bar.warp.sync, activemask (PTX
// ISA 9.7.9.6, 9.7.13.2, 9.7.13.9-9.7.13.15).
#include <algorithm>
#include <bit>

#include "reference/execute.h"
#include "reference/integer_ops.h"
#include "reference/matrix_memory.h"
#include "reference/matrix_ops.h"
#include "reference/operands.h"

namespace doppel::reference {

using ptx::AtomicOp;
using ptx::MatchMode;
using ptx::Opcode;
using ptx::ShuffleMode;
using ptx::VoteMode;

namespace {

using Members = std::vector<Thread*>;

std::uint32_t member_mask(const Block& block, const Thread& t) {
  const Opcode opcode = t.instruction().opcode;
  if (opcode == Opcode::Movmatrix || opcode == Opcode::Mma || opcode == Opcode::Ldmatrix ||
      opcode == Opcode::Stmatrix)
    return ~0U;  // all threads of the warp
  return static_cast<std::uint32_t>(read(block, t, t.instruction().operands.back()));
}

void shuffle(Block& block, const Members& members) {
  struct Result {
    std::uint64_t value;
    bool in_range;
  };
  std::vector<Result> results;
  for (const Thread* t : members) {
    const ptx::Instruction& in = t->instruction();
    const auto lane = static_cast<int>(t->lane());
    const auto b = static_cast<int>(read(block, *t, in.operands.at(2)) & 0x1f);
    const std::uint64_t c = read(block, *t, in.operands.at(3));
    const auto clamp = static_cast<int>(c & 0x1f);
    const auto segment = static_cast<int>(c >> 8 & 0x1f);
    const int max_lane = (lane & segment) | (clamp & ~segment & 0x1f);
    const int min_lane = lane & segment;
    int from = 0;
    bool in_range = false;
    switch (in.modifiers.shuffle) {
      case ShuffleMode::Up:
        from = lane - b;
        in_range = from >= max_lane;
        break;
      case ShuffleMode::Down:
        from = lane + b;
        in_range = from <= max_lane;
        break;
      case ShuffleMode::Bfly:
        from = lane ^ b;
        in_range = from <= max_lane;
        break;
      default:
        from = min_lane | (b & ~segment);
        in_range = from <= max_lane;
        break;
    }
    if (!in_range) from = lane;
    // The value of a lane that takes no part is undefined: 0 here.
    const auto source =
        std::ranges::find_if(members, [&](const Thread* m) { return static_cast<int>(m->lane()) == from; });
    const std::uint64_t value =
        source == members.end() ? 0 : read(block, **source, (*source)->instruction().operands.at(1));
    results.push_back({value, in_range});
  }
  for (std::size_t i = 0; i < members.size(); ++i) {
    const ptx::Instruction& in = members[i]->instruction();
    write(*members[i], in.operands[0], results[i].value);
    if (in.second_destination) write(*members[i], *in.second_destination, results[i].in_range ? 1 : 0);
  }
}

void vote(Block& block, const Members& members) {
  std::uint32_t ballot = 0;
  for (const Thread* t : members) {
    if (read(block, *t, t->instruction().operands.at(1)) != 0) ballot |= 1u << t->lane();
  }
  const auto trues = static_cast<std::size_t>(std::popcount(ballot));
  for (Thread* t : members) {
    const ptx::Instruction& in = t->instruction();
    std::uint64_t result = ballot;
    switch (in.modifiers.vote) {
      case VoteMode::All:
        result = trues == members.size() ? 1 : 0;
        break;
      case VoteMode::Any:
        result = trues != 0 ? 1 : 0;
        break;
      case VoteMode::Uni:
        result = trues == 0 || trues == members.size() ? 1 : 0;
        break;
      default:
        break;
    }
    write(*t, in.operands[0], result);
  }
}

void match(Block& block, const Members& members) {
  std::vector<std::uint64_t> values;
  std::uint32_t all = 0;
  for (const Thread* t : members) {
    const ptx::Instruction& in = t->instruction();
    values.push_back(low_bits(read(block, *t, in.operands.at(1)), ptx::bit_width(in.type)));
    all |= 1u << t->lane();
  }
  for (std::size_t i = 0; i < members.size(); ++i) {
    const ptx::Instruction& in = members[i]->instruction();
    std::uint32_t equal = 0;
    for (std::size_t j = 0; j < members.size(); ++j) {
      if (values[j] == values[i]) equal |= 1u << members[j]->lane();
    }
    if (in.modifiers.match == MatchMode::Any) {
      write(*members[i], in.operands[0], equal);
    } else {
      write(*members[i], in.operands[0], equal == all ? all : 0);
      if (in.second_destination) write(*members[i], *in.second_destination, equal == all ? 1 : 0);
    }
  }
}

void reduce(Block& block, const Members& members) {
  const ptx::Instruction& first = members.front()->instruction();
  const bool is_signed = ptx::is_signed(first.type);
  std::uint64_t result = 0;
  bool begun = false;
  for (const Thread* t : members) {
    const std::uint64_t value = low_bits(read(block, *t, t->instruction().operands.at(1)), 32);
    if (!begun) {
      result = value;
      begun = true;
      continue;
    }
    const bool less = is_signed ? sign_extend(value, 32) < sign_extend(result, 32) : value < result;
    switch (first.modifiers.atomic_op) {
      case AtomicOp::Add:
        result = low_bits(result + value, 32);
        break;
      case AtomicOp::Min:
        result = less ? value : result;
        break;
      case AtomicOp::Max:
        result = less ? result : value;
        break;
      case AtomicOp::And:
        result &= value;
        break;
      case AtomicOp::Or:
        result |= value;
        break;
      case AtomicOp::Xor:
        result ^= value;
        break;
      default:
        throw std::logic_error("the reference does not know " + first.form);
    }
  }
  for (Thread* t : members) write(*t, t->instruction().operands[0], result);
}

void elect(const Members& members) {
  for (Thread* t : members) {
    const ptx::Instruction& in = t->instruction();
    write(*t, in.operands[0], members.front()->lane());
    if (in.second_destination) write(*t, *in.second_destination, t == members.front() ? 1 : 0);
  }
}

// Each thread holds two elements of a row, four threads a row; each gets two elements of a column (Figures
// 109 and 110 of PTX ISA 9.0, 9.7.14.5.17).
void transpose(Block& block, const Members& members) {
  std::uint64_t matrix[8][8] = {};
  for (const Thread* t : members) {
    const std::uint64_t pair = read(block, *t, t->instruction().operands.at(1));
    const std::uint32_t row = t->lane() / 4, column = t->lane() % 4 * 2;
    matrix[row][column] = pair & 0xffff;
    matrix[row][column + 1] = pair >> 16 & 0xffff;
  }
  for (Thread* t : members) {
    const std::uint32_t column = t->lane() / 4, row = t->lane() % 4 * 2;
    write(*t, t->instruction().operands[0], matrix[row][column] | matrix[row + 1][column] << 16);
  }
}

Fragment fragment(const Block& block, const Members& members, std::size_t operand) {
  Fragment registers(members.front()->instruction().operands.at(operand).elements.size());
  for (const Thread* t : members) {
    const std::vector<ptx::Operand>& elements = t->instruction().operands.at(operand).elements;
    for (std::size_t i = 0; i < elements.size(); ++i) registers[i][t->lane()] = read(block, *t, elements[i]);
  }
  return registers;
}

// Behind A, B and C: metadata and selector; factors and which of them, of A and of B.
MatrixSelectors selectors_of(const Block& block, const Members& members, const ir::MatrixForm& form) {
  MatrixSelectors all;
  const std::vector<ptx::Operand>& first = members.front()->instruction().operands;
  std::size_t at = 4;
  const auto of_lanes = [&](std::array<std::uint64_t, 32>& to) {
    for (const Thread* t : members) to[t->lane()] = read(block, *t, t->instruction().operands.at(at));
    ++at;
  };
  if (form.sparse) {
    of_lanes(all.metadata);
    all.selector = read(block, *members.front(), first.at(at++));
  }
  if (!form.is_scaled()) return all;
  for (MatrixSelectors::Scales* scales : {&all.a, &all.b}) {
    of_lanes(scales->data);
    const ptx::Operand& which = first.at(at++);
    scales->byte = read(block, *members.front(), which.elements.at(0));
    scales->thread = read(block, *members.front(), which.elements.at(1));
  }
  return all;
}

void multiply_matrices(const Block& block, const Members& members) {
  const ptx::Modifiers& m = members.front()->instruction().modifiers;
  const Fragment d = multiply(m, {}, fragment(block, members, 1), fragment(block, members, 2),
                              fragment(block, members, 3), selectors_of(block, members, m.matrix));
  for (Thread* t : members) {
    const std::vector<ptx::Operand>& elements = t->instruction().operands[0].elements;
    for (std::size_t i = 0; i < elements.size(); ++i) write(*t, elements[i], d[i][t->lane()]);
  }
}

void answer(Block& block, const Members& members) {
  switch (members.front()->instruction().opcode) {
    case Opcode::Shfl:
      shuffle(block, members);
      break;
    case Opcode::Vote:
      vote(block, members);
      break;
    case Opcode::Match:
      match(block, members);
      break;
    case Opcode::Redux:
      reduce(block, members);
      break;
    case Opcode::Movmatrix:
      transpose(block, members);
      break;
    case Opcode::Mma:
      multiply_matrices(block, members);
      break;
    case Opcode::Ldmatrix:
      load_matrices(block, members);
      break;
    case Opcode::Stmatrix:
      store_matrices(block, members);
      break;
    case Opcode::Elect:
      elect(members);
      break;
    default:
      break;  // bar.warp.sync
  }
  for (Thread* t : members) {
    t->wait = Wait::None;
    ++t->frame().next;
  }
}

// The live threads of `t`'s member mask, where all of them wait at the same operation; else nothing.
Members complete_group(Block& block, const Thread& t) {
  const std::uint32_t mask = member_mask(block, t);
  if ((mask >> t.lane() & 1) == 0) throw Fault("a thread outside of its own member mask");
  Members members;
  for (Thread& other : block.warp_of(t)) {
    if ((mask >> other.lane() & 1) == 0 || other.exited) continue;
    if (other.wait != Wait::WarpOperation || member_mask(block, other) != mask ||
        other.instruction().form != t.instruction().form) {
      return {};
    }
    members.push_back(&other);
  }
  return members;
}

}  // namespace

void settle_warp(Block& block, Thread& thread) {
  for (Thread& t : block.warp_of(thread)) {
    if (t.exited || t.wait != Wait::WarpOperation) continue;
    if (const Members members = complete_group(block, t); !members.empty()) answer(block, members);
  }
}

bool settle_activemask(Block& block, Thread& thread) {
  Thread* lowest = nullptr;
  for (Thread& t : block.warp_of(thread)) {
    if (t.exited) continue;
    if (t.wait == Wait::None) return false;
    if (t.wait != Wait::ActiveMask) continue;
    if (lowest == nullptr || &t.instruction() < &lowest->instruction()) lowest = &t;
  }
  if (lowest == nullptr) return false;
  const ptx::Instruction& in = lowest->instruction();
  Members members;
  std::uint64_t mask = 0;
  for (Thread& t : block.warp_of(thread)) {
    if (t.exited || t.wait != Wait::ActiveMask || &t.instruction() != &in) continue;
    members.push_back(&t);
    mask |= std::uint64_t{1} << t.lane();
  }
  for (Thread* t : members) {
    write(*t, in.operands.at(0), mask);
    t->wait = Wait::None;
    ++t->frame().next;
  }
  return true;
}

}  // namespace doppel::reference
