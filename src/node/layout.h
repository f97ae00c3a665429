// SPDX-License-Identifier: Apache-2.0
// What lies in the memory that processes share: plain data, the same in every process that has this layout.
//
// Nothing is kept twice: what a card has in use is the sum over its clients, each time anew. So a process
// that is killed while it writes leaves no sum that does not hold.
#pragma once

#include <pthread.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <type_traits>

#include "card/slot.h"
#include "node/partition_layout.h"

namespace doppel::node {

// Raised with every change of what follows.
inline constexpr std::uint32_t kLayout = 6;
inline constexpr std::uint64_t kMagic = 0x65646f6e6c6f7064;  // "dplnode", read as bytes
inline constexpr int kMostCards = 16;
inline constexpr int kMostClients = 512;

// What a client's work made of a card, over the virtual time of its last stretch of work.
struct Level {
  double busy = 0;    // share of the time in which a kernel ran, 0 to 1
  double demand = 0;  // the same, had no other process used the card
  double memory = 0;  // share of what the card's memory could have moved
  double watts = 0;   // above those of the awake card
  double clock_mhz = 0;
  double to_card_bytes_per_s = 0;
  double to_host_bytes_per_s = 0;
  bool power_bound = false;
};

// Virtual time and work since the stretch began.
struct Stretch {
  std::int64_t begun_ns = 0;  // of the wall clock; 0: none is under way
  double begun_us = 0;        // of virtual time, as all that follow
  double end_us = 0;          // of the latest that ended
  double busy_until_us = 0;   // no kernel ran after
  double busy_us = 0;
  double own_us = 0;      // of it, that the kernels would have taken without other processes
  double energy_j = 0;    // above the awake card's
  double clock_us = 0;    // sum of clock x time of kernels,
  double clocked_us = 0;  // and of their times
  double memory_bytes = 0;
  double to_card_bytes = 0;
  double to_host_bytes = 0;
  bool power_bound = false;
};

// One process on one card.
struct ClientEntry {
  std::int32_t pid = 0;  // 0: the entry is free. Written last, and cleared first
  std::int32_t card = 0;
  Instance instance;          // of the card
  std::uint64_t started = 0;  // when the process was (process_life.h)
  std::uint64_t used_bytes = 0;
  std::int32_t running = 0;  // kernels that it runs on this host now
  bool has_level = false;
  std::int64_t last_ns = 0;  // of the wall clock, when it last told of work
  Level level;
  Stretch stretch;
};

// Something that happened to a card.
struct EventEntry {
  std::uint64_t type = 0;  // as NVML counts them
  std::uint64_t data = 0;
  Instance instance;  // of the card, that it happened in
};
inline constexpr std::size_t kMostEvents = 64;

struct EccCounts {
  std::uint64_t corrected = 0, uncorrectable = 0;
};
struct EccEntry {
  bool supported = false, on = false, pending = false, on_by_default = false;
  bool remap_pending = false, remap_failed = false;
  std::uint32_t spare_rows = 0, remapped_rows = 0;
  std::uint64_t bytes_with = 0, bytes_without = 0;  // of the card
  EccCounts since_reset, in_all;
};

// What became of an error that was planted (ecc.h).
enum class ErrorFate : std::int32_t {
  Waiting,  // until its process looks
  Planted,
  Corrected,
  Uncorrectable,
  Overwritten,
  Freed,
  Turned,          // without ECC: the data are others
  CorrectedOnDie,  // the same, where the chip itself corrects
  NoMemory,        // there is no memory of the process's
  Lost,            // the process ended first, or the card was reset
};
struct ErrorEntry {
  std::uint64_t number = 0;  // from 1 on; 0: the entry is free
  std::uint64_t address = 0, seed = 0, at_launch = 0;
  std::int64_t told_ns = 0;  // when the fate became what it is
  std::int32_t pid = 0, bits = 1;
  ErrorFate fate = ErrorFate::Waiting;
};
inline constexpr std::size_t kMostErrors = 64;

struct CardEntry {
  // What it is: written once.
  std::array<char, 1024> reference{};  // an id or a file, as find_card takes it
  std::array<char, 128> id{};
  std::int32_t nth = 0;  // of the cards of that id
  std::uint64_t bytes = 0;
  double memory_bytes_per_s = 0;
  double idle_w = 0, awake_w = 0, active_w = 0, idle_after_s = 0;
  double default_limit_w = 0, min_limit_w = 0, max_limit_w = 0;
  double sustained_mhz = 0, min_mhz = 0, max_mhz = 0;
  double ambient_c = 0, c_per_w = 0, time_constant_s = 0;
  card::Slot slot;
  std::int32_t nvlinks = 0;
  std::int32_t nvlink_peer = -1;  // the card that a bridge joins it with; none: -1
  // What may be set.
  double limit_w = 0;
  double locked_min_mhz = 0, locked_max_mhz = 0;  // 0: not locked
  std::int32_t compute_mode = 0;                  // ComputeMode (node.h)
  std::uint64_t settings_changes = 0;             // of these, in all
  // Where it stands at updated_ns. A change of what is above, or of a client, brings it up to date first.
  std::int64_t updated_ns = 0;
  double energy_j = 0;
  double temperature_c = 0;
  std::array<EventEntry, kMostEvents> events{};  // in turns
  std::uint64_t event_count = 0;                 // in all
  PartitionEntries partitions;
  EccEntry ecc;
  std::array<ErrorEntry, kMostErrors> errors{};  // in turns
  std::uint64_t error_count = 0;                 // in all
  std::int64_t last_used_ns = 0;  // a client did something, or was there, where waiting clients keep it awake
};

struct Shared {
  std::uint64_t magic = 0;  // written last
  std::uint32_t layout = 0;
  std::uint32_t padding = 0;
  std::uint64_t bytes = 0;  // of this struct
  pthread_mutex_t mutex;    // robust, of processes
  std::int64_t reaped_ns = 0;
  std::int32_t cards = 0;
  std::int32_t slots = 0;  // of `client`: the rest was never used
  // Of a node that a file describes: the file, and that of its host. `described` is written behind the cards.
  std::int32_t described = 0;
  std::array<char, 1024> description{}, host{};
  std::array<CardEntry, kMostCards> card;
  std::array<ClientEntry, kMostClients> client;
};
// Those that may be in use.
inline std::span<ClientEntry> clients(Shared& shared) {
  return std::span(shared.client).first(static_cast<std::size_t>(shared.slots));
}
inline std::span<const ClientEntry> clients(const Shared& shared) {
  return std::span(shared.client).first(static_cast<std::size_t>(shared.slots));
}
static_assert(std::is_trivially_copyable_v<ClientEntry> && std::is_trivially_copyable_v<CardEntry>);

}  // namespace doppel::node
