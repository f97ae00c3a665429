// SPDX-License-Identifier: Apache-2.0
// A resource of the modelled card that several operations may use at once, up to a share of 1 in sum: the
// SMs, a copy engine.
#pragma once

#include <cstddef>
#include <vector>

namespace doppel::device {

class SharedResource {
 public:
  // Takes `share` of it for `duration` (any unit of time) at the earliest start, not before `ready`, at which
  // so much is free for so long. A duration of 0 takes nothing.
  double take(double ready, double duration, double share);
  // Nothing will be asked for before `time`: what lies there need not be kept.
  void forget_before(double time);

 private:
  // What is in use from `at` to the next step; of the last one it is 0, for ever.
  struct Step {
    double at;
    double load;
  };
  std::size_t split(double at);  // the step that starts there, made if need be
  std::vector<Step> steps_;
};

}  // namespace doppel::device
