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

bool reads_clock(const ir::Operation& operation) {
  switch (ir::row(operation).clock) {
    case ir::Clock::None:
      return false;
    case ir::Clock::WhereRead:
      return std::ranges::any_of(operation.sources, is_clock);
    case ir::Clock::Spends:
      break;
  }
  return true;
}

}  // namespace doppel::analysis
