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
#include "node/description.h"
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

// Whether a process may use that device of the card.
Result<void> check_device(const CardEntry& card, int number, const Instance& instance) {
  if (!instance.is_partition()) {
    if (card.partitions.on == 0) return {};
    return fail(Error::Kind::NotPermitted,
                fmt::format("card {} is in MIG mode: programs use its instances alone", number));
  }
  const auto gpu = static_cast<std::size_t>(instance.gpu),
             compute = static_cast<std::size_t>(instance.compute);
  const bool there = card.partitions.on != 0 && gpu < kMostGpuInstances && compute < kMostComputeInstances &&
                     card.partitions.gpu[gpu].used != 0 &&
                     card.partitions.gpu[gpu].compute[compute].slices > 0;
  if (there) return {};
  return fail(Error::Kind::NotFound, fmt::format("card {} has no compute instance {} in GPU instance {}",
                                                 number, instance.compute, instance.gpu));
}

// Of each partition, and last of the whole card, how much its processes would like of the time.
std::array<double, kMostGpuInstances + 1> busy_by_partition(const Shared& shared, int card,
                                                            std::int64_t now_ns) {
  std::array<double, kMostGpuInstances + 1> busy{};
  for (const ClientEntry& client : clients(shared)) {
    if (client.pid == 0 || client.card != card) continue;
    busy[place_of(client.instance)] +=
        level_at(shared.card[static_cast<std::size_t>(card)], client, now_ns).busy;
  }
  return busy;
}

}  // namespace

namespace {

// Other users' are other files, as with names.
Result<std::filesystem::path> store_of(const std::string& name, const DescriptionText& text) {
  return file_of(fmt::format("{}-{:016x}", std::filesystem::path(name).stem().string(), text.version));
}

}  // namespace

Result<std::filesystem::path> store_of(const std::string& name) {
  if (!is_description(name)) return file_of(name);
  const auto text = read_description(name);
  if (!text) return tl::unexpected(text.error());
  return store_of(name, *text);
}

Result<std::shared_ptr<Node>> Node::open(const std::string& name) {
  if (!is_description(name)) {
    Result<SharedFile> file =
        name.empty() ? SharedFile::anonymous() : file_of(name).and_then(SharedFile::open);
    if (!file) return tl::unexpected(file.error());
    return std::shared_ptr<Node>(new Node(std::move(*file)));
  }
  const auto text = read_description(name);
  if (!text) return tl::unexpected(text.error());
  auto file = store_of(name, *text).and_then(SharedFile::open);
  if (!file) return tl::unexpected(file.error());
  std::shared_ptr<Node> node(new Node(std::move(*file)));
  if (auto described = node->describe(text->text, name); !described) return tl::unexpected(described.error());
  return node;
}

Result<void> Node::describe(const std::string& text, const std::string& file) {
  {
    const auto shared = file_.lock();
    if (!shared) return tl::unexpected(shared.error());
    if ((*shared)->described != 0) return {};
  }
  // Without the lock: it reads the files of the cards.
  const auto description = parse_description(text, file);
  if (!description) return tl::unexpected(description.error());
  std::error_code ignored;
  const std::string whole = std::filesystem::absolute(file, ignored).lexically_normal().string();
  const auto shared = file_.lock();
  if (!shared) return tl::unexpected(shared.error());
  if ((*shared)->described != 0) return {};
  std::map<std::string, int> seen;
  const std::int64_t now_ns = wall_ns();
  bool fits = store((*shared)->description, whole) && store((*shared)->host, description->host);
  int number = 0;
  for (const DescribedCard& each : description->cards) {
    CardEntry& entry = (*shared)->card[static_cast<std::size_t>(number++)];
    fits = fits && fill(entry, each.card, seen[each.card.id]++, now_ns);
    entry.slot = each.slot;
  }
  if (!fits)
    return fail(Error::Kind::InvalidArgument,
                fmt::format("{}: the path of one of its files is too long", file));
  for (const auto& [one, other] : description->bridges) {
    (*shared)->card[static_cast<std::size_t>(one)].nvlink_peer = other;
    (*shared)->card[static_cast<std::size_t>(other)].nvlink_peer = one;
  }
  (*shared)->cards = number;
  (*shared)->described = 1;
  return {};
}

tl::unexpected<Error> Node::no_card(int card) {
  return fail(Error::Kind::NotFound, fmt::format("the node has no card {}", card));
}

