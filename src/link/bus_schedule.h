// SPDX-License-Identifier: Apache-2.0
// Copies that run at once over the links of the process's cards. A copy engine does one after the other, in
// the order in which they are ready; copies of different engines that go the same way over a link share it:
// who needs less than an equal part gets it, and the others share the rest. Two directions of a link do not
// slow each other.
//
// Deterministic: times follow from the copies and their order alone. A copy that nobody disturbs takes its
// own time to the digit.
//
// Kernels that reach memory of the host use a link beside the copies, for as long and as fast as the card's
// own schedule says (timing/chip_schedule.h): each counts as a copy where the link is shared.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "link/transfer.h"

namespace doppel::link {

struct CopyDemand {
  double time_us = 0;  // alone
  int card = 0;        // whose engine does it, by device ordinal
  int engine = 0;
  std::vector<Use> uses;
};

class BusSchedule {
 public:
  using CopyId = std::uint64_t;

  // The copy may begin at `ready_us`, or now where that is past.
  CopyId add(CopyDemand demand, double ready_us);
  // When anything happens next; infinity: nothing does.
  double next_us() const;
  // Everything up to then, as if no other copy came before.
  void advance_to(double time_us);
  struct Ended {
    CopyId copy = 0;
    double start_us = 0, end_us = 0;
  };
  // The copies that have ended since the last time, in order.
  std::vector<Ended> take_ended() { return std::exchange(ended_, {}); }

  // From now on so many kernels of a card ask for that part of a channel's time together, until they are told
  // otherwise. `of`: the card whose channel it is. Returns what they get beside the copies, and the kernels
  // of another card at the other end.
  double share_with_kernels(int card, int of, Channel channel, double asked, int kernels);

 private:
  // What asks for channels, and how much of that it gets.
  struct Flow {
    std::vector<Use> uses;
    double weight = 1;
    double speed = 1;
  };
  struct Copy {
    CopyDemand demand;
    double start_us = 0;
    double left_us = 0;  // at full speed
    Flow flow;
    bool undisturbed = true;
  };
  using Place = std::pair<int, int>;  // card and engine, or card and channel

  void step();
  void pass(double until_us);
  void begin_next(const Place& engine);
  void set_speeds();
  static void share(const std::vector<Flow*>& flows, const Place& channel);
  double end_of(const Copy& copy) const;

  double now_us_ = 0;
  CopyId next_ = 0;
  std::map<CopyId, Copy> copies_;                // that have not ended
  std::set<std::pair<double, CopyId>> waiting_;  // by when they are ready
  std::map<Place, std::deque<CopyId>> engines_;  // what each has to do; the first one runs
  std::set<CopyId> running_;
  std::map<std::pair<int, Place>, Flow> kernels_;  // by card, and card and channel
  std::vector<Ended> ended_;
};

}  // namespace doppel::link
