// SPDX-License-Identifier: Apache-2.0
// Copies and fills.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "device/execute.h"
#include "device/host_clock.h"
#include "device/managed_memory.h"
#include "device/memory_faults.h"
#include "device/platform.h"
#include "device/run_recorder.h"
#include "link/migration.h"
#include "link/transfer.h"
#include "timing/copy_kernel.h"

namespace doppel::device {
namespace {

using Kind = PointerInfo::Kind;

bool on_host(const PointerInfo& info) {
  return info.kind == Kind::PageableHost || info.kind == Kind::PinnedHost;
}

// Whether an address is in the memory of the card itself, and not in that of the host that it reaches.
bool is_on_card(const Device& device, std::uint64_t address) {
  if (address - device.memory().base() < memory::kHostWindowOffset)
    return device.memory().other_holder(address) < 0;
  const PointerInfo info = device.platform().classify(address);
  return info.kind == Kind::Device && info.device == &device;
}

// Where in the card's memory an address is. What is mapped in another card's range has no number there: it
// gets one that nothing else has.
std::uint64_t place_in(const Device& device, std::uint64_t address) {
  const std::uint64_t offset = address - device.memory().base();
  constexpr std::uint64_t kUpperHalf = memory::kHostWindowOffset / 2;
  return offset < memory::kRangeBytes ? offset : kUpperHalf + address % kUpperHalf;
}

// One row where nothing lies between those of either side.
bool has_gaps(const CopyWork& work, const CopyWork::Side& side) {
  const bool rows = work.height > 1 && side.pitch != 0 && side.pitch != work.width;
  const bool slices = work.depth > 1 && side.slice_rows != 0 && side.slice_rows != work.height;
  const bool one_row_a_slice = work.depth > 1 && work.height == 1 && side.pitch > work.width;
  return rows || slices || one_row_a_slice;
}

link::Box box_of(const CopyWork& work) {
  if (!has_gaps(work, work.source) && !has_gaps(work, work.destination))
    return {work.width * work.height * work.depth, 1};
  return {work.width, work.height * work.depth};
}

// Where a side of a copy lies in the memory of its card.
timing::Rows rows_of(const Device& device, const CopyWork& work, const CopyWork::Side& side) {
  const std::uint64_t begin = place_in(device, side.address);
  const std::uint64_t bytes = work.width * work.height * work.depth;
  if (!has_gaps(work, side)) return {begin, bytes, bytes, 1, bytes, 1};
  const std::uint64_t pitch = side.pitch != 0 ? side.pitch : work.width;
  const std::uint64_t slice_rows = side.slice_rows != 0 ? side.slice_rows : work.height;
  return {begin, work.width, pitch, work.height, slice_rows * pitch, work.depth};
}

timing::Rows rows_of(const Device& device, const MemsetWork& work) {
  const std::uint64_t row = work.width * work.element_bytes;
  const std::uint64_t begin = place_in(device, work.address);
  const bool gaps = work.height > 1 && work.pitch != 0 && work.pitch != row;
  if (!gaps) return {begin, row * work.height, row * work.height, 1, row * work.height, 1};
  return {begin, row, work.pitch, work.height, work.pitch * work.height, 1};
}

// What a copy over a bus is: its lane, its time alone, what it uses of the links, and its name in the record.
struct Transfer {
  Lane lane = Lane::None;
  double time_us = 0;
  std::vector<link::Use> uses;
  std::string kind;
};

// From card to card without the host between them: over NVLink or PCI Express, where a context of either was
// given access to the other's memory (cuCtxEnablePeerAccess), or that memory is shared by location.
bool reach_each_other(const Context& submitter, const PointerInfo& source, const PointerInfo& destination) {
  const auto enabled = [](const Context* context, const Device& here, const Device& there) {
    return context != nullptr && &context->device() == &here && context->enabled_peer(there);
  };
  const Device& from = *source.device;
  const Device& to = *destination.device;
  // Another process's memory is opened by a context.
  const auto opened = [&](const PointerInfo& info) {
    return info.allocation && info.allocation->kind == memory::AllocationKind::Imported &&
           submitter.reaches(info.allocation->address, 1);
  };
  if (opened(source) || opened(destination)) return true;
  return enabled(&submitter, from, to) || enabled(&submitter, to, from) ||
         enabled(source.context, from, to) || enabled(destination.context, to, from) ||
         from.shares_with(to.ordinal()) || to.shares_with(from.ordinal());
}

Transfer between_cards(const PointerInfo& destination, const PointerInfo& source, const link::Box& box,
                       const Context& submitter) {
  const Device& from = *source.device;
  const Device& to = *destination.device;
  link::PeerWay way = link::PeerWay::Staged;
  if (reach_each_other(submitter, source, destination))
    way = from.linked_by_nvlink(to) ? link::PeerWay::NvLink : link::PeerWay::Pcie;
  const double time_us = link::peer_copy_us(from.card(), to.card(), box, way);
  // The engine is one of the card that it was submitted to.
  const Lane lane = &submitter.device() == &to ? Lane::CopyFromPeer : Lane::CopyToPeer;
  return {lane, time_us,
          link::peer_copy_uses(from.card(), from.ordinal(), to.card(), to.ordinal(), box, way, time_us),
          way == link::PeerWay::Staged ? "peer (staged)" : "peer"};
}

Transfer over_the_bus(const PointerInfo& destination, const PointerInfo& source, const link::Box& box,
                      const Context& submitter) {
  using link::Direction;
  if (on_host(destination) && on_host(source)) {
    const double rate = submitter.platform().host().memory.copy_bytes_per_second;
    return {Lane::Host, static_cast<double>(box.bytes()) / rate * 1e6, {}, {}};
  }
  if (!on_host(destination) && !on_host(source)) return between_cards(destination, source, box, submitter);
  const bool pageable = destination.kind == Kind::PageableHost || source.kind == Kind::PageableHost;
  const auto memory = pageable ? link::HostMemory::Pageable : link::HostMemory::Pinned;
  const bool down = on_host(source);
  const auto direction = down ? Direction::HostToDevice : Direction::DeviceToHost;
  const Device& device = down ? *destination.device : *source.device;
  const double time_us = link::host_copy_us(device.card(), box, direction, memory);
  return {down ? Lane::CopyToDevice : Lane::CopyToHost,
          time_us,
          {link::host_copy_use(device.card(), device.ordinal(), box, direction, time_us)},
          fmt::format("{}{}", down ? "host to device" : "device to host", pageable ? " (pageable)" : "")};
}

// What a copy leaves in the L2 of a card. What comes over the bus comes so slowly that DRAM writes it while
// it comes: it stays in L2, too, but nothing is left to write.
void pass_through(Device* device, const CopyWork& work, const CopyWork::Side& side) {
  if (device == nullptr) return;
  const timing::MemoryRange range = timing::range_of(rows_of(*device, work, side), false);
  if (!is_on_card(*device, side.address)) return;
  device->l2().touch({&range, 1});
  // What it brings of managed memory is on the card then.
  if (side.address != work.destination.address) return;
  const timing::MemoryRange written = timing::range_of(rows_of(*device, work, side), true);
  device->platform().managed().touch(*device, {&written, 1}, true);
}

// A copy within a card, or a fill, is a kernel of the driver's: what it takes follows from what L2 holds when
// its turn comes.
void take(Cost& cost, const timing::CopyKernel& kernel, const card::Card& card) {
  const int priority = cost.grid.priority;
  cost.duration_us = kernel.time_us;
  cost.grid = kernel.grid;
  cost.grid.priority = priority;
  cost.moved.dram_bytes = kernel.dram_read_bytes + kernel.dram_write_bytes;
  cost.moved.l2_bytes = kernel.l2_bytes;
  cost.moved.busy_sms = std::min(1.0, static_cast<double>(kernel.grid.blocks) / card.sm_count);
}

// Pages of managed memory that a kernel of the driver's touches come to the card. What is written as a whole
// need not come.
void wait_for_pages(Cost& cost, Device& device, std::span<const timing::MemoryRange> ranges) {
  const Migration moved = device.platform().managed().touch(device, ranges, true);
  const double bytes = moved.to_card + moved.read_over_bus;
  if (bytes <= 0) return;
  const double bus_us =
      link::migration_us(device.card(), bytes, link::Direction::HostToDevice, link::Cause::Fault);
  const double on_link_us = link::migration_on_link_us(device.card(), bytes, link::Direction::HostToDevice);
  const double before_us = cost.duration_us;
  cost.duration_us = std::max(before_us, bus_us) + device.card().managed.fault_us;
  for (double& rate : cost.grid.rates) rate *= before_us / cost.duration_us;
  cost.grid.rates[static_cast<std::size_t>(timing::Rate::BusToDevice)] = on_link_us / cost.duration_us;
  cost.moved.bus_bytes += bytes;
}

Cost cost_of_copy_within(const CopyWork& work, Device& device, int priority) {
  Cost cost;
  cost.lane = Lane::Compute;
  cost.grid.priority = priority;
  cost.resolve = [work, &device](Cost& resolved) {
    const timing::Rows source = rows_of(device, work, work.source);
    const timing::Rows destination = rows_of(device, work, work.destination);
    take(resolved, timing::predict_copy(device.card(), destination, source, device.l2()), device.card());
    const timing::MemoryRange ranges[] = {timing::range_of(source, false),
                                          timing::range_of(destination, true)};
    wait_for_pages(resolved, device, ranges);
  };
  return cost;
}

Cost cost_of_fill(const MemsetWork& work, Device& device, int priority) {
  Cost cost;
  if (!is_on_card(device, work.address)) {
    // Of the host's memory: what is written goes over the bus, as in a copy.
    const std::uint64_t row = work.width * work.element_bytes;
    const bool gaps = work.height > 1 && work.pitch != 0 && work.pitch != row;
    const link::Box box = gaps ? link::Box{row, work.height} : link::Box{row * work.height, 1};
    cost.lane = Lane::CopyToHost;
    cost.duration_us =
        link::host_copy_us(device.card(), box, link::Direction::DeviceToHost, link::HostMemory::Pinned);
    cost.uses = {link::host_copy_use(device.card(), device.ordinal(), box, link::Direction::DeviceToHost,
                                     cost.duration_us)};
    cost.moved = moved_over_the_bus(box.bytes());
    return cost;
  }
  cost.lane = Lane::Compute;
  cost.grid.priority = priority;
  cost.resolve = [work, &device](Cost& resolved) {
    take(resolved, timing::predict_fill(device.card(), rows_of(device, work), device.l2()), device.card());
    const timing::MemoryRange range = timing::range_of(rows_of(device, work), true);
    wait_for_pages(resolved, device, {&range, 1});
  };
  return cost;
}

// visit(where to, where from), for each row.
template <typename Visit>
void for_each_row(const CopyWork& work, const Visit& visit) {
  const auto side = [&](const CopyWork::Side& each, std::uint64_t row, std::uint64_t slice) {
    const std::uint64_t pitch = each.pitch != 0 ? each.pitch : work.width;
    const std::uint64_t rows = each.slice_rows != 0 ? each.slice_rows : work.height;
    return each.address + (slice * rows + row) * pitch;
  };
  for (std::uint64_t slice = 0; slice < work.depth; ++slice) {
    for (std::uint64_t row = 0; row < work.height; ++row)
      visit(side(work.destination, row, slice), side(work.source, row, slice));
  }
}

void copy_box(const CopyWork& work) {
  for_each_row(work, [&](std::uint64_t to, std::uint64_t from) {
    std::memmove(reinterpret_cast<void*>(to), reinterpret_cast<const void*>(from), work.width);
  });
}

void fill_box(const MemsetWork& work) {
  const std::uint64_t pitch = work.pitch != 0 ? work.pitch : work.width * work.element_bytes;
  for (std::uint64_t row = 0; row < work.height; ++row) {
    auto* at = reinterpret_cast<void*>(work.address + row * pitch);
    switch (work.element_bytes) {
      case 1:
        std::memset(at, static_cast<int>(work.value), work.width);
        break;
      case 2:
        std::fill_n(static_cast<std::uint16_t*>(at), work.width, static_cast<std::uint16_t>(work.value));
        break;
      default:
        std::fill_n(static_cast<std::uint32_t*>(at), work.width, work.value);
        break;
    }
  }
}

// Before anything is moved: takes up errors that were planted in the cards' memory, and finds those that it
// reads. False: one cannot be corrected, and the context has ended.
void look_for_errors(const Platform& platform) {
  for (int i = 0; i < platform.device_count(); ++i) platform.device(i).memory_faults().look();
}

bool may_copy(const CopyWork& work, Context& context) {
  const Platform& platform = context.platform();
  look_for_errors(platform);
  if (!MemoryFaults::any(platform)) return true;
  bool may = true;
  for_each_row(work, [&](std::uint64_t to, std::uint64_t from) {
    may = may && MemoryFaults::may_read(context, from, work.width);
    if (may) MemoryFaults::writes(platform, to, work.width);
  });
  return may;
}

void note_fill(const MemsetWork& work, const Context& context) {
  look_for_errors(context.platform());
  if (!MemoryFaults::any(context.platform())) return;
  const std::uint64_t row_bytes = work.width * work.element_bytes;
  const std::uint64_t pitch = work.pitch != 0 ? work.pitch : row_bytes;
  for (std::uint64_t row = 0; row < work.height; ++row)
    MemoryFaults::writes(context.platform(), work.address + row * pitch, row_bytes);
}

void record_when_placed(Operation& operation, std::string kind, std::uint64_t bytes) {
  operation.name = kind;
  operation.on_placed = [kind = std::move(kind), bytes](const Operation& placed) {
    Context& context = *placed.context();
    context.platform().recorder().copy(
        {context.device().ordinal(), placed.stream_id, placed.start_us(), placed.end_us()}, kind, bytes,
        placed.cost().moved);
  };
}

}  // namespace

bool touches_pageable_memory(const CopyWork& work, const Device& device) {
  const Platform& platform = device.platform();
  return platform.classify(work.destination.address).kind == Kind::PageableHost ||
         platform.classify(work.source.address).kind == Kind::PageableHost;
}

bool touches_host_memory(const CopyWork& work, const Device& device) {
  const Platform& platform = device.platform();
  return on_host(platform.classify(work.destination.address)) ||
         on_host(platform.classify(work.source.address));
}

bool between_host_memory(const CopyWork& work, const Device& device) {
  const Platform& platform = device.platform();
  return on_host(platform.classify(work.destination.address)) &&
         on_host(platform.classify(work.source.address));
}

std::shared_ptr<Operation> make_copy_operation(const CopyWork& work, const Submission& submission) {
  Platform& platform = submission.context->platform();
  auto operation = std::make_shared<Operation>(submission.context, nullptr, platform.clock().now_us());
  operation->stream_id = submission.stream_id;
  const std::uint64_t bytes = work.width * work.height * work.depth;
  if (bytes == 0) return operation;
  operation->flags = flag_use(work);
  const PointerInfo source = platform.classify(work.source.address),
                    destination = platform.classify(work.destination.address);
  const bool within = !on_host(source) && !on_host(destination) && source.device == destination.device;
  std::vector<std::uint64_t> areas;
  for (const PointerInfo* side : {&source, &destination}) {
    if (side->kind == Kind::Managed) areas.push_back(side->allocation->address);
  }
  auto managed = areas.empty() ? nullptr : platform.managed().begin_work(std::move(areas));
  Transfer transfer;
  if (within) {
    transfer.kind = "device to device";
  } else {
    transfer = over_the_bus(destination, source, box_of(work), *submission.context);
  }
  operation->set_run([work, transfer, source, destination, within, managed, priority = submission.priority,
                      context = submission.context]() mutable {
    const auto until_it_has_run = std::exchange(managed, nullptr);
    if (!context->check() || !may_copy(work, *context)) return Cost{};
    copy_box(work);
    if (within) return cost_of_copy_within(work, *source.device, priority);
    Cost cost;
    cost.lane = transfer.lane;
    cost.duration_us = transfer.time_us;
    cost.uses = transfer.uses;
    cost.moved = moved_over_the_bus(work.width * work.height * work.depth);
    cost.resolve = [work, from = on_host(source) ? nullptr : source.device,
                    to = on_host(destination) ? nullptr : destination.device](Cost&) {
      pass_through(from, work, work.source);
      pass_through(to, work, work.destination);
    };
    return cost;
  });
  if (!transfer.kind.empty()) record_when_placed(*operation, transfer.kind, bytes);
  return operation;
}

std::shared_ptr<Operation> make_memset_operation(const MemsetWork& work, const Submission& submission) {
  Platform& platform = submission.context->platform();
  auto operation = std::make_shared<Operation>(submission.context, nullptr, platform.clock().now_us());
  operation->stream_id = submission.stream_id;
  const std::uint64_t bytes = work.width * work.height * work.element_bytes;
  operation->flags = flag_use(work);
  if (bytes == 0) return operation;
  // Of the card that has the memory, else of the one that writes.
  const PointerInfo info = platform.classify(work.address);
  Device* const owner = info.device;
  auto managed =
      info.kind == Kind::Managed ? platform.managed().begin_work({info.allocation->address}) : nullptr;
  operation->set_run(
      [work, owner, managed, priority = submission.priority, context = submission.context]() mutable {
        const auto until_it_has_run = std::exchange(managed, nullptr);
        if (!context->check()) return Cost{};
        note_fill(work, *context);
        fill_box(work);
        return cost_of_fill(work, owner != nullptr ? *owner : context->device(), priority);
      });
  record_when_placed(*operation, "fill", bytes);
  return operation;
}

}  // namespace doppel::device
