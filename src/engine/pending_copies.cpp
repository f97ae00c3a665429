// SPDX-License-Identifier: Apache-2.0
#include "engine/pending_copies.h"

#include <algorithm>

namespace doppel::engine {

void ClosedGroups::close(std::uint32_t mask) {
  if (alike_ && (number_ == 0 || lanes_ == mask)) {
    lanes_ = mask;
    ++number_;
    return;
  }
  if (alike_) {
    for (std::size_t lane = 0; lane < each_.size(); ++lane) each_[lane] = of(lane);
    alike_ = false;
  }
  for (std::size_t lane = 0; lane < each_.size(); ++lane) each_[lane] += mask >> lane & 1;
}

std::uint32_t ClosedGroups::closed_since(const ClosedGroups& group, std::uint32_t kept) const {
  if (alike_ && group.alike_) return number_ - group.number_ > kept ? lanes_ : 0;
  std::uint32_t lanes = 0;
  for (std::size_t lane = 0; lane < each_.size(); ++lane)
    lanes |= (of(lane) - group.of(lane) > kept ? 1u : 0u) << lane;
  return lanes;
}

PendingCopies::Copy& PendingCopies::add(std::uint32_t mask, std::uint32_t bytes) {
  if (end_ == copies_.size()) {
    if (first_ > end_ / 2) {
      std::move(copies_.begin() + static_cast<std::ptrdiff_t>(first_), copies_.end(), copies_.begin());
      end_ -= first_;
      first_ = 0;
    } else {
      copies_.resize(std::max<std::size_t>(4, 2 * end_));
    }
  }
  Copy& copy = copies_[end_++];
  copy.mask = mask;
  copy.bytes = bytes;
  copy.number = begun_++;
  copy.group = closed_;
  return copy;
}

std::int64_t PendingCopies::next_step(std::uint64_t from) {
  if (position_ == kMostPositions) return 0;
  Position& position = positions_[position_++];
  const auto step = static_cast<std::int64_t>(from - position.from);
  const std::int64_t before = position.step;
  position = {from, step};
  return step == before ? step : 0;
}

PendingCopies::Arrival& PendingCopies::add_arrival(std::uint32_t mask) {
  Arrival& arrival = arrivals_.emplace_back();
  arrival.mask = mask;
  arrival.before = begun_;
  return arrival;
}

void PendingCopies::close_group(std::uint32_t mask) { closed_.close(mask); }

void PendingCopies::clear() {
  first_ = end_ = 0;
  position_ = 0;
  arrivals_.clear();
  closed_ = {};
}

}  // namespace doppel::engine
