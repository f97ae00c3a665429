// SPDX-License-Identifier: Apache-2.0
#include "node/node.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <map>
#include <string_view>

#include "card/ecc.h"
#include "node/client.h"
#include "node/course.h"
#include "node/process_life.h"

namespace doppel::node {
namespace {

// How every process finds it.
std::string reference_of(const card::Card& card) {
  std::error_code ignored;
  const std::filesystem::path file(card.file);
  return file.has_parent_path() ? std::filesystem::absolute(file, ignored).string() : card.id;
}

template <std::size_t N>
bool store(std::array<char, N>& to, std::string_view text) {
  if (text.size() >= N) return false;
  std::memcpy(to.data(), text.data(), text.size());
  to[text.size()] = '\0';
  return true;
}

bool fill(CardEntry& entry, const card::Card& card, int nth, std::int64_t now_ns) {
  entry = CardEntry{};
  if (!store(entry.reference, reference_of(card)) || !store(entry.id, card.id)) return false;
  entry.nth = nth;
  entry.bytes = static_cast<std::uint64_t>(card.memory.bytes);
  entry.memory_bytes_per_s = card.memory.peak_bytes_per_second();
  entry.idle_w = card.power.idle_w;
  entry.awake_w = card.power.awake_w;
  entry.active_w = card.power.active_w;
  entry.idle_after_s = card.power.idle_after_s;
  entry.limit_w = entry.default_limit_w = card.power.limit_w;
  entry.min_limit_w = card.management.min_limit_w;
  entry.max_limit_w = card.power.max_limit_w;
  entry.sustained_mhz = card.clocks.sustained_mhz;
  entry.min_mhz = card.power.min_mhz;
  entry.max_mhz = card.clocks.max_mhz;
  entry.ambient_c = card.thermal.ambient_c;
  entry.c_per_w = card.thermal.c_per_w;
  entry.time_constant_s = card.thermal.time_constant_s;
  entry.nvlinks = card.nvlink.links;
  entry.ecc.supported = card::has_ecc(card);
  entry.ecc.on = entry.ecc.pending = entry.ecc.on_by_default = card.memory.ecc;
  entry.ecc.spare_rows = static_cast<std::uint32_t>(card.ecc.spare_rows);
  entry.ecc.bytes_with = static_cast<std::uint64_t>(card::memory_with_ecc(card, true).bytes);
  entry.ecc.bytes_without = static_cast<std::uint64_t>(card::memory_with_ecc(card, false).bytes);
  entry.temperature_c = card.thermal.ambient_c + card.thermal.c_per_w * card.power.idle_w;
  entry.updated_ns = now_ns;
  // It has idled for ever.
  entry.last_used_ns =
      now_ns - static_cast<std::int64_t>((entry.idle_after_s + 1) * static_cast<double>(kSecond));
  return true;
}

tl::unexpected<Error> no_card(int card) {
  return fail(Error::Kind::NotFound, fmt::format("the node has no card {}", card));
}

}  // namespace

Result<std::shared_ptr<Node>> Node::open(const std::string& name) {
  Result<SharedFile> file = name.empty() ? SharedFile::anonymous() : file_of(name).and_then(SharedFile::open);
  if (!file) return tl::unexpected(file.error());
  return std::shared_ptr<Node>(new Node(std::move(*file)));
}

Result<int> Node::card(const card::Card& card, int nth, std::int64_t now_ns) {
  auto shared = file_.lock();
  if (!shared) return tl::unexpected(shared.error());
  for (int i = 0; i < (*shared)->cards; ++i) {
    const CardEntry& each = (*shared)->card[static_cast<std::size_t>(i)];
    if (each.nth == nth && card.id == each.id.data()) return i;
  }
  if ((*shared)->cards >= kMostCards)
    return fail(Error::Kind::LimitExceeded,
                fmt::format("the node has {} cards, and there is no room for more", kMostCards));
  const int number = (*shared)->cards;
  if (!fill((*shared)->card[static_cast<std::size_t>(number)], card, nth, now_ns))
    return fail(Error::Kind::InvalidArgument,
                fmt::format("{}: the path of a node's card is too long", card.file));
  (*shared)->cards = number + 1;
  return number;
}

Result<std::vector<int>> Node::cards(const std::vector<card::Card>& cards, std::int64_t now_ns) {
  std::map<std::string, int> seen;
  std::vector<int> numbers;
  for (const card::Card& each : cards) {
    const Result<int> number = card(each, seen[each.id]++, now_ns);
    if (!number) return tl::unexpected(number.error());
    numbers.push_back(*number);
  }
  return numbers;
}

Result<int> Node::card_count() const {
  auto shared = file_.lock();
  if (!shared) return tl::unexpected(shared.error());
  return (*shared)->cards;
}

Result<bool> Node::has_card(const std::string& reference, int nth) const {
  auto shared = file_.lock();
  if (!shared) return tl::unexpected(shared.error());
  for (int i = 0; i < (*shared)->cards; ++i) {
    const CardEntry& each = (*shared)->card[static_cast<std::size_t>(i)];
    if (each.nth == nth && reference == each.reference.data()) return true;
  }
  return false;
}

Result<CardName> Node::name(int card) const {
  auto shared = file_.lock();
  if (!shared) return tl::unexpected(shared.error());
  if (!has(**shared, card)) return no_card(card);
  const CardEntry& entry = (*shared)->card[static_cast<std::size_t>(card)];
  return CardName{entry.reference.data(), entry.id.data(), entry.nth};
}

Result<CardState> Node::state(int card, std::int64_t now_ns) const {
  auto lock = file_.lock();
  if (!lock) return tl::unexpected(lock.error());
  Shared& shared = **lock;
  if (!has(shared, card)) return no_card(card);
  reap(shared, now_ns);
  advance(shared, card, now_ns);
  const CardEntry& entry = shared.card[static_cast<std::size_t>(card)];
  const Moment moment = moment_at(shared, card, now_ns);
  CardState state;
  double busy = 0;
  for (const ClientEntry& client : clients(shared)) {
    if (client.pid == 0 || client.card != card) continue;
    const Level level = level_at(entry, client, now_ns);
    busy += level.busy;
    state.used_bytes += client.used_bytes;
    const auto same = std::ranges::find(state.processes, client.pid, &ProcessState::pid);
    ProcessState& process = same != state.processes.end() ? *same : state.processes.emplace_back();
    process.pid = client.pid;
    process.used_bytes += client.used_bytes;
    process.busy += level.busy;
    process.memory += level.memory;
  }
  for (ProcessState& each : state.processes) {
    each.busy /= std::max(1.0, busy);
    each.memory /= std::max(1.0, busy);
  }
  state.busy = moment.busy;
  state.memory = moment.memory;
  state.clock_mhz = moment.clock_mhz;
  state.awake = moment.awake;
  state.active = moment.active;
  state.power_bound = moment.power_bound;
  state.watts = moment.watts;
  state.to_card_bytes_per_s = moment.to_card_bytes_per_s;
  state.to_host_bytes_per_s = moment.to_host_bytes_per_s;
  state.energy_j = entry.energy_j;
  state.temperature_c = entry.temperature_c;
  state.limit_w = entry.limit_w;
  state.default_limit_w = entry.default_limit_w;
  state.min_limit_w = entry.min_limit_w;
  state.max_limit_w = entry.max_limit_w;
  state.locked_min_mhz = entry.locked_min_mhz;
  state.locked_max_mhz = entry.locked_max_mhz;
  state.ecc = entry.ecc.on;
  return state;
}

Result<void> Node::join_by_nvlink(int one, int other) {
  auto shared = file_.lock();
  if (!shared) return tl::unexpected(shared.error());
  for (const int card : {one, other}) {
    if (!has(**shared, card)) return no_card(card);
  }
  CardEntry& a = (*shared)->card[static_cast<std::size_t>(one)];
  CardEntry& b = (*shared)->card[static_cast<std::size_t>(other)];
  for (const CardEntry* each : {&a, &b}) {
    if (each->nvlinks == 0)
      return fail(Error::Kind::InvalidArgument, fmt::format("{} has no NVLink", each->id.data()));
  }
  if (one == other || std::string_view(a.id.data()) != b.id.data())
    return fail(
        Error::Kind::InvalidArgument,
        fmt::format("an NVLink bridge joins two cards of one model, not {} (card {}) and {} (card {})",
                    a.id.data(), one, b.id.data(), other));
  if (a.nvlink_peer == other && b.nvlink_peer == one) return {};
  for (const auto& [card, entry] : {std::pair{one, &a}, {other, &b}}) {
    if (entry->nvlink_peer >= 0)
      return fail(Error::Kind::AlreadyDone, fmt::format("card {} of the node is joined with card {} already",
                                                        card, entry->nvlink_peer));
  }
  a.nvlink_peer = other;
  b.nvlink_peer = one;
  return {};
}

Result<std::optional<int>> Node::nvlink_peer(int card) const {
  auto shared = file_.lock();
  if (!shared) return tl::unexpected(shared.error());
  if (!has(**shared, card)) return no_card(card);
  const int peer = (*shared)->card[static_cast<std::size_t>(card)].nvlink_peer;
  return peer >= 0 ? std::optional(peer) : std::nullopt;
}

Result<void> Node::set_power_limit(int card, double watts, std::int64_t now_ns) {
  auto shared = file_.lock();
  if (!shared) return tl::unexpected(shared.error());
  if (!has(**shared, card)) return no_card(card);
  CardEntry& entry = (*shared)->card[static_cast<std::size_t>(card)];
  if (entry.min_limit_w <= 0)
    return fail(Error::Kind::NotSupported, "the card's file does not say which power limits may be set");
  if (!(watts >= entry.min_limit_w && watts <= entry.max_limit_w)) {
    return fail(Error::Kind::InvalidArgument, fmt::format("a power limit of {} W: the card takes {} to {} W",
                                                          watts, entry.min_limit_w, entry.max_limit_w));
  }
  advance(**shared, card, now_ns);
  entry.limit_w = watts;
  std::atomic_ref(entry.settings_changes).fetch_add(1, std::memory_order_acq_rel);
  return {};
}

std::uint64_t Node::settings_changes(int card) const {
  Shared& shared = file_.unlocked();
  if (!has(shared, card)) return 0;
  return std::atomic_ref(shared.card[static_cast<std::size_t>(card)].settings_changes)
      .load(std::memory_order_acquire);
}

Result<void> Node::lock_clocks(int card, double min_mhz, double max_mhz, std::int64_t now_ns) {
  auto shared = file_.lock();
  if (!shared) return tl::unexpected(shared.error());
  if (!has(**shared, card)) return no_card(card);
  CardEntry& entry = (*shared)->card[static_cast<std::size_t>(card)];
  const bool free = min_mhz == 0 && max_mhz == 0;
  if (!free && !(min_mhz <= max_mhz && max_mhz >= entry.min_mhz && min_mhz <= entry.max_mhz)) {
    return fail(Error::Kind::InvalidArgument, fmt::format("clocks of {} to {} MHz: the card has {} to {} MHz",
                                                          min_mhz, max_mhz, entry.min_mhz, entry.max_mhz));
  }
  advance(**shared, card, now_ns);
  entry.locked_min_mhz = free ? 0 : std::clamp(min_mhz, entry.min_mhz, entry.max_mhz);
  entry.locked_max_mhz = free ? 0 : std::clamp(max_mhz, entry.min_mhz, entry.max_mhz);
  std::atomic_ref(entry.settings_changes).fetch_add(1, std::memory_order_acq_rel);
  return {};
}

Result<void> Node::tell_event(int card, std::uint64_t type, std::uint64_t data) {
  auto shared = file_.lock();
  if (!shared) return tl::unexpected(shared.error());
  if (!has(**shared, card)) return no_card(card);
  CardEntry& entry = (*shared)->card[static_cast<std::size_t>(card)];
  entry.events[entry.event_count % kMostEvents] = {type, data};
  ++entry.event_count;
  return {};
}

Result<std::uint64_t> Node::event_count(int card) const {
  auto shared = file_.lock();
  if (!shared) return tl::unexpected(shared.error());
  if (!has(**shared, card)) return no_card(card);
  return (*shared)->card[static_cast<std::size_t>(card)].event_count;
}

std::optional<EventEntry> Node::next_event(int card, std::uint64_t& seen) const {
  auto shared = file_.lock();
  if (!shared || !has(**shared, card)) return std::nullopt;
  const CardEntry& entry = (*shared)->card[static_cast<std::size_t>(card)];
  if (seen >= entry.event_count) return std::nullopt;
  if (entry.event_count - seen > kMostEvents) seen = entry.event_count - kMostEvents;
  return entry.events[seen++ % kMostEvents];
}

Result<std::unique_ptr<Client>> Node::join(int card, std::int64_t now_ns) {
  auto shared = file_.lock();
  if (!shared) return tl::unexpected(shared.error());
  if (!has(**shared, card)) return no_card(card);
  reap(**shared, now_ns);
  advance(**shared, card, now_ns);
  const auto free = std::ranges::find((*shared)->client, 0, &ClientEntry::pid);
  if (free == (*shared)->client.end())
    return fail(Error::Kind::LimitExceeded,
                fmt::format("the node has {} processes, and there is no room for more", kMostClients));
  const auto slot = static_cast<int>(free - (*shared)->client.begin());
  (*shared)->slots = std::max((*shared)->slots, slot + 1);
  *free = ClientEntry{};
  free->card = card;
  free->started = start_of(getpid());
  free->last_ns = now_ns - kHold;
  // A card that a process opens is clocked up.
  (*shared)->card[static_cast<std::size_t>(card)].last_used_ns = now_ns;
  std::atomic_ref(free->pid).store(getpid(), std::memory_order_release);
  return std::unique_ptr<Client>(new Client(shared_from_this(), slot, card));
}

}  // namespace doppel::node
