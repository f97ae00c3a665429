// SPDX-License-Identifier: Apache-2.0
#include "device/memory_faults.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "device/context.h"
#include "device/device.h"
#include "device/node_report.h"
#include "device/platform.h"
#include "device/run_recorder.h"
#include "memory/address_space.h"
#include "memory/planted_errors.h"
#include "support/log.h"

namespace doppel::device {

using memory::PlantedErrors;
using node::ErrorFate;

namespace {

// Memory that the program has the address of.
bool is_of_program(memory::AllocationKind kind) {
  using enum memory::AllocationKind;
  return kind == Device || kind == Pitched || kind == Pool || kind == Symbol;
}

// The same numbers in every run (splitmix64: G. Steele, D. Lea, C. Flood, 2014).
std::uint64_t mixed(std::uint64_t seed) {
  std::uint64_t z = seed + 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

ErrorFate fate_of(PlantedErrors::Fate fate) {
  switch (fate) {
    case PlantedErrors::Fate::Corrected:
      return ErrorFate::Corrected;
    case PlantedErrors::Fate::Uncorrectable:
      return ErrorFate::Uncorrectable;
    case PlantedErrors::Fate::Overwritten:
      return ErrorFate::Overwritten;
    case PlantedErrors::Fate::Freed:
      break;
  }
  return ErrorFate::Freed;
}

PlantedErrors* errors_at(const Platform& platform, std::uint64_t address) {
  for (int i = 0; i < platform.device_count(); ++i) {
    memory::AddressSpace& memory = platform.device(i).memory();
    if (memory.contains(address)) return memory.errors().any() ? &memory.errors() : nullptr;
  }
  return nullptr;
}

}  // namespace

MemoryFaults::MemoryFaults(Device& device, NodeReport* node) : device_(device), node_(node) {
  if (node_ == nullptr) return;
  device_.memory().errors().listen([this](const memory::PlantedError& error, PlantedErrors::Fate fate) {
    node_->tell_error(device_.ordinal(), error.serial, fate_of(fate), error.address);
    if (fate == PlantedErrors::Fate::Corrected)
      log().info("ECC: an error of one bit at {:#x} of card {} was corrected", error.address,
                 device_.ordinal());
  });
}

void MemoryFaults::look() {
  if (node_ == nullptr) return;
  const std::uint64_t planted = node_->planted_errors(device_.ordinal());
  if (planted == seen_.load(std::memory_order_acquire)) return;
  take_up();
}

void MemoryFaults::begin_launch() {
  if (node_ == nullptr) return;
  ++launches_;
  if (node_->planted_errors(device_.ordinal()) != seen_.load(std::memory_order_acquire) || waits_) take_up();
}

void MemoryFaults::take_up() {
  const std::lock_guard lock(mutex_);
  seen_ = node_->planted_errors(device_.ordinal());
  for (const node::ErrorEntry& each : node_->take_errors(device_.ordinal(), launches_)) plant(each);
  waits_ = node_->errors_wait(device_.ordinal());
}

std::uint64_t MemoryFaults::random_address(std::uint64_t seed) const {
  std::vector<memory::Allocation> allocations = device_.memory().live();
  std::erase_if(allocations,
                [](const memory::Allocation& each) { return !is_of_program(each.kind) || each.size == 0; });
  std::ranges::sort(allocations, {}, &memory::Allocation::address);
  std::uint64_t bytes = 0;
  for (const memory::Allocation& each : allocations) bytes += each.size;
  if (bytes == 0) return 0;
  std::uint64_t place = mixed(seed) % bytes;
  for (const memory::Allocation& each : allocations) {
    if (place < each.size) return each.address + place;
    place -= each.size;
  }
  return 0;
}

void MemoryFaults::plant(const node::ErrorEntry& entry) {
  const std::uint64_t address = entry.address != 0 ? entry.address : random_address(entry.seed);
  const auto tell = [&](ErrorFate fate) {
    node_->tell_error(device_.ordinal(), entry.number, fate, address);
  };
  const auto allocation = device_.memory().contains(address) ? device_.memory().find(address) : std::nullopt;
  if (!allocation || !is_of_program(allocation->kind)) return tell(ErrorFate::NoMemory);
  const card::Card& card = device_.card();
  if (!card.memory.ecc) {
    if (entry.bits == 1 && card.ecc.on_die) return tell(ErrorFate::CorrectedOnDie);
    const auto first = static_cast<unsigned>(entry.seed % 8);
    unsigned turned = 1U << first;
    if (entry.bits == 2) turned |= 1U << ((first + 1) % 8);
    __atomic_fetch_xor(reinterpret_cast<std::uint8_t*>(address), static_cast<std::uint8_t>(turned),
                       __ATOMIC_RELAXED);
    return tell(ErrorFate::Turned);
  }
  device_.memory().errors().plant({entry.number, address, entry.bits});
  tell(ErrorFate::Planted);
}

bool MemoryFaults::may_read(Context& context, std::uint64_t address, std::uint64_t bytes) {
  Platform& platform = context.platform();
  PlantedErrors* const errors = errors_at(platform, address);
  if (errors == nullptr) return true;
  const auto found = errors->read(address, bytes);
  if (!found) return true;
  engine::Fault fault;
  fault.kind = engine::Fault::Kind::UncorrectableMemory;
  fault.address = found->address;
  fault.space = "global";
  fault.message = fmt::format("a copy read an error at {:#x} that ECC cannot correct", found->address);
  context.set_fault(fault);
  context.flush_output();
  log().error("{}", fault.message);
  platform.recorder().diagnostic(context.device().ordinal(), "uncorrectable ECC error", fault.message);
  return false;
}

void MemoryFaults::writes(const Platform& platform, std::uint64_t address, std::uint64_t bytes) {
  if (PlantedErrors* const errors = errors_at(platform, address)) errors->write(address, bytes);
}

bool MemoryFaults::any(const Platform& platform) {
  for (int i = 0; i < platform.device_count(); ++i) {
    if (platform.device(i).memory().errors().any()) return true;
  }
  return false;
}

bool MemoryFaults::finds(const Platform& platform, std::uint64_t address, std::uint64_t bytes, bool store) {
  PlantedErrors* const errors = errors_at(platform, address);
  if (errors == nullptr) return false;
  if (!store) return errors->read(address, bytes).has_value();
  errors->write(address, bytes);
  return false;
}

}  // namespace doppel::device
