// SPDX-License-Identifier: Apache-2.0
// A generator of numbers that gives the same ones on every host (SplitMix64).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace doppel::random {

class Rng {
 public:
  // The seed is mixed first: neighbours would otherwise give one sequence, a step apart.
  explicit Rng(std::uint64_t seed) : state_(mix(seed + 0x632be59bd9b4e019)) {}

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15;
    return mix(state_);
  }
  int below(int bound) { return static_cast<int>(next() % static_cast<std::uint64_t>(bound)); }
  int between(int low, int high) { return low + below(high - low + 1); }
  bool chance(int percent) { return below(100) < percent; }

  template <typename T>
  const T& pick(const std::vector<T>& from) {
    return from[static_cast<std::size_t>(below(static_cast<int>(from.size())))];
  }
  std::string pick(std::initializer_list<const char*> from) {
    return *(from.begin() + below(static_cast<int>(from.size())));
  }
  // The text, or nothing.
  std::string maybe(const char* text, int percent = 50) { return chance(percent) ? text : ""; }

 private:
  static std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  std::uint64_t state_;
};

}  // namespace doppel::random
