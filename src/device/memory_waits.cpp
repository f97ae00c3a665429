// SPDX-License-Identifier: Apache-2.0
#include "device/memory_waits.h"

#include <algorithm>
#include <set>

namespace doppel::device {
namespace {

// Places that streams have waited at, and writes there since, that are remembered.
constexpr std::size_t kMostTaken = 256, kMostLater = 1024;

}  // namespace

void MemoryWaits::placed(std::uint64_t serial) {
  const auto entry = live_.extract(serial);
  if (entry.empty()) return;
  const Pointer& operation = entry.mapped();
  if (operation->flags == nullptr || operation->flags->written.empty()) return;
  written_.emplace(operation->end_us(), operation);
  for (Taken& each : taken_) {
    if (each.writers_stream == operation->stream_id && serial > each.serial &&
        match({.polled = {each.place}}, *operation->flags) != nullptr && each.later.size() < kMostLater)
      each.later.emplace(serial, operation->end_us());
  }
}

MemoryWaits::Taken* MemoryWaits::taken_by(const Operation& waiting) {
  const auto found = std::ranges::find_if(taken_, [&](const Taken& each) {
    return each.stream == waiting.stream_id && match(*waiting.flags, {.written = {each.place}}) != nullptr;
  });
  return found != taken_.end() ? &*found : nullptr;
}

void MemoryWaits::take(const Operation& waiting, const Operation& writer, const FlagUse::Range& place) {
  if (Taken* const before = taken_by(waiting)) {
    if (before->writers_stream != writer.stream_id) before->later.clear();
    before->writers_stream = writer.stream_id;
    before->serial = writer.serial();
    return;
  }
  if (taken_.size() >= kMostTaken) taken_.erase(taken_.begin());
  taken_.push_back({waiting.stream_id, place, writer.stream_id, writer.serial(), {}});
}

void MemoryWaits::done(std::uint64_t serial, double time_us) {
  Wait& wait = waits_.at(serial);
  wait.done = true;
  wait.done_us = time_us;
}

void MemoryWaits::forget_before(double time_us) {
  double since = time_us;
  for (const auto& [serial, wait] : waits_) since = std::min(since, wait.operation->ready_us());
  written_.erase(written_.begin(), written_.lower_bound(since));
}

bool MemoryWaits::find_writers(std::uint64_t serial, Wait& wait, const View& view) {
  const Operation& waiting = *wait.operation;
  Taken* const taken = taken_by(waiting);
  if (taken != nullptr && !taken->later.empty()) {
    const auto next = taken->later.begin();
    wait.written_us = next->second;
    taken->serial = next->first;
    taken->later.erase(next);
    wait.known = true;
    return true;
  }
  std::map<std::uint64_t, Pointer> others = live_;
  for (auto at = written_.upper_bound(waiting.ready_us()); at != written_.end(); ++at)
    others.emplace(at->second->serial(), at->second);
  wait.writers.clear();
  for (const auto& [other_serial, other] : others) {
    if (other_serial == serial || !other->began_before_end_of(waiting)) continue;
    if (taken != nullptr && other_serial <= taken->serial) continue;
    if (!view.has_run(*other)) {
      if (view.is_passed(*other)) continue;
      return false;
    }
    const FlagUse::Range* const place =
        other->flags != nullptr ? match(*waiting.flags, *other->flags) : nullptr;
    if (place == nullptr) continue;
    if (wait.writers.empty() || (place->adds && other_serial < serial)) wait.writers.push_back(other);
  }
  if (!wait.writers.empty()) {
    const Operation& first = *wait.writers.front();
    const FlagUse::Range& place = *match(*waiting.flags, *first.flags);
    if (!place.adds) take(waiting, first, place);
  }
  wait.known = true;
  return true;
}

// Nothing: one of those that it waits for, or that these wait for, is still at its own work.
std::optional<double> MemoryWaits::end_of(const Wait& wait, const View& view) const {
  if (wait.writers.empty()) {
    const bool by_host = wait.operation->flags->changed_on_host && wait.written_us == 0;
    return std::max(wait.done_us, by_host ? view.asked_us : wait.written_us);
  }
  double end_us = wait.done_us;
  std::vector<const Operation*> open;
  std::set<const Operation*> seen{wait.operation.get()};
  const auto add = [&](const Wait& each) {
    for (const Pointer& writer : each.writers) {
      if (seen.insert(writer.get()).second) open.push_back(writer.get());
    }
  };
  add(wait);
  while (!open.empty()) {
    const Operation& writer = *open.back();
    open.pop_back();
    if (writer.placed()) {
      end_us = std::max(end_us, writer.end_us());
      continue;
    }
    const auto waits = waits_.find(writer.serial());
    if (waits != waits_.end() && waits->second.done && waits->second.known) {
      end_us = std::max(end_us, waits->second.done_us);
      add(waits->second);
    } else if (!view.gives_up) {
      return std::nullopt;
    }
  }
  return end_us;
}

bool MemoryWaits::settle(const View& view, const std::function<void(const Wait&, double)>& end) {
  bool all_known = true;
  // Where one ends, another may begin that has nothing to do but to wait.
  for (bool any = true; any;) {
    any = false;
    all_known = true;
    for (auto& [serial, wait] : waits_) {
      if (wait.done && !wait.known) all_known = find_writers(serial, wait, view) && all_known;
    }
    for (auto at = waits_.begin(); at != waits_.end();) {
      const auto end_us = at->second.done && at->second.known ? end_of(at->second, view) : std::nullopt;
      if (!end_us) {
        ++at;
        continue;
      }
      const Wait ended = std::move(at->second);
      at = waits_.erase(at);
      end(ended, *end_us);
      any = true;
    }
  }
  return all_known;
}

}  // namespace doppel::device
