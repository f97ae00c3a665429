// SPDX-License-Identifier: Apache-2.0
#include "device/validate.h"

#include <fmt/format.h>

#include "device/module.h"
#include "device/platform.h"

namespace doppel::device {
namespace {

constexpr char kAxis[] = {'x', 'y', 'z'};

Result<void> check_kernel(const KernelWork& work, Device& device) {
  const card::Card& card = device.card();
  if (work.kernel == nullptr || work.kernel->module() == nullptr)
    return fail(Error::Kind::InvalidHandle, "the kernel's module was unloaded");
  if (const Error* refused = work.kernel->refusal()) return tl::unexpected<Error>(*refused);
  const std::string& name = work.kernel->name();
  const LaunchConfig& config = work.config;
  const std::uint32_t grid[] = {config.grid.x, config.grid.y, config.grid.z};
  const std::uint32_t block[] = {config.block.x, config.block.y, config.block.z};
  for (int axis = 0; axis < 3; ++axis) {
    if (grid[axis] == 0 || grid[axis] > static_cast<std::uint32_t>(card.sm.max_grid_dim[axis])) {
      return fail(Error::Kind::InvalidArgument,
                  fmt::format("kernel '{}': a grid of {} blocks in {}: 1 to {} are possible", name,
                              grid[axis], kAxis[axis], card.sm.max_grid_dim[axis]));
    }
    if (block[axis] == 0 || block[axis] > static_cast<std::uint32_t>(card.sm.max_block_dim[axis])) {
      return fail(Error::Kind::InvalidArgument,
                  fmt::format("kernel '{}': a block of {} threads in {}: 1 to {} are possible", name,
                              block[axis], kAxis[axis], card.sm.max_block_dim[axis]));
    }
  }
  const std::uint64_t threads = config.block.count();
  if (threads > static_cast<std::uint64_t>(card.sm.max_threads_per_block)) {
    return fail(Error::Kind::InvalidArgument,
                fmt::format("kernel '{}': {} threads in a block: the card has at most {}", name, threads,
                            card.sm.max_threads_per_block));
  }
  const KernelAttributes known = work.kernel->attributes();
  if (threads > known.max_threads_per_block) {
    return fail(Error::Kind::InvalidArgument,
                fmt::format("kernel '{}': {} threads in a block: its launch bounds allow {}", name, threads,
                            known.max_threads_per_block));
  }
  if (config.dynamic_shared_bytes > work.kernel->max_dynamic_shared_bytes()) {
    return fail(Error::Kind::InvalidArgument,
                fmt::format("kernel '{}': {} bytes of dynamic shared memory: {} are allowed (a function "
                            "attribute raises it, up to {} in all)",
                            name, config.dynamic_shared_bytes, work.kernel->max_dynamic_shared_bytes(),
                            card.shared.bytes_per_block_optin));
  }
  if (work.parameters.size() < work.kernel->parameter_bytes()) {
    return fail(Error::Kind::InvalidArgument,
                fmt::format("kernel '{}': {} bytes of parameters, it takes {}", name, work.parameters.size(),
                            work.kernel->parameter_bytes()));
  }
  if (auto good = work.kernel->check_cluster(config); !good) return good;
  if (config.cooperative) {
    const auto per_sm = static_cast<std::uint64_t>(work.kernel->resources(config).occupancy.blocks_per_sm);
    const std::uint64_t most = per_sm * static_cast<std::uint64_t>(card.sm_count);
    if (config.grid.count() > most) {
      return fail(Error::Kind::CooperativeTooLarge,
                  fmt::format("kernel '{}': a cooperative grid of {} blocks: {} fit on the card at once",
                              name, config.grid.count(), most));
    }
  }
  return {};
}

// A box must lie in one allocation where it lies in one of ours at all.
Result<void> check_range(Device& device, const char* what, std::uint64_t address, std::uint64_t bytes) {
  if (bytes == 0) return {};
  if (address == 0) return fail(Error::Kind::InvalidArgument, fmt::format("{}: a null pointer", what));
  const PointerInfo info = device.platform().classify(address);
  if (info.kind == PointerInfo::Kind::PageableHost) return {};
  if (!info.allocation) {
    return fail(Error::Kind::InvalidArgument,
                fmt::format("{} {:#x}: {}", what, address, info.range->memory().describe(address)));
  }
  std::uint64_t end = info.allocation->address + info.allocation->size;
  // Mappings that touch make one range.
  // `address` lies before `end`: the sum of a kernel's numbers could wrap around, the difference cannot.
  while (bytes > end - address && info.allocation->kind == memory::AllocationKind::Mapped) {
    const auto next = info.range->memory().find(end);
    if (!next) break;
    end = next->address + next->size;
  }
  if (bytes > end - address) {
    return fail(Error::Kind::InvalidArgument,
                fmt::format("{} {:#x}, {} bytes: ends {} bytes behind its allocation of {} bytes", what,
                            address, bytes, bytes - (end - address), info.allocation->size));
  }
  return {};
}

std::uint64_t span_of(const CopyWork::Side& side, const CopyWork& work) {
  const std::uint64_t pitch = side.pitch != 0 ? side.pitch : work.width;
  const std::uint64_t rows = side.slice_rows != 0 ? side.slice_rows : work.height;
  return (work.depth - 1) * rows * pitch + (work.height - 1) * pitch + work.width;
}

Result<void> check_copy(const CopyWork& work, Device& device) {
  if (work.width == 0 || work.height == 0 || work.depth == 0) return {};
  for (const auto* side : {&work.destination, &work.source}) {
    const char* what = side == &work.destination ? "destination" : "source";
    if (side->pitch != 0 && side->pitch < work.width)
      return fail(Error::Kind::InvalidArgument,
                  fmt::format("{}: a pitch of {} bytes for rows of {}", what, side->pitch, work.width));
    if (auto good = check_range(device, what, side->address, span_of(*side, work)); !good) return good;
  }
  return {};
}

Result<void> check_memset(const MemsetWork& work, Device& device) {
  if (work.width == 0 || work.height == 0) return {};
  if (work.element_bytes != 1 && work.element_bytes != 2 && work.element_bytes != 4)
    return fail(Error::Kind::InvalidArgument, fmt::format("elements of {} bytes", work.element_bytes));
  if (work.address % work.element_bytes != 0)
    return fail(Error::Kind::InvalidArgument, fmt::format("{:#x} is not aligned for elements of {} bytes",
                                                          work.address, work.element_bytes));
  const std::uint64_t row = work.width * work.element_bytes;
  const std::uint64_t pitch = work.pitch != 0 ? work.pitch : row;
  if (pitch < row)
    return fail(Error::Kind::InvalidArgument, fmt::format("a pitch of {} bytes for rows of {}", pitch, row));
  if (device.platform().classify(work.address).kind == PointerInfo::Kind::PageableHost) {
    return fail(Error::Kind::InvalidArgument,
                fmt::format("{:#x} is no memory that the card can write", work.address));
  }
  return check_range(device, "destination", work.address, (work.height - 1) * pitch + row);
}

// A word that the card can reach, aligned.
Result<void> check_value(const ValueWork::Step& work, Device& device) {
  if (work.operation == ValueWork::Operation::Barrier) return {};
  if (work.address % work.bytes != 0)
    return fail(Error::Kind::InvalidArgument,
                fmt::format("{:#x} is not aligned for a value of {} bytes", work.address, work.bytes));
  if (device.platform().classify(work.address).kind == PointerInfo::Kind::PageableHost)
    return fail(Error::Kind::InvalidArgument,
                fmt::format("{:#x} is no memory that the card can reach", work.address));
  return check_range(device, "value", work.address, work.bytes);
}

Result<void> check_values(const ValueWork& work, Device& device) {
  for (const ValueWork::Step& step : work.steps)
    if (auto good = check_value(step, device); !good) return good;
  return {};
}

}  // namespace

Result<void> validate(const Work& work, Device& device) {
  if (const auto* kernel = std::get_if<KernelWork>(&work)) return check_kernel(*kernel, device);
  if (const auto* copy = std::get_if<CopyWork>(&work)) return check_copy(*copy, device);
  if (const auto* memset = std::get_if<MemsetWork>(&work)) return check_memset(*memset, device);
  if (const auto* value = std::get_if<ValueWork>(&work)) return check_values(*value, device);
  if (const auto* host = std::get_if<HostWork>(&work)) {
    if (!host->function) return fail(Error::Kind::InvalidArgument, "a host function that is null");
  }
  if (const auto* record = std::get_if<EventRecordWork>(&work); record != nullptr && record->event == nullptr)
    return fail(Error::Kind::InvalidHandle, "no event");
  if (const auto* wait = std::get_if<EventWaitWork>(&work); wait != nullptr && wait->event == nullptr)
    return fail(Error::Kind::InvalidHandle, "no event");
  return {};
}

}  // namespace doppel::device
