// SPDX-License-Identifier: Apache-2.0
// How often a kernel is repeated, here and in its twins, behind the first repeat that compiles it: a host
// takes many milliseconds to settle on a clock and on what its caches hold.
#pragma once

#include <algorithm>
#include <cmath>
#include <ctime>

namespace bench {

// The smallest of the seconds that `repeat` gives: at least three repeats, and for at least a second.
template <class Repeat>
double smallest_seconds(const Repeat& repeat) {
  double best = HUGE_VAL;
  double all = 0;
  for (int i = 0; i < 3 || all < 1; ++i) {
    const double one = repeat();
    best = std::min(best, one);
    all += one;
  }
  return best;
}

// Of the processor, which other programs disturb least.
template <class Work>
double processor_seconds_of(const Work& work) {
  const std::clock_t begin = std::clock();
  work();
  return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

}  // namespace bench
