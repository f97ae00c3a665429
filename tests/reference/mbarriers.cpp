// SPDX-License-Identifier: Apache-2.0
// mbarrier (PTX ISA 9.7.13.15), a thread at a time. The object and states of it: from bit 0 on 20 bits of
// pending arrivals, 20 of those expected, 21 of the transaction count with its sign, and in bit 63 the phase.
#include <fmt/format.h>

#include "reference/execute.h"
#include "reference/operands.h"

namespace doppel::reference {

using ptx::Opcode;
using Step = ir::BarrierStep;

namespace {

struct Barrier64 {
  std::int64_t pending = 0, expected = 0, transactions = 0;
  bool phase = false;
};

Barrier64 taken_apart(std::uint64_t bits) {
  Barrier64 b;
  b.pending = static_cast<std::int64_t>(bits % (1 << 20));
  b.expected = static_cast<std::int64_t>(bits / (1 << 20) % (1 << 20));
  b.transactions = static_cast<std::int64_t>(bits / (std::uint64_t{1} << 40) % (1 << 21));
  if (b.transactions >= 1 << 20) b.transactions -= 1 << 21;
  b.phase = bits / (std::uint64_t{1} << 63) != 0;
  return b;
}

std::uint64_t put_together(const Barrier64& b) {
  const std::int64_t tx = b.transactions < 0 ? b.transactions + (1 << 21) : b.transactions;
  return static_cast<std::uint64_t>(b.pending) + static_cast<std::uint64_t>(b.expected) * (1 << 20) +
         static_cast<std::uint64_t>(tx) * (std::uint64_t{1} << 40) + (b.phase ? std::uint64_t{1} << 63 : 0);
}

void arrive(Barrier64& b, std::int64_t count) {
  if (count < 1 || count > b.pending) throw Fault("more arrivals than the phase of an mbarrier waits for");
  b.pending -= count;
}

void complete_phase(Barrier64& b) {
  if (b.pending != 0 || b.transactions != 0) return;
  b.phase = !b.phase;
  b.pending = b.expected;
}

}  // namespace

void complete_transactions(Block& block, std::uint64_t offset, std::int64_t bytes) {
  complete_transactions(std::span(block.shared).subspan(offset, 8), bytes);
}

void complete_transactions(Block& block, Thread& thread, ptx::Space space, const ptx::Operand& barrier,
                           std::int64_t bytes) {
  complete_transactions(resolve(block, thread, space, barrier, 8, 8), bytes);
}

void complete_transactions(std::span<std::byte> object, std::int64_t bytes) {
  Barrier64 b = taken_apart(load_bits(object.data(), 8));
  if (b.pending == 0 && b.expected == 0) throw Fault("an mbarrier that nobody has made");
  b.transactions -= bytes;
  complete_phase(b);
  store_bits(object.data(), put_together(b), 8);
}

void execute_mbarrier(Block& block, Thread& thread, const ptx::Instruction& in) {
  const bool tests = in.opcode == Opcode::MbarrierWait;
  // The first operand is a result, or the address.
  const std::size_t address = in.operands.at(0).kind == ptx::Operand::Kind::Address ? 0 : 1;
  const auto bytes = resolve(block, thread, in.modifiers.space, in.operands.at(address), 8, 8);
  const std::uint64_t before = load_bits(bytes.data(), 8);
  const bool given = in.operands.size() > address + 1;
  const std::uint64_t value = given ? read(block, thread, in.operands[address + 1]) : 1;
  if (in.modifiers.barrier_step == Step::Init) {
    if (value < 1 || value >= 1 << 20) throw Fault("an mbarrier with a count that it cannot have");
    Barrier64 made;
    made.pending = made.expected = static_cast<std::int64_t>(value);
    store_bits(bytes.data(), put_together(made), 8);
    return;
  }
  Barrier64 b = taken_apart(before);
  if (b.pending == 0 && b.expected == 0) throw Fault("an mbarrier that nobody has made");
  if (tests) {
    const bool parity = in.source_type == ptx::Type::B32;
    const bool phase = parity ? value % 2 != 0 : taken_apart(value).phase;
    write(thread, in.operands[0], b.phase != phase ? 1 : 0);
    return;
  }
  const auto count = static_cast<std::int64_t>(value);
  switch (in.modifiers.barrier_step) {
    case Step::Invalidate:
      store_bits(bytes.data(), 0, 8);
      return;
    case Step::ExpectTx:
      b.transactions += count;
      break;
    case Step::CompleteTx:
      b.transactions -= count;
      break;
    case Step::Arrive:
    case Step::ArriveNoComplete:
      arrive(b, count);
      break;
    case Step::ArriveExpectTx:
      b.transactions += count;
      arrive(b, 1);
      break;
    case Step::Drop:
    case Step::DropNoComplete:
      arrive(b, count);
      b.expected -= count;
      break;
    case Step::DropExpectTx:
      b.transactions += count;
      arrive(b, 1);
      b.expected -= 1;
      break;
    case Step::Copies:  // expected, and made at once
      finish_copies(thread);
      break;
    case Step::CopiesCounted:
      finish_copies(thread);
      arrive(b, 1);
      break;
    default:
      throw std::logic_error("a step of an mbarrier");
  }
  complete_phase(b);
  store_bits(bytes.data(), put_together(b), 8);
  if (address == 1) write(thread, in.operands[0], before);
}

}  // namespace doppel::reference
