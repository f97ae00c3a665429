// SPDX-License-Identifier: Apache-2.0
// The virtual time line of the cards: what ran when, had the cards been there.
//
// Operations are placed in the order in which they were submitted, so that the same program gives the same
// timeline however the host's threads ran. An operation starts when those it depends on have ended, when the
// host has submitted it, and when its lane has room: kernels share a card by the part of it that their blocks
// fill, copies of one direction take turns on the copy engines.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "device/operation.h"

namespace doppel::device {

class Device;

class Timeline {
 public:
  Timeline();
  ~Timeline();
  // In the order of the submissions; called by the scheduler. Neither places anything, which may take a
  // simulation: who queues work does not wait for one.
  void submitted(const std::shared_ptr<Operation>& operation);
  void finished(Operation& operation, const Cost& cost);
  // Places what has run.
  void advance();
  // Only while that takes no simulation, and nobody else does it.
  void advance_if_quick();
  // Until the operation, which has run, has its place. An earlier one that only waits for somebody else is
  // not waited for.
  void wait_placed(Operation& operation);
  // The end of the last operation placed.
  double end_us() const;

 private:
  class Lanes;
  // With place_mutex_ held.
  void place(Operation& operation);
  void place_with_dependencies(Operation& operation);
  void place_all(bool quick_ones);
  bool waits_for_others();
  std::shared_ptr<Operation> next(bool quick_one);

  mutable std::mutex place_mutex_;             // one operation is placed after the other
  std::vector<std::unique_ptr<Lanes>> lanes_;  // by device ordinal; under place_mutex_, as is the next
  double end_us_ = 0;
  std::mutex queue_mutex_;  // never held for long
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Operation>> unplaced_;  // under queue_mutex_, as is what they cost
};

}  // namespace doppel::device
