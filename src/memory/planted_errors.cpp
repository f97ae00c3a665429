// SPDX-License-Identifier: Apache-2.0
#include "memory/planted_errors.h"

#include <algorithm>
#include <utility>

namespace doppel::memory {
namespace {

constexpr std::uint64_t granule_of(std::uint64_t address) {
  return address / PlantedErrors::kGranule * PlantedErrors::kGranule;
}

}  // namespace

void PlantedErrors::listen(Listener listener) {
  const std::lock_guard lock(mutex_);
  listener_ = std::move(listener);
}

void PlantedErrors::plant(const PlantedError& error) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t granule = granule_of(error.address);
  entries_.push_back({.error = error, .granule = granule});
  low_ = std::min(low_.load(), granule);
  high_ = std::max(high_.load(), granule + kGranule);
  count_.store(entries_.size(), std::memory_order_release);
}

bool PlantedErrors::near(std::uint64_t address, std::uint64_t bytes) const {
  return any() && address < high_.load(std::memory_order_relaxed) &&
         address + bytes > low_.load(std::memory_order_relaxed);
}

std::optional<PlantedError> PlantedErrors::read(std::uint64_t address, std::uint64_t bytes) {
  if (bytes == 0 || !near(address, bytes)) return std::nullopt;
  std::vector<PlantedError> corrected, uncorrectable;
  std::optional<PlantedError> first;
  {
    const std::lock_guard lock(mutex_);
    const auto is_read = [&](const Entry& entry) {
      return address < entry.granule + kGranule && address + bytes > entry.granule;
    };
    for (Entry& entry : entries_) {
      if (!is_read(entry)) continue;
      // Two errors of one bit in one granule are an error of two.
      const auto turned = std::ranges::count(entries_, entry.granule, &Entry::granule);
      if (entry.error.bits == 1 && turned == 1) {
        corrected.push_back(entry.error);
        continue;
      }
      if (!first) first = entry.error;
      if (!std::exchange(entry.told, true)) uncorrectable.push_back(entry.error);
    }
    std::erase_if(entries_, [&](const Entry& entry) {
      return std::ranges::any_of(
          corrected, [&](const PlantedError& error) { return error.serial == entry.error.serial; });
    });
    count_.store(entries_.size(), std::memory_order_release);
  }
  tell(corrected, Fate::Corrected);
  tell(uncorrectable, Fate::Uncorrectable);
  return first;
}

void PlantedErrors::write(std::uint64_t address, std::uint64_t bytes) {
  if (bytes == 0 || !near(address, bytes)) return;
  std::vector<PlantedError> gone;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(entries_, [&](Entry& entry) {
      const std::uint64_t begin = std::max(address, entry.granule);
      const std::uint64_t end = std::min(address + bytes, entry.granule + kGranule);
      if (begin >= end) return false;
      const std::uint64_t mask = (std::uint64_t{1} << (end - begin)) - 1;
      entry.written |= static_cast<std::uint32_t>(mask << (begin - entry.granule));
      if (entry.written != ~std::uint32_t{0}) return false;
      gone.push_back(entry.error);
      return true;
    });
    count_.store(entries_.size(), std::memory_order_release);
  }
  tell(gone, Fate::Overwritten);
}

void PlantedErrors::forget(std::uint64_t address, std::uint64_t bytes) {
  if (!near(address, bytes)) return;
  std::vector<PlantedError> gone;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(entries_, [&](const Entry& entry) {
      const bool inside = entry.error.address >= address && entry.error.address - address < bytes;
      if (inside && !entry.told) gone.push_back(entry.error);
      return inside;
    });
    count_.store(entries_.size(), std::memory_order_release);
  }
  tell(gone, Fate::Freed);
}

void PlantedErrors::tell(const std::vector<PlantedError>& errors, Fate fate) const {
  if (errors.empty()) return;
  Listener listener;
  {
    const std::lock_guard lock(mutex_);
    listener = listener_;
  }
  if (!listener) return;
  for (const PlantedError& error : errors) listener(error, fate);
}

}  // namespace doppel::memory
