// SPDX-License-Identifier: Apache-2.0
#include "power/power_timeline.h"

#include <algorithm>
#include <limits>

#include "support/units.h"

namespace doppel::power {
namespace {

// Work that is kept for what may still run beside it. When there is more, the older half goes into the sums.
constexpr std::size_t kMostPending = 16384;

}  // namespace

PowerTimeline::PowerTimeline(const card::Card& card, std::size_t most_steps)
    : power_(card.power), sustained_mhz_(card.clocks.sustained_mhz), most_steps_(most_steps) {}

double& PowerTimeline::account(std::size_t number) {
  if (sums_.account_j.size() <= number) sums_.account_j.resize(number + 1, 0);
  return sums_.account_j[number];
}

void PowerTimeline::add(const Work& work) {
  const double time_us = work.end_us - work.start_us;
  if (time_us <= 0) return;
  Work rest = work;
  if (work.start_us < passed_us_) {
    // What ran then is in the sums, and the awake card with it; its own part is not.
    const double gone = std::min(1.0, (passed_us_ - work.start_us) / time_us);
    const double busy_j = (power_.active_w - power_.awake_w) * std::clamp(work.busy_sms, 0.0, 1.0) * time_us *
                          kSecondsPerMicrosecond;
    account(work.account) += gone * (work.dynamic_j + busy_j);
    if (work.end_us <= passed_us_) return;
    rest.start_us = passed_us_;
    rest.dynamic_j *= 1 - gone;
  }
  pending_.push_back(rest);
  if (pending_.size() < kMostPending) return;
  const auto middle = pending_.begin() + static_cast<std::ptrdiff_t>(pending_.size() / 2);
  std::ranges::nth_element(pending_, middle, {}, &Work::start_us);
  pass_to(middle->start_us);
}

// All that begins before then goes from the pending work into the sums, as far as it has run.
void PowerTimeline::pass_to(double end_us) {
  std::ranges::sort(pending_, {}, &Work::start_us);
  std::size_t begun = 0;
  while (passed_us_ < end_us) {
    for (; begun < pending_.size() && pending_[begun].start_us <= passed_us_; ++begun) {
      const Work& work = pending_[begun];
      const double seconds = (work.end_us - work.start_us) * kSecondsPerMicrosecond;
      running_.push_back({work.end_us, std::clamp(work.busy_sms, 0.0, 1.0), work.dynamic_j / seconds,
                          work.clock_mhz, work.account});
    }
    double next_us = begun < pending_.size() ? std::min(end_us, pending_[begun].start_us) : end_us;
    for (const Running& each : running_) next_us = std::min(next_us, each.end_us);
    charge(passed_us_, next_us);
    passed_us_ = next_us;
    std::erase_if(running_, [&](const Running& each) { return each.end_us <= next_us; });
  }
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(begun));
}

void PowerTimeline::charge(double from_us, double to_us) {
  if (running_.empty()) {
    wait(from_us, to_us);
    return;
  }
  double busy = 0, watts = power_.awake_w;
  double clock_mhz = std::numeric_limits<double>::infinity();
  for (const Running& each : running_) {
    busy += each.busy_sms;
    watts += each.dynamic_w;
    if (each.clock_mhz > 0) clock_mhz = std::min(clock_mhz, each.clock_mhz);
  }
  if (clock_mhz == std::numeric_limits<double>::infinity()) clock_mhz = sustained_mhz_;
  const double all_busy_w = power_.active_w - power_.awake_w;
  const double part = busy > 1 ? 1 / busy : 1;  // that each has of the SMs it would have alone
  watts += all_busy_w * busy * part;
  const double kept = watts > power_.limit_w ? power_.limit_w / watts : 1;
  const double seconds = (to_us - from_us) * kSecondsPerMicrosecond;
  const double awake_w = power_.awake_w / static_cast<double>(running_.size());
  for (const Running& each : running_) {
    account(each.account) += kept * (awake_w + all_busy_w * each.busy_sms * part + each.dynamic_w) * seconds;
  }
  sums_.busy_us += to_us - from_us;
  last_work_us_ = to_us;
  step(from_us, watts * kept, clock_mhz);
}

void PowerTimeline::wait(double from_us, double to_us) {
  const bool falls = power_.idle_after_s > 0;
  const double idle_us =
      falls ? std::clamp(last_work_us_ + power_.idle_after_s * kMicrosecondsPerSecond, from_us, to_us)
            : to_us;
  sums_.waiting_j +=
      (power_.awake_w * (idle_us - from_us) + power_.idle_w * (to_us - idle_us)) * kSecondsPerMicrosecond;
  if (idle_us > from_us) step(from_us, power_.awake_w, sustained_mhz_);
  if (idle_us < to_us) step(idle_us, power_.idle_w, power_.min_mhz);
}

void PowerTimeline::step(double time_us, double watts, double clock_mhz) {
  if (sums_.steps.size() >= most_steps_) return;
  if (!sums_.steps.empty() && sums_.steps.back().watts == watts && sums_.steps.back().clock_mhz == clock_mhz)
    return;
  sums_.steps.push_back({time_us, watts, clock_mhz});
}

PowerTimeline::Sums PowerTimeline::until(double end_us) const {
  PowerTimeline whole = *this;
  whole.pass_to(end_us);
  return std::move(whole.sums_);
}

}  // namespace doppel::power
