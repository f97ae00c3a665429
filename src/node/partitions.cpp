// SPDX-License-Identifier: Apache-2.0
#include "node/partitions.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "card/partition.h"
#include "node/course.h"

namespace doppel::node {
namespace {

constexpr int kAny = -1;

// Publishes an entry whose other members are written.
void publish(std::int32_t& member, std::int32_t value) {
  std::atomic_ref(member).store(value, std::memory_order_release);
}

bool overlap(int start, int size, int other_start, int other_size) {
  return start < other_start + other_size && other_start < start + size;
}

std::size_t index(int number) { return static_cast<std::size_t>(number); }

tl::unexpected<Error> no_instance(int card, int id) {
  return fail(Error::Kind::NotFound, fmt::format("card {} has no GPU instance {}", card, id));
}

// So many slices can begin at their multiples: what is smaller does not come to lie across their border.
bool may_begin(int slices, int start, int of) {
  return start >= 0 && start % slices == 0 && start + slices <= of;
}

bool has_compute_room(const GpuInstanceEntry& gpu, int slices, int start) {
  return std::ranges::none_of(gpu.compute, [&](const ComputeInstanceEntry& each) {
    return each.slices > 0 && overlap(start, slices, each.start, each.slices);
  });
}

}  // namespace

Result<SharedFile::Lock> Partitions::lock() const {
  if (hardware_.partitions.empty())
    return fail(Error::Kind::NotSupported, fmt::format("{} cannot be divided", hardware_.name));
  auto shared = node_.file_.lock();
  if (!shared) return shared;
  if (!Node::has(**shared, card_))
    return fail(Error::Kind::NotFound, fmt::format("the node has no card {}", card_));
  return shared;
}

Result<SharedFile::Lock> Partitions::lock_enabled() const {
  auto shared = lock();
  if (shared && entry(*shared).partitions.on == 0)
    return fail(Error::Kind::NotEnabled, fmt::format("card {} is not in MIG mode", card_));
  return shared;
}

CardEntry& Partitions::entry(const SharedFile::Lock& lock) const { return lock->card[index(card_)]; }

Result<GpuInstanceEntry*> Partitions::find(CardEntry& card, int id) const {
  if (id < 0 || index(id) >= kMostGpuInstances || card.partitions.gpu[index(id)].used == 0)
    return no_instance(card_, id);
  return &card.partitions.gpu[index(id)];
}

bool Partitions::in_use(Shared& shared, int gpu, int compute, std::int64_t now_ns) const {
  reap(shared, now_ns);
  return std::ranges::any_of(clients(shared), [&](const ClientEntry& each) {
    return each.pid != 0 && each.card == card_ && (gpu == kAny || each.instance.gpu == gpu) &&
           (compute == kAny || each.instance.compute == compute);
  });
}

void Partitions::tell(const SharedFile::Lock& lock, Instance instance) const {
  CardEntry& card = entry(lock);
  card.events[card.event_count % kMostEvents] = {kMigChanged, 0, instance};
  ++card.event_count;
}

Result<MigMode> Partitions::mode() const {
  auto shared = lock();
  if (!shared) return tl::unexpected(shared.error());
  const PartitionEntries& entries = entry(*shared).partitions;
  return MigMode{entries.on != 0, entries.pending != 0};
}

Result<bool> Partitions::set_mode(bool on, std::int64_t now_ns) {
  auto shared = lock();
  if (!shared) return tl::unexpected(shared.error());
  PartitionEntries& entries = entry(*shared).partitions;
  entries.pending = on ? 1 : 0;
  if ((entries.on != 0) == on) return true;
  const bool divided =
      std::ranges::any_of(entries.gpu, [](const GpuInstanceEntry& each) { return each.used != 0; });
  if (divided || in_use(**shared, kAny, kAny, now_ns)) return false;
  entries.on = on ? 1 : 0;
  tell(*shared, {});
  return true;
}

GpuInstance Partitions::describe(const GpuInstanceEntry& entry, int id) const {
  return {id, card::partition_profile(hardware_, entry.profile), entry.start, entry.size, entry.bytes};
}

Result<std::vector<GpuInstance>> Partitions::gpu_instances() const {
  auto shared = lock();
  if (!shared) return tl::unexpected(shared.error());
  std::vector<GpuInstance> all;
  const auto& entries = entry(*shared).partitions.gpu;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    // A profile that the card's file has no more: made by another version of it.
    if (entries[i].used != 0 && card::partition_profile(hardware_, entries[i].profile) != nullptr)
      all.push_back(describe(entries[i], static_cast<int>(i)));
  }
  return all;
}

