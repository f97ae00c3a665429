// SPDX-License-Identifier: Apache-2.0
#include "analysis/clock_reads.h"

#include <algorithm>

namespace doppel::analysis {
namespace {

bool is_clock(const ir::Operand& operand) {
  if (operand.kind != ir::Operand::Kind::Special) return false;
  using enum ir::SpecialRegister;
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

bool reads_clock_register(const ir::Operation& operation) {
  return ir::row(operation).clock == ir::Clock::WhereRead && std::ranges::any_of(operation.sources, is_clock);
}

bool reads_clock(const ir::Operation& operation) {
  return ir::row(operation).clock == ir::Clock::Spends || reads_clock_register(operation);
}

}  // namespace doppel::analysis
