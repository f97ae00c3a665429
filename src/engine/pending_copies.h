// SPDX-License-Identifier: Apache-2.0
// Copies to shared memory that a warp's threads have begun and not yet waited for (PTX ISA 9.7.9.25.3). What
// is read is read at once; it gets to its place when a thread waits for the copy's group, or ends: the latest
// that the ISA allows, so that a program that does not wait sees what was there before.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/announced_access.h"
#include "jit/warp_abi.h"

namespace doppel::engine {

// How many groups each lane has closed. Mostly the same lanes close them all, and one number does.
class ClosedGroups {
 public:
  void close(std::uint32_t mask);
  // Of the lanes that have closed more than `kept` groups since: `group` is what this was then.
  std::uint32_t closed_since(const ClosedGroups& group, std::uint32_t kept) const;

 private:
  std::uint32_t of(std::size_t lane) const { return alike_ ? (lanes_ >> lane & 1) * number_ : each_[lane]; }
  bool alike_ = true;
  std::uint32_t lanes_ = 0, number_ = 0;
  std::array<std::uint32_t, jit::kWarpLanes> each_;  // where they are not alike
};

class PendingCopies {
 public:
  using Groups = ClosedGroups;
  static constexpr std::size_t kMostBytes = 16;
  // One instruction's, of the lanes in `mask`.
  struct Copy {
    std::uint32_t mask = 0;
    std::uint32_t bytes = 0;                            // of a lane
    std::uint64_t number = 0;                           // of the warp's copies
    Groups group;                                       // in which it is
    std::array<std::uint32_t, jit::kWarpLanes> offset;  // in the block's shared memory
    std::array<std::array<std::byte, kMostBytes>, jit::kWarpLanes> data;
  };

  // cp.async.mbarrier.arrive: of each lane an arrival when all has ended that it has begun before.
  struct Arrival {
    std::uint32_t mask = 0;
    std::uint64_t before = 0;                             // copies that it stands behind
    std::array<std::uint32_t, jit::kWarpLanes> offset{};  // of the barriers, in the block's shared memory
    Site site;
  };

  std::size_t size() const { return end_ - first_ + arrivals_.size(); }
  // How much further on the copy will read that stands where this one does behind the warp's next wait, as
  // the last ones tell; 0: they do not. from: where the first lane reads.
  std::int64_t next_step(std::uint64_t from);
  void waited() { position_ = 0; }
  // In the open group of each lane.
  Copy& add(std::uint32_t mask, std::uint32_t bytes);
  Arrival& add_arrival(std::uint32_t mask);
  void close_group(std::uint32_t mask);
  // Calls end(Copy, lanes) for what these lanes have closed before their last `kept` groups.
  template <typename End>
  void finish_groups(std::uint32_t mask, std::uint32_t kept, const End& end);
  // For all that these lanes have begun.
  template <typename End>
  void finish_all(std::uint32_t mask, const End& end);
  // What stands before the arrivals that `chosen` tells the lanes of, and then arrive(Arrival, lanes) for
  // these.
  template <typename Chosen, typename End, typename Arrive>
  void finish_arrivals(const Chosen& chosen, const End& end, const Arrive& arrive);
  void clear();

 private:
  template <typename Lanes, typename End>
  void finish(const Lanes& lanes_of, const End& end);

  // By how many copies stand before one, behind a wait.
  struct Position {
    std::uint64_t from = 0;
    std::int64_t step = 0;
  };
  static constexpr std::size_t kMostPositions = 64;
  std::array<Position, kMostPositions> positions_;
  std::size_t position_ = 0;
  std::vector<Arrival> arrivals_;
  std::uint64_t begun_ = 0;
  // In the order in which they were begun, from first_ to end_; the others are room for more.
  std::vector<Copy> copies_;
  std::size_t first_ = 0, end_ = 0;
  ClosedGroups closed_;
};

template <typename Lanes, typename End>
void PendingCopies::finish(const Lanes& lanes_of, const End& end) {
  for (std::size_t i = first_; i < end_; ++i) {
    Copy& copy = copies_[i];
    const std::uint32_t lanes = copy.mask == 0 ? 0 : lanes_of(copy);
    if (lanes != 0) end(copy, lanes);
    copy.mask &= ~lanes;
  }
  while (first_ < end_ && copies_[first_].mask == 0) ++first_;
  if (first_ == end_) first_ = end_ = 0;
}

template <typename End>
void PendingCopies::finish_groups(std::uint32_t mask, std::uint32_t kept, const End& end) {
  finish([&](const Copy& copy) { return copy.mask & mask & closed_.closed_since(copy.group, kept); }, end);
}

template <typename End>
void PendingCopies::finish_all(std::uint32_t mask, const End& end) {
  finish([&](const Copy& copy) { return copy.mask & mask; }, end);
}

template <typename Chosen, typename End, typename Arrive>
void PendingCopies::finish_arrivals(const Chosen& chosen, const End& end, const Arrive& arrive) {
  for (Arrival& arrival : arrivals_) {
    const std::uint32_t lanes = chosen(arrival) & arrival.mask;
    if (lanes == 0) continue;
    finish([&](const Copy& copy) { return copy.number < arrival.before ? copy.mask & lanes : 0; }, end);
    arrive(arrival, lanes);
    arrival.mask &= ~lanes;
  }
  std::erase_if(arrivals_, [](const Arrival& arrival) { return arrival.mask == 0; });
}

}  // namespace doppel::engine