Result<GpuInstance> Partitions::gpu_instance(int id) const {
  const auto all = gpu_instances();
  if (!all) return tl::unexpected(all.error());
  const auto found = std::ranges::find(*all, id, &GpuInstance::id);
  if (found == all->end()) return no_instance(card_, id);
  return *found;
}

// Its place among the memory slices, its number, and all engines that it would have.
bool Partitions::has_room(const CardEntry& card, const card::PartitionProfile& profile, int start) const {
  const auto place = std::ranges::find(profile.placements, start);
  const int id = profile.instance_ids[static_cast<std::size_t>(place - profile.placements.begin())];
  int of_profile = 0;
  card::Engines taken;
  for (std::size_t i = 0; i < kMostGpuInstances; ++i) {
    const GpuInstanceEntry& each = card.partitions.gpu[i];
    if (each.used == 0) continue;
    if (index(id) == i || overlap(start, profile.placement_size, each.start, each.size)) return false;
    if (each.profile == profile.id) ++of_profile;
    const card::PartitionProfile* other = card::partition_profile(hardware_, each.profile);
    if (other == nullptr) continue;
    taken.copy += other->copy_engines;
    taken.nvenc += other->nvenc;
    taken.nvdec += other->nvdec;
    taken.jpeg += other->jpeg;
    taken.optical_flow += other->optical_flow;
  }
  const card::Engines& all = hardware_.engines;
  return of_profile < profile.max_instances && taken.copy + profile.copy_engines <= all.copy &&
         taken.nvenc + profile.nvenc <= all.nvenc && taken.nvdec + profile.nvdec <= all.nvdec &&
         taken.jpeg + profile.jpeg <= all.jpeg &&
         taken.optical_flow + profile.optical_flow <= all.optical_flow;
}

Result<int> Partitions::room_for(const card::PartitionProfile& profile) const {
  auto shared = lock();
  if (!shared) return tl::unexpected(shared.error());
  CardEntry trial = entry(*shared);
  int room = 0;
  for (std::size_t i = 0; i < profile.placements.size(); ++i) {
    if (!has_room(trial, profile, profile.placements[i])) continue;
    GpuInstanceEntry& made = trial.partitions.gpu[index(profile.instance_ids[i])];
    made.used = 1;
    made.profile = profile.id;
    made.start = profile.placements[i];
    made.size = profile.placement_size;
    ++room;
  }
  return room;
}

Result<int> Partitions::create(const card::PartitionProfile& profile, std::optional<int> start,
                               std::int64_t now_ns) {
  auto shared = lock_enabled();
  if (!shared) return tl::unexpected(shared.error());
  CardEntry& card = entry(*shared);
  auto place = profile.placements.begin();
  if (start) {
    place = std::ranges::find(profile.placements, *start);
    if (place == profile.placements.end())
      return fail(Error::Kind::InvalidArgument,
                  fmt::format("an instance of {} cannot begin at slice {}", profile.name, *start));
    if (!has_room(card, profile, *start)) place = profile.placements.end();
  } else {
    place = std::ranges::find_if(profile.placements, [&](int each) { return has_room(card, profile, each); });
  }
  if (place == profile.placements.end())
    return fail(Error::Kind::LimitExceeded,
                fmt::format("there is no room for an instance of {} on card {}", profile.name, card_));
  advance(**shared, card_, now_ns);
  const int id = profile.instance_ids[static_cast<std::size_t>(place - profile.placements.begin())];
  GpuInstanceEntry& made = card.partitions.gpu[index(id)];
  made.compute = {};
  made.profile = profile.id;
  made.start = *place;
  made.size = profile.placement_size;
  made.bytes = static_cast<std::uint64_t>(profile.memory_mib) << 20;
  made.share = static_cast<double>(profile.sm_count) / hardware_.sm_count;
  publish(made.used, 1);
  tell(*shared, {id, kAny});
  return id;
}

