// SPDX-License-Identifier: Apache-2.0
// How a card goes on by itself while nobody writes: power, energy and temperature over the wall clock, worked
// out by whoever looks or writes next, so that no daemon has to.
//
// A card's time on the wall clock: how busy it is, and at how many watts, is what it was on the virtual
// timeline, over the stretch of work that a process told of last. That holds until the process tells of more,
// and, when it has none running, for kHold. A process whose kernel runs on this host for longer keeps the
// card as busy as inside a kernel: virtual time stands still in it. Several processes share the card's time.
// Partitions (MIG) do not: what runs in one runs beside what runs in another, each on its share of the card.
//   watts = awake + sum of the processes', at most the limit; awake alone for idle_after_s behind them; idle
//   energy = the integral of the watts
//   temperature goes to ambient + watts x c_per_w with one time constant (card::Thermal)
#pragma once

#include "node/layout.h"

namespace doppel::node {

inline constexpr std::int64_t kSecond = 1'000'000'000;
// NVML's sample period is between 1/6 s and 1 s, by card.
inline constexpr std::int64_t kHold = kSecond;

// The state that lasts from a moment on.
struct Moment {
  double busy = 0, memory = 0;  // 0 to 1
  double watts = 0;
  double clock_mhz = 0;
  double to_card_bytes_per_s = 0, to_host_bytes_per_s = 0;
  bool awake = false;
  bool active = false;  // some process has work
  bool power_bound = false;
};

// Among the partitions of a card: by the number of its GPU instance; the whole card comes last.
inline std::size_t place_of(const Instance& instance) {
  return instance.is_partition() ? static_cast<std::size_t>(instance.gpu) : kMostGpuInstances;
}

// Of the card's SMs, and with them of what it draws: that of the client's GPU instance. 1: the whole card.
double share_of(const CardEntry& card, const ClientEntry& client);

// What one client makes of it (of its partition, where it has one), before several share the time. Nothing
// has busy 0.
Level level_at(const CardEntry& card, const ClientEntry& client, std::int64_t now_ns);

// At a time that is not before updated_ns.
Moment moment_at(const Shared& shared, int card, std::int64_t now_ns);

// Brings the card up to that time; a time that lies back changes nothing.
void advance(Shared& shared, int card, std::int64_t now_ns);

// Removes what processes left that are dead. The quick look, whether their numbers are in use, is taken each
// time, the other every 20 ms. Their work counts until they last told of some, and kHold longer.
void reap(Shared& shared, std::int64_t now_ns);

}  // namespace doppel::node
