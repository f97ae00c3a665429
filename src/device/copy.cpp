// SPDX-License-Identifier: Apache-2.0
// Copies and fills.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "device/execute.h"
#include "device/host_clock.h"
#include "device/platform.h"
#include "device/run_recorder.h"
#include "link/transfer.h"

namespace doppel::device {
namespace {

using Kind = PointerInfo::Kind;

bool on_host(const PointerInfo& info) {
  return info.kind == Kind::PageableHost || info.kind == Kind::PinnedHost;
}

// What a copy is on the card: its lane, its time and its name in the record.
struct Transfer {
  Lane lane = Lane::None;
  double time_us = 0;
  std::string kind;
};

Transfer transfer_of(const PointerInfo& destination, const PointerInfo& source, std::uint64_t bytes,
                     const Device& device) {
  using link::Direction;
  const bool pageable = destination.kind == Kind::PageableHost || source.kind == Kind::PageableHost;
  const auto memory = pageable ? link::HostMemory::Pageable : link::HostMemory::Pinned;
  const char* suffix = pageable ? " (pageable)" : "";
  if (on_host(destination) && on_host(source)) {
    const double rate = device.platform().host().memory.copy_bytes_per_second;
    return {Lane::Host, static_cast<double>(bytes) / rate * 1e6, {}};
  }
  if (on_host(source)) {
    return {Lane::CopyToDevice,
            link::host_copy_us(destination.device->card(), bytes, Direction::HostToDevice, memory),
            fmt::format("host to device{}", suffix)};
  }
  if (on_host(destination)) {
    return {Lane::CopyToHost,
            link::host_copy_us(source.device->card(), bytes, Direction::DeviceToHost, memory),
            fmt::format("device to host{}", suffix)};
  }
  if (destination.device != source.device)
    return {Lane::CopyPeer, link::peer_copy_us(source.device->card(), destination.device->card(), bytes),
            "peer"};
  // Copies within a card are done by its SMs.
  return {Lane::Compute, link::device_copy_us(device.card(), bytes), "device to device"};
}

// What a copy or fill within a card, which is a kernel of the driver's, takes of it: two blocks of 512
// threads an SM, or fewer for few bytes, which is assumed (docs/timing-model.md, 6). So that it takes its own
// time alone, of DRAM what its time leaves.
timing::GridDemand grid_of(const card::Card& card, std::uint64_t traffic_bytes, double time_us) {
  constexpr std::uint64_t kBytesPerBlock = 16384;  // 32 bytes a thread
  constexpr std::uint64_t kBlocksPerSm = 2;
  timing::GridDemand grid;
  grid.blocks_at_once = kBlocksPerSm * static_cast<std::uint64_t>(card.sm_count);
  grid.blocks = std::clamp<std::uint64_t>(traffic_bytes / kBytesPerBlock, 1, grid.blocks_at_once);
  grid.room[static_cast<std::size_t>(timing::Room::Warps)] = 16.0 / card.sm.max_warps;
  grid.room[static_cast<std::size_t>(timing::Room::Blocks)] = 1.0 / card.sm.max_blocks;
  const double busy_us = static_cast<double>(traffic_bytes) / card.memory.peak_bytes_per_second() * 1e6;
  grid.rates[static_cast<std::size_t>(timing::Rate::Dram)] = std::min(1.0, busy_us / std::max(time_us, 1e-9));
  return grid;
}

// From the first byte of a box to its last.
std::uint64_t extent_of(const CopyWork& work, const CopyWork::Side& side) {
  const std::uint64_t pitch = side.pitch != 0 ? side.pitch : work.width;
  const std::uint64_t rows = side.slice_rows != 0 ? side.slice_rows : work.height;
  return ((work.depth - 1) * rows + work.height - 1) * pitch + work.width;
}

// What a copy or fill goes through in order. Empty for memory of the host: it is not the card's to keep.
timing::MemoryRange passed(const Device& device, std::uint64_t address, std::uint64_t bytes, bool written) {
  const std::uint64_t begin = address - device.memory().base();
  if (address < device.memory().base() || begin >= memory::kHostWindowOffset) return {};
  return {begin, begin + bytes, written, true};
}

void copy_box(const CopyWork& work) {
  const auto side = [&](const CopyWork::Side& each, std::uint64_t row, std::uint64_t slice) {
    const std::uint64_t pitch = each.pitch != 0 ? each.pitch : work.width;
    const std::uint64_t rows = each.slice_rows != 0 ? each.slice_rows : work.height;
    return reinterpret_cast<std::byte*>(each.address + (slice * rows + row) * pitch);
  };
  for (std::uint64_t slice = 0; slice < work.depth; ++slice) {
    for (std::uint64_t row = 0; row < work.height; ++row) {
      std::memmove(side(work.destination, row, slice), side(work.source, row, slice), work.width);
    }
  }
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

void record_when_placed(Operation& operation, std::string kind, std::uint64_t bytes) {
  operation.name = kind;
  operation.on_placed = [kind = std::move(kind), bytes](const Operation& placed) {
    Context& context = *placed.context();
    context.platform().recorder().copy(
        {context.device().ordinal(), placed.stream_id, placed.start_us(), placed.end_us()}, kind, bytes);
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
  const PointerInfo source = platform.classify(work.source.address),
                    destination = platform.classify(work.destination.address);
  const Transfer transfer = transfer_of(destination, source, bytes, submission.context->device());
  operation->set_run([work, transfer, source, destination, bytes, priority = submission.priority,
                      context = submission.context] {
    if (!context->check()) return Cost{};
    copy_box(work);
    Cost cost;
    cost.lane = transfer.lane;
    cost.duration_us = transfer.time_us;
    if (cost.lane == Lane::Compute) {
      cost.grid = grid_of(context->device().card(), 2 * bytes, cost.duration_us);
      cost.grid.priority = priority;
    }
    // What a copy reads or writes of a card passes through the card's L2. What comes over the bus comes so
    // slowly that DRAM writes it while it comes: it stays in L2, too, but nothing is left to write.
    cost.resolve = [work, from = source.device, to = destination.device](Cost&) {
      std::vector<timing::MemoryRange> read, written;
      if (from != nullptr) read = {passed(*from, work.source.address, extent_of(work, work.source), false)};
      if (to != nullptr)
        written = {passed(*to, work.destination.address, extent_of(work, work.destination), from == to)};
      if (from != nullptr && from == to) {
        read.push_back(written.front());
        from->l2().touch(read);
        return;
      }
      if (from != nullptr) from->l2().touch(read);
      if (to != nullptr) to->l2().touch(written);
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
  if (bytes == 0) return operation;
  operation->set_run([work, bytes, priority = submission.priority, context = submission.context] {
    if (!context->check()) return Cost{};
    fill_box(work);
    Cost cost;
    cost.lane = Lane::Compute;
    cost.duration_us = link::fill_us(context->device().card(), bytes);
    cost.grid = grid_of(context->device().card(), bytes, cost.duration_us);
    cost.grid.priority = priority;
    cost.resolve = [work, context](Cost&) {
      const std::uint64_t row = work.width * work.element_bytes;
      const std::uint64_t pitch = work.pitch != 0 ? work.pitch : row;
      const auto range = passed(context->device(), work.address, (work.height - 1) * pitch + row, true);
      context->device().l2().touch({&range, 1});
    };
    return cost;
  });
  record_when_placed(*operation, "fill", bytes);
  return operation;
}

}  // namespace doppel::device
