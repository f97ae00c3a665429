#include "kernel/clock_reads.h"

#include <algorithm>

namespace doppel::kernel {
namespace {

bool is_clock(const ptx::Operand& operand) {
  if (operand.kind != ptx::Operand::Kind::Special) return false;
  using enum ptx::SpecialRegister;
  switch (operand.special) {
    case Clock:
    case ClockHi:
    case Clock64:
    case Globaltimer:
    case GlobaltimerLo:
    case GlobaltimerHi:
      return true;
    default:
      return false;
  }
}

}  // namespace

bool reads_clock(const ptx::Instruction& instruction) {
  return instruction.opcode == ptx::Opcode::Nanosleep ||
         std::ranges::any_of(instruction.operands, [](const ptx::Operand& each) { return is_clock(each); });
}

}  // namespace doppel::kernel
