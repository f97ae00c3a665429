// SPDX-License-Identifier: Apache-2.0
#include "link/migration.h"

#include <algorithm>

#include "support/units.h"

namespace doppel::link {
double migration_on_link_us(const card::Card& card, double bytes, Direction direction) {
  return bytes / pcie_bytes_per_second(card, direction, HostMemory::Pinned) * kMicrosecondsPerSecond;
}

double migration_us(const card::Card& card, double bytes, Direction direction, Cause cause) {
  const double efficiency = cause == Cause::Fault ? card.managed.fault_efficiency : 1;
  return migration_on_link_us(card, bytes, direction) / efficiency;
}

double lines_on_link_us(const card::Card& card, double bytes, Direction direction) {
  const auto line = static_cast<double>(card.l2.line_bytes);
  const double line_s =
      direction == Direction::HostToDevice
          ? std::max(card.pcie.answer_s(line), card.pcie.round_trip_ns * 1e-9 / card.pcie.read_requests)
          : card.pcie.write_s(line);
  return bytes / line * line_s * kMicrosecondsPerSecond;
}

}  // namespace doppel::link
