// SPDX-License-Identifier: Apache-2.0
#include "analysis/lane_pattern.h"

#include <algorithm>

namespace doppel::analysis {

bool all_equal(const LaneConstants& values) {
  return std::ranges::all_of(values, [&](std::int64_t value) { return value == values[0]; });
}

std::int64_t wrap(std::int64_t value, int bits) {
  if (bits >= 64) return value;
  const int unused = 64 - bits;
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(value) << unused) >> unused;
}

LaneConstants add(const LaneConstants& a, const LaneConstants& b, int bits) {
  LaneConstants result;
  for (int lane = 0; lane < kLanes; ++lane) {
    result[lane] = wrap(
        static_cast<std::int64_t>(static_cast<std::uint64_t>(a[lane]) + static_cast<std::uint64_t>(b[lane])),
        bits);
  }
  return result;
}

LaneConstants scale(const LaneConstants& a, std::int64_t by, int bits) {
  LaneConstants result;
  for (int lane = 0; lane < kLanes; ++lane) {
    result[lane] =
        wrap(static_cast<std::int64_t>(static_cast<std::uint64_t>(a[lane]) * static_cast<std::uint64_t>(by)),
             bits);
  }
  return result;
}

LanePattern LanePattern::uniform(int bits, int alignment) {
  LanePattern result;
  result.kind = Kind::Parts;
  result.bits = bits;
  result.alignment = alignment;
  return result;
}

LanePattern LanePattern::varying(int bits) {
  LanePattern result;
  result.kind = Kind::Varying;
  result.bits = bits;
  return result;
}

bool LanePattern::same_shape(const LanePattern& other) const {
  return kind == other.kind && bits == other.bits && linear == other.linear && widened == other.widened;
}

std::size_t LanePattern::part_count() const {
  if (kind != Kind::Parts) return 1;
  std::size_t count = 1 + linear.factors.size();
  for (const WidenedPattern& term : widened)
    count += 1 + term.inner.factors.size() + (term.has_multiplier ? 1 : 0);
  return count;
}

LanePattern meet(const LanePattern& a, const LanePattern& b) {
  if (a.kind == LanePattern::Kind::Unknown) return b;
  if (b.kind == LanePattern::Kind::Unknown) return a;
  if (!a.same_shape(b)) return LanePattern::varying(a.bits);
  LanePattern result = a;
  result.alignment = std::min(a.alignment, b.alignment);
  return result;
}

}  // namespace doppel::analysis
