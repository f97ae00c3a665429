// SPDX-License-Identifier: Apache-2.0
#include "node/course.h"

#include <algorithm>
#include <cmath>

#include "node/process_life.h"

namespace doppel::node {
namespace {

constexpr std::int64_t kBetweenLooks = 20'000'000;

double seconds(std::int64_t ns) { return static_cast<double>(ns) / static_cast<double>(kSecond); }

bool is_of(const ClientEntry& client, int card) { return client.pid != 0 && client.card == card; }

// Until when the card stays clocked up behind its last work.
std::int64_t awake_until(const CardEntry& card) {
  return card.last_used_ns + static_cast<std::int64_t>(card.idle_after_s * static_cast<double>(kSecond));
}

// When something changes by itself, after `now`.
std::int64_t next_change(const Shared& shared, int card, std::int64_t now_ns, std::int64_t until_ns) {
  std::int64_t next = until_ns;
  const auto consider = [&](std::int64_t time_ns) {
    if (time_ns > now_ns) next = std::min(next, time_ns);
  };
  for (const ClientEntry& client : clients(shared)) {
    if (is_of(client, card)) consider(client.last_ns + kHold);
  }
  consider(awake_until(shared.card[static_cast<std::size_t>(card)]));
  return next;
}

// What several clients make of the whole card, or of a partition, of which they share the time.
struct Sharers {
  double share = 1;  // of the card
  double busy = 0, memory = 0, watts = 0, to_card = 0, to_host = 0;
};

void add(Sharers& sharers, const Level& level) {
  sharers.busy += level.busy;
  sharers.memory += level.memory;
  sharers.watts += level.watts;
  sharers.to_card += level.to_card_bytes_per_s;
  sharers.to_host += level.to_host_bytes_per_s;
}

void add(Moment& sum, Sharers sharers) {
  if (sharers.busy > 1) {  // they take turns
    for (double* each : {&sharers.memory, &sharers.watts, &sharers.to_card, &sharers.to_host})
      *each /= sharers.busy;
    sharers.busy = 1;
  }
  sum.busy += sharers.busy * sharers.share;
  sum.memory += sharers.memory;
  sum.watts += sharers.watts;
  sum.to_card_bytes_per_s += sharers.to_card;
  sum.to_host_bytes_per_s += sharers.to_host;
}

}  // namespace

double share_of(const CardEntry& card, const ClientEntry& client) {
  if (!client.instance.is_partition()) return 1;
  const GpuInstanceEntry& gpu = card.partitions.gpu[static_cast<std::size_t>(client.instance.gpu)];
  return gpu.used != 0 ? gpu.share : 1;
}

Level level_at(const CardEntry& card, const ClientEntry& client, std::int64_t now_ns) {
  const bool fresh = client.has_level && now_ns < client.last_ns + kHold;
  if (fresh) return client.level;
  if (client.running == 0) return {};
  // In a kernel. What it draws is what the last ones drew, else what busy SMs do.
  Level level;
  level.busy = level.demand = 1;
  level.watts = (card.active_w - card.awake_w) * share_of(card, client);
  level.clock_mhz = card.sustained_mhz;
  if (client.has_level && client.level.busy > 0) {
    level.watts = client.level.watts / client.level.busy;
    level.memory = std::min(1.0, client.level.memory / client.level.busy);
    level.clock_mhz = client.level.clock_mhz;
    level.power_bound = client.level.power_bound;
  }
  return level;
}

Moment moment_at(const Shared& shared, int number, std::int64_t now_ns) {
  const CardEntry& card = shared.card[static_cast<std::size_t>(number)];
  Moment sum;
  std::array<Sharers, kMostGpuInstances + 1> sharers{};  // of each partition; the last: of the whole card
  bool has_clients = false;
  double clock = 0;
  for (const ClientEntry& client : clients(shared)) {
    if (!is_of(client, number)) continue;
    has_clients = true;
    const Level level = level_at(card, client, now_ns);
    if (level.busy <= 0 && level.watts <= 0) continue;
    sum.active = true;
    Sharers& of = sharers[place_of(client.instance)];
    of.share = share_of(card, client);
    add(of, level);
    sum.power_bound |= level.power_bound;
    if (level.clock_mhz > 0) clock = clock > 0 ? std::min(clock, level.clock_mhz) : level.clock_mhz;
  }
  for (const Sharers& each : sharers) add(sum, each);
  sum.busy = std::min(sum.busy, 1.0);
  sum.memory = std::min(sum.memory, 1.0);
  sum.awake = sum.active || (card.idle_after_s > 0 ? now_ns < awake_until(card) : has_clients);
  if (sum.awake) {
    const double most = std::max(card.limit_w, card.awake_w);
    sum.watts += card.awake_w;
    sum.power_bound |= sum.watts > most;
    sum.watts = std::min(sum.watts, most);
  } else {
    sum.watts = card.idle_w;
  }
  sum.clock_mhz = !sum.awake ? card.min_mhz : clock > 0 ? clock : card.sustained_mhz;
  if (sum.awake && card.locked_max_mhz > 0) sum.clock_mhz = std::min(sum.clock_mhz, card.locked_max_mhz);
  if (card.locked_min_mhz > 0) sum.clock_mhz = std::max(sum.clock_mhz, card.locked_min_mhz);
  return sum;
}

void advance(Shared& shared, int number, std::int64_t now_ns) {
  CardEntry& card = shared.card[static_cast<std::size_t>(number)];
  for (std::int64_t time_ns = card.updated_ns; time_ns < now_ns;) {
    const Moment moment = moment_at(shared, number, time_ns);
    if (moment.active) card.last_used_ns = time_ns;
    std::int64_t next_ns = next_change(shared, number, time_ns, now_ns);
    // While it is active, nothing but a client's end changes it.
    if (moment.active) {
      next_ns = now_ns;
      for (const ClientEntry& client : clients(shared)) {
        if (is_of(client, number) && client.last_ns + kHold > time_ns)
          next_ns = std::min(next_ns, client.last_ns + kHold);
      }
      card.last_used_ns = next_ns;
    }
    const double passed_s = seconds(next_ns - time_ns);
    card.energy_j += moment.watts * passed_s;
    if (card.time_constant_s > 0) {
      const double goal = card.ambient_c + card.c_per_w * moment.watts;
      card.temperature_c = goal + (card.temperature_c - goal) * std::exp(-passed_s / card.time_constant_s);
    }
    time_ns = next_ns;
    card.updated_ns = time_ns;
  }
}

void reap(Shared& shared, std::int64_t now_ns) {
  const bool thorough = now_ns >= shared.reaped_ns + kBetweenLooks || now_ns < shared.reaped_ns;
  if (thorough) shared.reaped_ns = now_ns;
  for (ClientEntry& client : clients(shared)) {
    if (client.pid == 0) continue;
    if (number_in_use(client.pid) && (!thorough || start_of(client.pid) == client.started)) continue;
    client.running = 0;
    advance(shared, client.card, now_ns);
    client.pid = 0;
  }
}

}  // namespace doppel::node
