// SPDX-License-Identifier: Apache-2.0
#include "node/client.h"

#include <algorithm>

#include "node/course.h"
#include "node/process_life.h"
#include "support/units.h"

namespace doppel::node {
namespace {

// A stretch that has lasted for so long, of the wall clock, begins anew with the next work.
constexpr std::int64_t kLongStretch = kSecond / 2;

// After a pause: what was before is over.
bool begins_anew(const ClientEntry& entry, std::int64_t now_ns) {
  return entry.stretch.begun_ns == 0 || (entry.running == 0 && now_ns >= entry.last_ns + kHold) ||
         now_ns - entry.stretch.begun_ns >= kLongStretch;
}

bool shares_memory(const ClientEntry& one, const ClientEntry& other) {
  return one.pid != 0 && one.card == other.card && one.instance.gpu == other.instance.gpu;
}

Level level_of(const Stretch& stretch, double memory_bytes_per_s) {
  Level level;
  const double virtual_us = stretch.end_us - stretch.begun_us;
  if (virtual_us <= 0) return level;
  const double seconds = virtual_us * kSecondsPerMicrosecond;
  level.busy = std::clamp(stretch.busy_us / virtual_us, 0.0, 1.0);
  // What it waited for the card's turn is neither its own nor idle.
  const double alone_us = virtual_us - (stretch.busy_us - stretch.own_us);
  level.demand = alone_us > 0 ? std::clamp(stretch.own_us / alone_us, 0.0, 1.0) : level.busy;
  level.watts = std::max(0.0, stretch.energy_j / seconds);
  level.clock_mhz = stretch.clocked_us > 0 ? stretch.clock_us / stretch.clocked_us : 0;
  level.power_bound = stretch.power_bound;
  if (memory_bytes_per_s > 0)
    level.memory = std::min(1.0, stretch.memory_bytes / seconds / memory_bytes_per_s);
  level.to_card_bytes_per_s = stretch.to_card_bytes / seconds;
  level.to_host_bytes_per_s = stretch.to_host_bytes / seconds;
  return level;
}

}  // namespace

ClientEntry* Client::entry(Shared& shared) const {
  ClientEntry& mine = shared.client[static_cast<std::size_t>(slot_)];
  return mine.pid == own_process() && mine.card == card_ ? &mine : nullptr;  // not in a forked child
}

Client::~Client() {
  auto shared = node_->file_.lock();
  if (!shared) return;
  if (ClientEntry* mine = entry(**shared)) {
    advance(**shared, card_, wall_ns());
    mine->pid = 0;
  }
}

bool Client::take(std::uint64_t bytes, std::uint64_t& free_bytes, std::int64_t now_ns) {
  auto shared = node_->file_.lock();
  if (!shared) return false;
  ClientEntry* mine = entry(**shared);
  if (mine == nullptr) return false;
  reap(**shared, now_ns);
  std::uint64_t used = 0;
  for (const ClientEntry& each : clients(**shared)) {
    if (shares_memory(each, *mine)) used += each.used_bytes;
  }
  const CardEntry& card = (*shared)->card[static_cast<std::size_t>(card_)];
  const std::uint64_t all = mine->instance.is_partition()
                                ? card.partitions.gpu[static_cast<std::size_t>(mine->instance.gpu)].bytes
                                : card.bytes;
  free_bytes = all - std::min(all, used);
  if (bytes > free_bytes) return false;
  mine->used_bytes += bytes;
  return true;
}

void Client::give_back(std::uint64_t bytes, std::int64_t /*now_ns*/) {
  auto shared = node_->file_.lock();
  if (!shared) return;
  if (ClientEntry* mine = entry(**shared)) mine->used_bytes -= std::min(bytes, mine->used_bytes);
}

std::uint64_t Client::taken_by_others(std::int64_t now_ns) {
  auto shared = node_->file_.lock();
  if (!shared) return 0;
  const ClientEntry* const mine = entry(**shared);
  if (mine == nullptr) return 0;
  reap(**shared, now_ns);
  std::uint64_t used = 0;
  for (const ClientEntry& each : clients(**shared)) {
    if (&each != mine && shares_memory(each, *mine)) used += each.used_bytes;
  }
  return used;
}

double Client::wanted_by_others(std::int64_t now_ns) {
  auto shared = node_->file_.lock();
  if (!shared) return 0;
  const ClientEntry* const mine = entry(**shared);
  if (mine == nullptr) return 0;
  const auto is_other = [mine](const ClientEntry& each) {
    return &each != mine && each.pid != 0 && each.card == mine->card && each.instance == mine->instance;
  };
  // Asked at every launch: without others, at no cost.
  if (std::ranges::none_of(clients(**shared), is_other)) return 0;
  reap(**shared, now_ns);
  const CardEntry& card = (*shared)->card[static_cast<std::size_t>(card_)];
  double sum = 0;
  for (const ClientEntry& each : clients(**shared)) {
    if (is_other(each)) sum += level_at(card, each, now_ns).demand;
  }
  return sum;
}

void Client::begins(std::int64_t now_ns) {
  auto shared = node_->file_.lock();
  if (!shared) return;
  ClientEntry* mine = entry(**shared);
  if (mine == nullptr) return;
  advance(**shared, card_, now_ns);
  if (mine->running == 0 && now_ns >= mine->last_ns + kHold) mine->has_level = false;
  ++mine->running;
}

void Client::ends(std::int64_t now_ns) {
  auto shared = node_->file_.lock();
  if (!shared) return;
  ClientEntry* mine = entry(**shared);
  if (mine == nullptr || mine->running == 0) return;
  advance(**shared, card_, now_ns);
  if (!mine->has_level) {  // until its place on the timeline is known
    mine->level = level_at((*shared)->card[static_cast<std::size_t>(card_)], *mine, now_ns);
    mine->has_level = true;
  }
  --mine->running;
  mine->last_ns = now_ns;
}

void Client::ran(const Work& work, std::int64_t now_ns) {
  const double time_us = work.end_us - work.start_us;
  if (!(time_us > 0)) return;
  auto shared = node_->file_.lock();
  if (!shared) return;
  ClientEntry* mine = entry(**shared);
  if (mine == nullptr) return;
  advance(**shared, card_, now_ns);
  const CardEntry& card = (*shared)->card[static_cast<std::size_t>(card_)];
  Stretch& stretch = mine->stretch;
  if (begins_anew(*mine, now_ns)) {
    const bool goes_on = stretch.begun_ns != 0 && (mine->running > 0 || now_ns < mine->last_ns + kHold);
    const double begun_us = goes_on ? stretch.end_us : work.start_us;
    const double busy_until_us = goes_on ? stretch.busy_until_us : 0;
    stretch =
        Stretch{.begun_ns = now_ns, .begun_us = begun_us, .end_us = begun_us, .busy_until_us = busy_until_us};
  }
  // Of what overlaps, each moment counts once; what lies before the stretch was another's.
  const double from_us =
      std::max({work.start_us, stretch.begun_us, work.kernel ? stretch.busy_until_us : 0.0});
  if (work.kernel) {
    const double busy_us = std::max(0.0, work.end_us - from_us);
    stretch.busy_us += busy_us;
    stretch.own_us += busy_us * std::clamp(work.own_share, 0.0, 1.0);
    stretch.busy_until_us = std::max(stretch.busy_until_us, work.end_us);
    stretch.clock_us += work.clock_mhz * time_us;
    stretch.clocked_us += work.clock_mhz > 0 ? time_us : 0;
    stretch.power_bound |= work.power_bound;
  }
  stretch.end_us = std::max(stretch.end_us, work.end_us);
  const double awake_w = card.awake_w * share_of(card, *mine);
  stretch.energy_j += std::max(0.0, work.energy_j - awake_w * time_us * kSecondsPerMicrosecond);
  stretch.memory_bytes += work.memory_bytes;
  stretch.to_card_bytes += work.bus_to_card_bytes;
  stretch.to_host_bytes += work.bus_to_host_bytes;
  mine->level = level_of(stretch, card.memory_bytes_per_s);
  mine->has_level = true;
  mine->last_ns = now_ns;
}

}  // namespace doppel::node
