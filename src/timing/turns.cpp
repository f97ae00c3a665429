// SPDX-License-Identifier: Apache-2.0
#include "timing/turns.h"

#include <algorithm>

namespace doppel::timing {

double Turns::next_us(bool busy) const {
  return busy && (away_ || shared_) ? until_us_ : std::numeric_limits<double>::infinity();
}

void Turns::leave(double now_us, double for_us) {
  away_ = true;
  until_us_ = now_us + for_us;
  away_total_us_ += for_us;
}

void Turns::update(double now_us, bool running, bool came) {
  if (slice_us_ <= 0 || now_us < until_us_) return;
  if (away_) {
    away_ = false;
    until_us_ = now_us + slice_us_;
    return;
  }
  if (!came && !(running && shared_)) return;
  const double wanted = wanted_();
  shared_ = wanted > 0;
  if (!shared_) return;
  const double present = std::min(1.0, wanted);  // how likely one of them has its turn
  const double all_us = wanted * (slice_us_ + switch_us_) + present * switch_us_;
  const double since_us = now_us - until_us_;  // its last slice was over
  leave(now_us, running || since_us < all_us ? all_us - since_us : present * (slice_us_ / 2 + switch_us_));
}

}  // namespace doppel::timing
