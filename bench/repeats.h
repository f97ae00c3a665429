// SPDX-License-Identifier: Apache-2.0
// How often a kernel is repeated, here and in its twins, behind the first repeat that compiles it: a host
// takes many milliseconds to settle on a clock and on what its caches hold.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>

namespace bench {

template <class Work>
double host_seconds(const Work& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// Of the processor, of all threads together: other processes disturb it less.
template <class Work>
double processor_seconds(const Work& work) {
  const std::clock_t begin = std::clock();
  work();
  return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

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

}  // namespace bench