Result<int> Node::card(const card::Card& card, int nth, std::int64_t now_ns) {
  auto shared = file_.lock();
  if (!shared) return tl::unexpected(shared.error());
  for (int i = 0; i < (*shared)->cards; ++i) {
    const CardEntry& each = (*shared)->card[static_cast<std::size_t>(i)];
    if (each.nth == nth && card.id == each.id.data()) return i;
  }
  if ((*shared)->described != 0) {
    int there = 0;
    for (const CardEntry& each : std::span((*shared)->card).first(static_cast<std::size_t>((*shared)->cards)))
      there += card.id == each.id.data() ? 1 : 0;
    return fail(Error::Kind::NotFound,
                fmt::format("{} has {} of {}, and {} are asked for", (*shared)->description.data(),
                            there == 0 ? "none" : std::to_string(there), card.id, nth + 1));
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

Result<std::string> Node::host() const {
  auto shared = file_.lock();
  if (!shared) return tl::unexpected(shared.error());
  return std::string((*shared)->host.data());
}

Result<std::string> Node::description() const {
  auto shared = file_.lock();
  if (!shared) return tl::unexpected(shared.error());
  return std::string((*shared)->description.data());
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
  return CardName{entry.reference.data(), entry.id.data(), entry.nth, entry.slot};
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
  const auto busy = busy_by_partition(shared, card, now_ns);
  for (const ClientEntry& client : clients(shared)) {
    if (client.pid == 0 || client.card != card) continue;
    const Level level = level_at(entry, client, now_ns);
    state.used_bytes += client.used_bytes;
    const auto same = std::ranges::find_if(state.processes, [&](const ProcessState& each) {
      return each.pid == client.pid && each.instance == client.instance;
    });
    ProcessState& process = same != state.processes.end() ? *same : state.processes.emplace_back();
    process.pid = client.pid;
    process.instance = client.instance;
    process.used_bytes += client.used_bytes;
    const double turns = std::max(1.0, busy[place_of(client.instance)]);
    process.busy += level.busy * share_of(entry, client) / turns;
    process.memory += level.memory / turns;
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
  state.mig = entry.partitions.on != 0;
  state.compute_mode = static_cast<ComputeMode>(entry.compute_mode);
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
  if ((*shared)->described != 0)
    return fail(Error::Kind::InvalidArgument,
                fmt::format("{} says which cards bridges join, and has none between card {} and card {}",
                            (*shared)->description.data(), one, other));
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

Result<void> Node::tell_event(int card, std::uint64_t type, std::uint64_t data, Instance instance) {
  auto shared = file_.lock();
  if (!shared) return tl::unexpected(shared.error());
  if (!has(**shared, card)) return no_card(card);
  CardEntry& entry = (*shared)->card[static_cast<std::size_t>(card)];
  entry.events[entry.event_count % kMostEvents] = {type, data, instance};
  ++entry.event_count;
  return {};
}

Result<std::uint64_t> Node::event_count(int card) const {
  auto shared = file_.lock();
  if (!shared) return tl::unexpected(shared.error());
  if (!has(**shared, card)) return no_card(card);
  return (*shared)->card[static_cast<std::size_t>(card)].event_count;
}

Result<std::optional<std::uint64_t>> Node::last_event(int card, std::uint64_t type) const {
  auto shared = file_.lock();
  if (!shared) return tl::unexpected(shared.error());
  if (!has(**shared, card)) return no_card(card);
  const CardEntry& entry = (*shared)->card[static_cast<std::size_t>(card)];
  const std::uint64_t known = std::min<std::uint64_t>(entry.event_count, kMostEvents);
  for (std::uint64_t back = 1; back <= known; ++back) {
    const EventEntry& event = entry.events[(entry.event_count - back) % kMostEvents];
    if (event.type == type) return event.data;
  }
  return std::nullopt;
}

std::optional<EventEntry> Node::next_event(int card, std::uint64_t& seen) const {
  auto shared = file_.lock();
  if (!shared || !has(**shared, card)) return std::nullopt;
  const CardEntry& entry = (*shared)->card[static_cast<std::size_t>(card)];
  if (seen >= entry.event_count) return std::nullopt;
  if (entry.event_count - seen > kMostEvents) seen = entry.event_count - kMostEvents;
  return entry.events[seen++ % kMostEvents];
}

Result<std::unique_ptr<Client>> Node::join(int card, std::int64_t now_ns, Instance instance) {
  auto shared = file_.lock();
  if (!shared) return tl::unexpected(shared.error());
  if (!has(**shared, card)) return no_card(card);
  if (auto good = check_device((*shared)->card[static_cast<std::size_t>(card)], card, instance); !good)
    return tl::unexpected(good.error());
  reap(**shared, now_ns);
  advance(**shared, card, now_ns);
  if (auto may = check_compute_mode(**shared, card, getpid()); !may) return tl::unexpected(may.error());
  const auto free = std::ranges::find((*shared)->client, 0, &ClientEntry::pid);
  if (free == (*shared)->client.end())
    return fail(Error::Kind::LimitExceeded,
                fmt::format("the node has {} processes, and there is no room for more", kMostClients));
  const auto slot = static_cast<int>(free - (*shared)->client.begin());
  (*shared)->slots = std::max((*shared)->slots, slot + 1);
  *free = ClientEntry{};
  free->card = card;
  free->instance = instance;
  free->started = start_of(getpid());
  free->last_ns = now_ns - kHold;
  // A card that a process opens is clocked up.
  (*shared)->card[static_cast<std::size_t>(card)].last_used_ns = now_ns;
  std::atomic_ref(free->pid).store(getpid(), std::memory_order_release);
  return std::unique_ptr<Client>(new Client(shared_from_this(), slot, card));
}

}  // namespace doppel::node