Result<void> Partitions::destroy(int id, std::int64_t now_ns) {
  auto shared = lock_enabled();
  if (!shared) return tl::unexpected(shared.error());
  const auto found = find(entry(*shared), id);
  if (!found) return tl::unexpected(found.error());
  if (std::ranges::any_of((*found)->compute, [](const auto& each) { return each.slices > 0; }))
    return fail(Error::Kind::NotPermitted,
                fmt::format("GPU instance {} of card {} has compute instances", id, card_));
  if (in_use(**shared, id, kAny, now_ns))
    return fail(Error::Kind::NotPermitted, fmt::format("GPU instance {} of card {} is in use", id, card_));
  advance(**shared, card_, now_ns);
  publish((*found)->used, 0);
  tell(*shared, {id, kAny});
  return {};
}

Result<std::vector<ComputeInstance>> Partitions::compute_instances() const {
  auto shared = lock();
  if (!shared) return tl::unexpected(shared.error());
  std::vector<ComputeInstance> all;
  const auto& entries = entry(*shared).partitions.gpu;
  for (std::size_t gpu = 0; gpu < entries.size(); ++gpu) {
    const card::PartitionProfile* profile = card::partition_profile(hardware_, entries[gpu].profile);
    if (entries[gpu].used == 0 || profile == nullptr) continue;
    for (std::size_t i = 0; i < kMostComputeInstances; ++i) {
      const ComputeInstanceEntry& each = entries[gpu].compute[i];
      if (each.slices == 0) continue;
      all.push_back({{static_cast<int>(gpu), static_cast<int>(i)}, profile, each.slices, each.start});
    }
  }
  return all;
}

Result<int> Partitions::room_for_compute(int gpu_instance, int slices) const {
  auto shared = lock();
  if (!shared) return tl::unexpected(shared.error());
  const auto found = find(entry(*shared), gpu_instance);
  if (!found) return tl::unexpected(found.error());
  const card::PartitionProfile* profile = card::partition_profile(hardware_, (*found)->profile);
  int room = 0;
  for (int start = 0; profile != nullptr && may_begin(slices, start, profile->slices); start += slices)
    room += has_compute_room(**found, slices, start) ? 1 : 0;
  return room;
}

Result<Instance> Partitions::create_compute(int gpu_instance, int slices, std::optional<int> start,
                                            std::int64_t now_ns) {
  auto shared = lock_enabled();
  if (!shared) return tl::unexpected(shared.error());
  const auto found = find(entry(*shared), gpu_instance);
  if (!found) return tl::unexpected(found.error());
  GpuInstanceEntry& gpu = **found;
  const card::PartitionProfile* profile = card::partition_profile(hardware_, gpu.profile);
  const int most = profile != nullptr ? profile->slices : 0;
  if (slices < 1 || !may_begin(slices, start.value_or(0), most))
    return fail(Error::Kind::InvalidArgument,
                fmt::format("GPU instance {} of card {} has {} slices: a compute instance of {} cannot begin "
                            "at slice {}",
                            gpu_instance, card_, most, slices, start.value_or(0)));
  int at = start.value_or(0);
  while (!start && may_begin(slices, at, most) && !has_compute_room(gpu, slices, at)) at += slices;
  const auto free = std::ranges::find(gpu.compute, 0, &ComputeInstanceEntry::slices);
  if (!may_begin(slices, at, most) || !has_compute_room(gpu, slices, at) || free == gpu.compute.end())
    return fail(Error::Kind::LimitExceeded,
                fmt::format("GPU instance {} of card {} has no {} slices left", gpu_instance, card_, slices));
  advance(**shared, card_, now_ns);
  free->start = at;
  publish(free->slices, slices);
  const Instance made{gpu_instance, static_cast<int>(free - gpu.compute.begin())};
  tell(*shared, made);
  return made;
}

Result<void> Partitions::destroy_compute(Instance id, std::int64_t now_ns) {
  auto shared = lock_enabled();
  if (!shared) return tl::unexpected(shared.error());
  const auto found = find(entry(*shared), id.gpu);
  if (!found) return tl::unexpected(found.error());
  if (id.compute < 0 || index(id.compute) >= kMostComputeInstances ||
      (*found)->compute[index(id.compute)].slices == 0)
    return fail(Error::Kind::NotFound, fmt::format("GPU instance {} of card {} has no compute instance {}",
                                                   id.gpu, card_, id.compute));
  if (in_use(**shared, id.gpu, id.compute, now_ns))
    return fail(Error::Kind::NotPermitted,
                fmt::format("compute instance {} of GPU instance {} of card {} is in use", id.compute, id.gpu,
                            card_));
  publish((*found)->compute[index(id.compute)].slices, 0);
  tell(*shared, id);
  return {};
}

}  // namespace doppel::node
