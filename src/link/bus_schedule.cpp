// SPDX-License-Identifier: Apache-2.0
#include "link/bus_schedule.h"

#include <algorithm>
#include <limits>

namespace doppel::link {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();
// Rounding of sums of shares and of times.
constexpr double kTolerance = 1e-9;

}  // namespace

BusSchedule::CopyId BusSchedule::add(CopyDemand demand, double ready_us) {
  const CopyId id = next_++;
  Copy& copy = copies_[id];
  copy.left_us = demand.time_us;
  copy.flow.uses = std::move(demand.uses);
  copy.demand = std::move(demand);
  waiting_.emplace(std::max(ready_us, now_us_), id);
  return id;
}

double BusSchedule::end_of(const Copy& copy) const {
  const double speed = copy.flow.speed;
  return copy.undisturbed && speed == 1 ? copy.start_us + copy.demand.time_us
                                        : now_us_ + copy.left_us / speed;
}

double BusSchedule::next_us() const {
  double at = waiting_.empty() ? kNever : waiting_.begin()->first;
  for (const CopyId id : running_) at = std::min(at, end_of(copies_.at(id)));
  return at;
}

void BusSchedule::advance_to(double time_us) {
  for (double next = next_us(); next <= time_us && next < kNever; next = next_us()) step();
  if (time_us > now_us_ && time_us < kNever) pass(time_us);
}

void BusSchedule::pass(double until_us) {
  for (const CopyId id : running_) {
    Copy& copy = copies_.at(id);
    copy.left_us -= (until_us - now_us_) * copy.flow.speed;
    if (until_us > now_us_ && copy.flow.speed < 1) copy.undisturbed = false;
  }
  now_us_ = until_us;
}

void BusSchedule::step() {
  const double now = next_us();
  // Before time passes: what ends then, to the digit.
  std::vector<CopyId> ending;
  for (const CopyId id : running_) {
    if (end_of(copies_.at(id)) <= now) ending.push_back(id);
  }
  pass(now);
  for (const CopyId id : ending) {
    const auto ended = copies_.extract(id);
    const Copy& copy = ended.mapped();
    ended_.push_back({id, copy.start_us, now});
    running_.erase(id);
    const Place engine{copy.demand.card, copy.demand.engine};
    engines_.at(engine).pop_front();
    begin_next(engine);
  }
  while (!waiting_.empty() && waiting_.begin()->first <= now) {
    const CopyId id = waiting_.begin()->second;
    waiting_.erase(waiting_.begin());
    const Place engine{copies_.at(id).demand.card, copies_.at(id).demand.engine};
    engines_[engine].push_back(id);
    if (engines_.at(engine).size() == 1) begin_next(engine);
  }
  set_speeds();
}

void BusSchedule::begin_next(const Place& engine) {
  const std::deque<CopyId>& queue = engines_.at(engine);
  if (queue.empty()) return;
  copies_.at(queue.front()).start_us = now_us_;
  running_.insert(queue.front());
}

double BusSchedule::share_with_kernels(int card, int of, Channel channel, double asked, int kernels) {
  const std::pair place{card, Place{of, static_cast<int>(channel)}};
  if (asked <= 0) {
    if (kernels_.erase(place) > 0) set_speeds();
    return 0;
  }
  Flow& flow = kernels_[place];
  flow.uses = {{of, channel, asked}};
  flow.weight = std::max(1, kernels);
  set_speeds();
  return asked * flow.speed;
}

// All at full speed, as long as that asks for no more than each channel has.
void BusSchedule::set_speeds() {
  std::vector<Flow*> flows;
  for (const CopyId id : running_) flows.push_back(&copies_.at(id).flow);
  for (auto& [place, flow] : kernels_) flows.push_back(&flow);
  for (Flow* flow : flows) flow->speed = 1;
  while (true) {
    std::map<Place, double> asked;
    for (const Flow* flow : flows) {
      for (const Use& use : flow->uses)
        asked[{use.card, static_cast<int>(use.channel)}] += use.share * flow->speed;
    }
    const auto worst = std::ranges::max_element(asked, {}, &std::pair<const Place, double>::second);
    if (worst == asked.end() || worst->second <= 1 + kTolerance) break;
    share(flows, worst->first);
  }
}

void BusSchedule::share(const std::vector<Flow*>& flows, const Place& channel) {
  struct Asking {
    Flow* flow;
    double asked;
    std::size_t order;
  };
  std::vector<Asking> asking;
  double weights = 0;
  for (Flow* flow : flows) {
    for (const Use& use : flow->uses) {
      const bool here = Place{use.card, static_cast<int>(use.channel)} == channel;
      if (!here || use.share <= 0) continue;
      asking.push_back({flow, use.share * flow->speed, asking.size()});
      weights += flow->weight;
    }
  }
  std::ranges::sort(asking, {},
                    [](const Asking& each) { return std::pair(each.asked / each.flow->weight, each.order); });
  double there = 1;
  for (const Asking& each : asking) {
    const double part = std::min(each.asked, there * each.flow->weight / weights);
    each.flow->speed *= part / each.asked;
    there -= part;
    weights -= each.flow->weight;
  }
}

}  // namespace doppel::link
