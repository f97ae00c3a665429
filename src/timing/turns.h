// SPDX-License-Identifier: Apache-2.0
// Whose turn it is, of the processes that want the SMs of a card: the driver gives them to one at a time, for
// a slice of time (card::TimeSlicing). In one process, kernels run beside each other (chip_schedule.h).
//
// This process has a time line of its own; of the others it is only known how much of the time they want the
// card, each as if it were alone: `wanted`, 2 for two that are never idle. So the turns are means:
//   a slice of this process, then the others' part of one (wanted x slice), with a switch before each
//   what comes while nothing of this process runs, and its last slice is over: the rest of another's slice
//   comes first, half of one on average where they are always there
// A slice lasts to its end, also where its process is idle in between, as contexts were seen to do on Jetson
// (forums.developer.nvidia.com topic 181203). What a switch loses in caches is not counted; copy engines and
// the bus are not divided by turns.
#pragma once

#include <functional>
#include <limits>
#include <utility>

namespace doppel::timing {

class Turns {
 public:
  using Wanted = std::function<double()>;
  Turns() = default;  // it is always this process's
  Turns(double slice_us, double switch_us, Wanted wanted)
      : slice_us_(slice_us), switch_us_(switch_us), wanted_(std::move(wanted)) {}

  bool away() const { return away_; }
  double away_us() const { return away_total_us_; }  // in all, until the end of the present one
  // When it changes by itself; infinity: not until work comes. busy: there is work of this process.
  double next_us(bool busy) const;
  // At that moment. running: work had begun before; came: new work has come.
  void update(double now_us, bool running, bool came);

 private:
  void leave(double now_us, double for_us);
  double slice_us_ = 0, switch_us_ = 0;
  Wanted wanted_;
  double until_us_ = -std::numeric_limits<double>::infinity();  // of what is now
  bool away_ = false;
  bool shared_ = false;  // others were there when it was asked last
  double away_total_us_ = 0;
};

}  // namespace doppel::timing
