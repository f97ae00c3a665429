// SPDX-License-Identifier: Apache-2.0
// Operations on the timeline that wait for what another one writes to memory, or the host.
//
// What ran when on this machine says that the write was made, and not when the card would have made it. So an
// operation that polls memory in vain does not end before the one that writes there has: the first in the
// order of submission, of all that ended behind its start and that had begun to run here before the wait was
// over; and, where counters are added to, all that do so and were submitted before the one that waits. A
// stream that waits again for the same word waits for a later write: the writer's next one may have been made
// before, then it does not wait. Two that wait for each other end together. What the host writes counts when
// it next waits for the card, or asks.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "device/operation.h"
#include "timing/chip_schedule.h"

namespace doppel::device {

class MemoryWaits {
 public:
  using Pointer = std::shared_ptr<Operation>;
  struct Wait {
    Pointer operation;
    std::optional<timing::ChipSchedule::GridId> grid;  // none: it takes no room, its own work takes no time
    bool done = false;                                 // its own work
    double done_us = 0;
    bool known = false;            // for whom it waits
    std::vector<Pointer> writers;  // these
    double written_us = 0;         // by one that had ended before
  };
  // What is asked of the timeline.
  struct View {
    std::function<bool(const Operation&)> has_run;
    std::function<bool(const Operation&)> is_passed;  // has not run, and is not waited for
    double asked_us = 0;                              // when the host asked last
    bool gives_up = false;                            // no longer waits for what has no place in sight
  };

  static bool waits(const Operation& operation) {
    return operation.flags != nullptr && !operation.flags->polled.empty();
  }

  void submitted(std::uint64_t serial, const Pointer& operation) { live_.emplace(serial, operation); }
  void placed(std::uint64_t serial);
  // The operation has begun on the timeline, or there is nothing that it has to begin.
  void add(std::uint64_t serial, Wait wait) { waits_.emplace(serial, std::move(wait)); }
  void done(std::uint64_t serial, double time_us);
  // Calls end(wait, when) for each that need not go on. False: for whom one waits is not known yet.
  bool settle(const View& view, const std::function<void(const Wait&, double)>& end);
  // Nothing begins before that.
  void forget_before(double time_us);

 private:
  // That a stream has waited for, at a place, and what that writer's stream wrote there since.
  struct Taken {
    std::uint64_t stream = 0;
    FlagUse::Range place;
    std::uint64_t writers_stream = 0, serial = 0;
    std::map<std::uint64_t, double> later;  // serial numbers, and when they ended
  };
  Taken* taken_by(const Operation& waiting);
  void take(const Operation& waiting, const Operation& writer, const FlagUse::Range& place);
  bool find_writers(std::uint64_t serial, Wait& wait, const View& view);
  std::optional<double> end_of(const Wait& wait, const View& view) const;

  std::map<std::uint64_t, Pointer> live_;   // by serial number: without a place
  std::multimap<double, Pointer> written_;  // by when they ended: what writes
  std::vector<Taken> taken_;
  std::map<std::uint64_t, Wait> waits_;  // by serial number
};

}  // namespace doppel::device
