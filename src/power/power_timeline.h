// SPDX-License-Identifier: Apache-2.0
// What a card draws over virtual time, and whose energy that is.
//
// At each moment: the awake card, once; above that what busy SMs take, of which no more can be busy than
// there are; above that the dynamic energy of all that runs, each spread evenly over its time. Together at
// most the card's limit: what is above it is cut from all in proportion (the clock falls, and with it the
// voltage; times are kept). What the awake card draws is shared in equal parts by what runs at that moment;
// where nothing runs, it is waiting. A card that has waited for `idle_after_s` falls to its idle power until
// the next work.
//
// Work may come in any order, but what ends late should not come much later than what ended before: memory is
// bounded, and of stretches that lie far back only the sums are kept.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "card/card.h"

namespace doppel::power {

// From that moment on.
struct PowerStep {
  double time_us = 0;
  double watts = 0;
  double clock_mhz = 0;
};

class PowerTimeline {
 public:
  // most_steps: kept of the steps of power, the first ones; 0 where nobody asks for them.
  explicit PowerTimeline(const card::Card& card, std::size_t most_steps = 0);

  // Something that runs, with its energy in the account that is named by number.
  struct Work {
    double start_us = 0, end_us = 0;
    double busy_sms = 0;   // share of the SMs that have some of it, 0 to 1
    double dynamic_j = 0;  // of its operations and bytes
    double clock_mhz = 0;  // 0: it does not say
    std::size_t account = 0;
  };
  void add(const Work& work);
  // Some of what comes may draw as much.
  void raise_limit(double watts) { power_.limit_w = std::max(power_.limit_w, watts); }

  struct Sums {
    std::vector<double> account_j;  // by account, as far as any has something
    double waiting_j = 0;           // while nothing ran
    double busy_us = 0;             // something ran
    std::vector<PowerStep> steps;
    double account(std::size_t number) const { return number < account_j.size() ? account_j[number] : 0; }
  };
  // Of all from 0 to that time, which no work ends after.
  Sums until(double end_us) const;

 private:
  struct Running {
    double end_us, busy_sms, dynamic_w, clock_mhz;
    std::size_t account;
  };
  void pass_to(double end_us);
  void charge(double from_us, double to_us);
  void wait(double from_us, double to_us);
  void step(double time_us, double watts, double clock_mhz);
  double& account(std::size_t number);

  card::Power power_;
  double sustained_mhz_;
  std::size_t most_steps_;
  std::vector<Work> pending_;     // that may still be joined by work beside it
  std::vector<Running> running_;  // at passed_us_
  double passed_us_ = 0;          // all before is in the sums
  double last_work_us_ = 0;       // end of what ran last, as far as passed
  Sums sums_;
};

}  // namespace doppel::power
