// SPDX-License-Identifier: Apache-2.0
#include "device/shared_resource.h"

#include <algorithm>
#include <cstddef>
#include <limits>

namespace doppel::device {
namespace {

constexpr double kTolerance = 1e-9;
// So many at once are forgotten, so that it costs nothing to speak of.
constexpr std::size_t kWorthForgetting = 64;

}  // namespace

double SharedResource::take(double ready, double duration, double share) {
  if (!(duration > 0)) return ready;
  double start = ready;
  if (steps_.empty()) steps_.push_back({-std::numeric_limits<double>::infinity(), 0});
  const auto after = std::upper_bound(steps_.begin(), steps_.end(), start,
                                      [](double at, const Step& each) { return at < each.at; });
  auto step = static_cast<std::size_t>(after - steps_.begin()) - 1;
  // The last step is free for ever, so this ends.
  for (;; ++step) {
    const bool last = step + 1 == steps_.size();
    if (!last && steps_[step].load + share > 1 + kTolerance) {
      start = steps_[step + 1].at;
    } else if (last || steps_[step + 1].at >= start + duration) {
      break;
    }
  }
  const std::size_t first = split(start);
  const std::size_t end = split(start + duration);
  for (std::size_t each = first; each < end; ++each) steps_[each].load += share;
  // Work behind work of the same share is one step: a queue of any length stays short.
  for (const std::size_t border : {end, first}) {
    if (border > 0 && steps_[border].load == steps_[border - 1].load)
      steps_.erase(steps_.begin() + static_cast<std::ptrdiff_t>(border));
  }
  return start;
}

void SharedResource::forget_before(double time) {
  const auto after = std::upper_bound(steps_.begin(), steps_.end(), time,
                                      [](double at, const Step& each) { return at < each.at; });
  const auto past = static_cast<std::size_t>(after - steps_.begin());
  if (past <= kWorthForgetting) return;
  // The step that holds `time` stays, and now reaches back for ever.
  steps_.erase(steps_.begin(), after - 1);
  steps_.front().at = -std::numeric_limits<double>::infinity();
}

std::size_t SharedResource::split(double at) {
  const auto found = std::lower_bound(steps_.begin(), steps_.end(), at,
                                      [](const Step& each, double time) { return each.at < time; });
  const auto index = static_cast<std::size_t>(found - steps_.begin());
  if (found != steps_.end() && found->at == at) return index;
  steps_.insert(found, {at, steps_[index - 1].load});
  return index;
}

}  // namespace doppel::device
