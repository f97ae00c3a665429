// SPDX-License-Identifier: Apache-2.0
#include "device/managed_memory.h"

#include <algorithm>
#include <map>
#include <utility>

#include "device/device.h"
#include "device/operation.h"
#include "device/platform.h"
#include "device/run_recorder.h"
#include "link/migration.h"

namespace doppel::device {
namespace {

constexpr std::uint64_t kPage = 4096;

const Device* holder_of(const Platform& platform, std::uint64_t address) {
  for (int ordinal = 0; ordinal < platform.device_count(); ++ordinal) {
    if (platform.device(ordinal).memory().contains(address)) return &platform.device(ordinal);
  }
  return nullptr;
}

// The managed memory at an address or next behind it, of the card whose range holds the address.
std::optional<Residence::Area> area_from(const Platform& platform, std::uint64_t address) {
  const Device* device = holder_of(platform, address);
  const auto found = device != nullptr ? device->memory().managed_from(address) : std::nullopt;
  if (!found) return std::nullopt;
  const std::uint64_t end = found->address + found->size;
  return Residence::Area{found->address / kPage * kPage, (end + kPage - 1) / kPage * kPage, found->serial,
                         !device->memory().touched().watches(found->address)};
}

std::uint64_t room_on(const Platform& platform, int card) {
  const memory::AddressSpace& memory = platform.device(card).memory();
  return memory.capacity() - std::min(memory.capacity(), memory.used());
}

std::uint64_t contents(const Platform& platform, std::uint64_t begin, std::uint64_t end) {
  const Device* device = holder_of(platform, begin);
  return device != nullptr && device->memory().touched().watches(begin)
             ? device->memory().touched().contents(begin, end)
             : 0;
}

}  // namespace

ManagedMemory::ManagedMemory(Platform& platform)
    : platform_(platform),
      alive_(std::make_shared<Platform*>(&platform)),
      residence_(
          [&platform](std::uint64_t address) { return area_from(platform, address); },
          [&platform](int card) { return room_on(platform, card); },
          [&platform](std::uint64_t begin, std::uint64_t end) { return contents(platform, begin, end); }) {}

ManagedMemory::~ManagedMemory() { platform_.clock().watch_memory(nullptr, 0); }

void ManagedMemory::attach(Device& device) {
  const Options& options = platform_.options();
  const bool timed = options.depth != timing::Depth::Off && !options.check;
  if (timed && device.ordinal() < static_cast<int>(kMostManagedCards)) device.memory().watch_managed();
}

void ManagedMemory::allocated(Device& device, std::uint64_t address) {
  if (!device.memory().watches_managed()) return;
  any_.store(true);
  if (device.memory().touched().watches(address)) {
    platform_.clock().watch_memory(this, memory::TouchedPages::page_fault_us());
    return;
  }
  platform_.recorder().diagnostic(device.ordinal(), "assumed",
                                  "which pages the program touches cannot be seen on this machine "
                                  "(memfd_create, /proc/self/pagemap): its "
                                  "managed memory counts as written by the host before the first kernel, and "
                                  "as not touched by it after that");
}

std::uint64_t ManagedMemory::look() {
  std::uint64_t pages = 0;
  const std::lock_guard lock(mutex_);
  for (int ordinal = 0; ordinal < platform_.device_count(); ++ordinal) {
    const auto touched = platform_.device(ordinal).memory().touched().take();
    pages += touched.pages;
    found_.insert(found_.end(), touched.ranges.begin(), touched.ranges.end());
  }
  return pages;
}

double ManagedMemory::bring_back(double now_us) {
  std::vector<memory::TouchedRange> found;
  {
    const std::lock_guard lock(mutex_);
    found.swap(found_);
  }
  std::map<const Device*, Migration> moved;
  for (const memory::TouchedRange& range : found) {
    const Migration each = residence_.touch_by_host(range.begin, range.end);
    Migration& sum = moved[holder_of(platform_, range.begin)];
    sum.to_host += each.to_host;
    sum.faulted |= each.faulted;
  }
  double us = 0;
  for (const auto& [device, each] : moved) {
    if (device == nullptr || each.to_host <= 0) continue;
    const card::Card& card = device->card();
    const double took_us =
        card.managed.fault_us +
        link::migration_us(card, each.to_host, link::Direction::DeviceToHost, link::Cause::Fault);
    const auto bytes = static_cast<std::uint64_t>(each.to_host);
    platform_.recorder().copy({device->ordinal(), 0, now_us + us, now_us + us + took_us},
                              "device to host (managed)", bytes, moved_over_the_bus(bytes));
    us += took_us;
  }
  return us;
}

ManagedMemory::Work::~Work() {
  const auto platform = platform_.lock();
  if (platform == nullptr) return;
  for (int ordinal = 0; ordinal < (*platform)->device_count(); ++ordinal)
    (*platform)->device(ordinal).memory().touched().end_work(areas_);
}

std::shared_ptr<ManagedMemory::Work> ManagedMemory::begin_work(std::vector<std::uint64_t> areas) {
  if (!any()) return nullptr;
  platform_.clock().look_at_memory();
  for (int ordinal = 0; ordinal < platform_.device_count(); ++ordinal)
    platform_.device(ordinal).memory().touched().begin_work(areas);
  return std::shared_ptr<Work>(new Work(alive_, std::move(areas)));
}

Migration ManagedMemory::touch(const Device& device, std::span<const timing::MemoryRange> ranges,
                               bool whole) {
  if (!any()) return {};
  const std::uint64_t base = device.memory().base();
  std::vector<Residence::Access> accesses;
  for (const timing::MemoryRange& range : ranges) {
    if (range.end > range.begin)
      accesses.push_back({base + range.begin, base + range.end, range.written, whole && range.written});
  }
  return residence_.touch(device.ordinal(), accesses);
}

Migration ManagedMemory::prefetch(int place, std::uint64_t begin, std::uint64_t end) {
  return any() ? residence_.prefetch(place, begin, end) : Migration{};
}

void ManagedMemory::advise(std::uint64_t begin, std::uint64_t end, Advice advice, bool set, int place) {
  if (any()) residence_.advise(begin, end, advice, set, place);
}

}  // namespace doppel::device
