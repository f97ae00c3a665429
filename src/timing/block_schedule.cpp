// SPDX-License-Identifier: Apache-2.0
#include "timing/block_schedule.h"

#include <algorithm>
#include <functional>
#include <queue>

namespace doppel::timing {
namespace {

// The blocks of an SM all go on at the same pace, so how much each has done since its start is told by one
// count of the SM's.
struct Sm {
  double now = 0;       // cycles
  double progress = 0;  // work that a block which was there from the start has done
  std::priority_queue<double, std::vector<double>, std::greater<>> ends;  // progress at which each block ends
};

}  // namespace

double makespan(const std::vector<double>& work, int sms, int places, const BlockPace& pace) {
  if (work.empty() || pace.alone <= 0 || pace.shared <= 0) return 0;
  std::vector<Sm> all(static_cast<std::size_t>(std::max(1, sms)));
  std::size_t next = 0;
  for (int place = 0; place < places; ++place) {
    for (Sm& sm : all) {
      if (next < work.size()) sm.ends.push(work[next++]);
    }
  }
  const auto rate = [&](const Sm& sm) {
    return std::min(pace.alone, pace.shared / static_cast<double>(sm.ends.size()));
  };
  const auto end_of_first = [&](const Sm& sm) { return sm.now + (sm.ends.top() - sm.progress) / rate(sm); };
  using Event = std::pair<double, std::size_t>;  // when the first block of an SM ends
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!all[i].ends.empty()) events.emplace(end_of_first(all[i]), i);
  }
  double end = 0;
  while (!events.empty()) {
    const auto [time, index] = events.top();
    events.pop();
    Sm& sm = all[index];
    end = sm.now = time;
    sm.progress = sm.ends.top();
    sm.ends.pop();
    if (next < work.size()) sm.ends.push(sm.progress + work[next++]);
    if (!sm.ends.empty()) events.emplace(end_of_first(sm), index);
  }
  return end;
}

double makespan_of_waits(const std::vector<double>& cycles, std::size_t places) {
  std::priority_queue<double, std::vector<double>, std::greater<>> ends;  // of the blocks in all places
  double last = 0;
  for (const double each : cycles) {
    double start = 0;
    if (ends.size() >= places) {
      start = ends.top();
      ends.pop();
    }
    ends.push(start + each);
    last = std::max(last, start + each);
  }
  return last;
}

}  // namespace doppel::timing
