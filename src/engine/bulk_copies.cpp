// SPDX-License-Identifier: Apache-2.0
#include "engine/bulk_copies.h"

#include <fmt/format.h>

#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "engine/access_checker.h"
#include "engine/barrier_steps.h"
#include "engine/block.h"
#include "engine/bulk_reduction.h"
#include "engine/cluster.h"
#include "engine/fault_report.h"
#include "engine/grid_run.h"
#include "engine/memory_errors.h"
#include "engine/tensor_box.h"
#include "engine/trace_recorder.h"
#include "memory/address_space.h"

namespace doppel::engine {
namespace {

constexpr std::uint32_t kPart = 16;  // addresses and sizes are multiples of it

BulkCopies& copies_of(Warp& warp) {
  if (warp.bulk == nullptr) warp.bulk = std::make_unique<BulkCopies>();
  return *warp.bulk;
}

struct Range {
  std::uint64_t address = 0;
  std::uint64_t bytes = 0;
  bool shared = false;
  bool written = false;
  std::uint64_t alignment = kPart;
};

Fault wrong_range(const Warp& warp, int lane, Site site, const Range& range, Fault::Kind kind) {
  const std::uint32_t flags =
      access_flags(range.shared ? ir::Space::Shared : ir::Space::Global, 0,
                   range.written ? jit::kAccessStore : 0, static_cast<std::uint32_t>(range.alignment));
  Fault fault =
      fault_of_access(warp, 1u << lane, lane, kind, range.address, site.function, site.operation, flags);
  fault.bytes = static_cast<std::uint32_t>(range.bytes);
  return fault;
}

std::optional<Fault> test_range(const Warp& warp, int lane, Site site, const Range& range) {
  if (range.address % range.alignment != 0 || range.bytes % range.alignment != 0) {
    Fault fault = wrong_range(warp, lane, site, range, Fault::Kind::MisalignedAddress);
    fault.message = fmt::format("it needs addresses and a size that are multiples of {}", range.alignment);
    return fault;
  }
  if (range.shared) {
    const std::uint64_t size = warp.block->grid->shared_bytes;
    const std::uint64_t offset = warp.block->place_of(warp.block->window_offset(range.address)).offset;
    if (offset <= size && range.bytes <= size - offset) return std::nullopt;
    Fault fault = wrong_range(warp, lane, site, range, Fault::Kind::IllegalAddress);
    fault.address = offset;
    fault.allocation = fmt::format("offset {} of the block's {} bytes of shared memory", offset, size);
    return fault;
  }
  const Launch& launch = warp.block->grid->launch;
  if (launch.memory == nullptr) return std::nullopt;  // a test's, in host memory
  const auto found = launch.memory->find(range.address);
  if (found && range.address - found->address + range.bytes <= found->size) return std::nullopt;
  if (launch.reaches && launch.reaches(range.address, range.bytes)) return std::nullopt;
  Fault fault = wrong_range(warp, lane, site, range, Fault::Kind::IllegalAddress);
  fault.allocation = launch.memory->describe(range.address);
  return fault;
}

void copy_bytes(const BulkCopy& copy) {
  auto* const to = reinterpret_cast<std::byte*>(copy.target);
  const auto* const from =
      copy.is_value ? copy.value.data() : reinterpret_cast<const std::byte*>(copy.source);
  if (copy.reduction != ir::AtomicOp::None) {
    reduce_elements(copy.reduction, copy.type, to, from, copy.bytes);
  } else if (copy.byte_mask == 0xffff) {
    std::memmove(to, from, copy.bytes);
  } else {
    for (std::uint32_t i = 0; i < copy.bytes; ++i) {
      if ((copy.byte_mask >> i % kPart & 1) != 0) to[i] = from[i];
    }
  }
}

std::optional<Fault> end_copy(Warp& warp, const BulkCopy& copy) {
  if (copy.tensor != nullptr) {
    move_box(*copy.tensor, warp.block->shared.base());
  } else {
    copy_bytes(copy);
  }
  if (!copy.to_shared) return std::nullopt;
  note_copy_ends(warp, shared_offset(warp, copy.target), copy.bytes);
  return complete_transactions(warp, copy.lanes, copy.site, copy.barrier, copy.bytes);
}

template <typename Chosen>
std::optional<Fault> finish(Warp& warp, const Chosen& chosen) {
  if (warp.bulk == nullptr) return std::nullopt;
  std::optional<Fault> fault;
  warp.block->pending_arrivals -= warp.bulk->finish(chosen, [&](const BulkCopy& copy) {
    auto found = end_copy(warp, copy);
    if (found && !fault) fault = std::move(found);
  });
  return fault;
}

}  // namespace

void note_copy_begins(const Warp& warp, std::uint32_t offset, std::uint32_t bytes) {
  const auto [block, in_block] = warp.block->place_of(offset);
  if (block->checker != nullptr) block->checker->copy_begins(static_cast<std::uint32_t>(in_block), bytes);
}

void note_copy_ends(const Warp& warp, std::uint32_t offset, std::uint32_t bytes) {
  const auto [block, in_block] = warp.block->place_of(offset);
  if (block->checker != nullptr)
    block->checker->copy_ends(static_cast<std::uint32_t>(in_block), bytes, checked_warp(warp), block->epoch);
}

std::optional<Fault> test_shared_range(const Warp& warp, std::uint32_t mask, Site site, LaneValues targets,
                                       std::uint32_t bytes, std::uint32_t alignment) {
  std::optional<Fault> fault;
  for_each_lane(mask, [&](int lane) {
    if (!fault) fault = test_range(warp, lane, site, {targets[lane], bytes, true, true, alignment});
  });
  return fault;
}

BulkCopy in_block_of(const Warp& warp, BulkCopy copy, std::uint32_t rank) {
  const std::uint32_t high = (rank + 1) << jit::kClusterRankShift;
  const auto there = [&](std::uint32_t offset) {
    return high | static_cast<std::uint32_t>(warp.block->place_of(offset).offset);
  };
  const auto base = reinterpret_cast<std::uint64_t>(warp.block->shared.base());
  copy.target = base + there(shared_offset(warp, copy.target));
  copy.barrier = shared_offset(warp, base + there(copy.barrier));
  if (copy.tensor != nullptr) {
    auto box = std::make_shared<TensorBox>(*copy.tensor);
    box->shared = shared_offset(warp, copy.target);
    copy.tensor = std::move(box);
  }
  return copy;
}

void add_bulk_copy(Warp& warp, BulkCopy copy) {
  copies_of(warp).add(std::move(copy));
  ++warp.block->pending_arrivals;
}

std::string problem_of_blocks(const Warp& warp, std::uint64_t blocks) {
  const std::size_t in_cluster = warp.block->cluster == nullptr ? 1 : warp.block->cluster->blocks().size();
  if (blocks >> in_cluster == 0) return {};
  return fmt::format("a copy to blocks {:#x} of a cluster, which is of {}", blocks, in_cluster);
}

void add_in_blocks(Warp& warp, const BulkCopy& copy, std::uint64_t blocks) {
  for (std::uint32_t rank = 0; blocks >> rank != 0; ++rank) {
    if ((blocks >> rank & 1) == 0) continue;
    BulkCopy there = warp.block->cluster == nullptr ? copy : in_block_of(warp, copy, rank);
    note_copy_begins(warp, shared_offset(warp, there.target), there.bytes);
    add_bulk_copy(warp, std::move(there));
  }
}

void BulkCopies::add(BulkCopy copy) {
  copy.group = closed_;
  copies_.push_back(std::move(copy));
}

void BulkCopies::clear() {
  copies_.clear();
  closed_ = {};
}

std::optional<Fault> begin_bulk_copies(Warp& warp, std::uint32_t mask, Site site,
                                       const ir::Operation& operation, LaneValues values) {
  const ir::Access &target = operation.accesses[0], &source = operation.accesses[1];
  const bool to_shared = target.completion == ir::Completion::Mbarrier;
  const LaneValues to = values, from = values + jit::kWarpLanes;
  const LaneValues barriers = to_shared ? from + jit::kWarpLanes : nullptr;
  const LaneValues sizes = from + (to_shared ? 2 : 1) * std::size_t{jit::kWarpLanes};
  const LaneValues masks = operation.sources.size() > 1 ? sizes + jit::kWarpLanes : nullptr;
  if (to_shared) {
    if (auto fault = announce_shared(warp, mask, site, barriers,
                                     access_flags(ir::Space::Shared, 8, jit::kAccessAtomic, 8), Traced::No))
      return fault;
  }
  const bool multicast = masks != nullptr && to_shared;
  std::optional<Fault> fault;
  for_each_lane(mask, [&](int lane) {
    if (fault) return;
    BulkCopy copy;
    copy.reduction = operation.attributes.atomic_op;
    copy.type = operation.type;
    copy.target = to[lane];
    copy.source = from[lane];
    copy.bytes = static_cast<std::uint32_t>(sizes[lane]);
    copy.to_shared = to_shared;
    copy.lanes = 1u << lane;
    copy.site = site;
    const std::uint64_t blocks = multicast ? masks[lane] & 0xffff : 0;
    if (std::string why = problem_of_blocks(warp, blocks); !why.empty()) {
      fault =
          wrong_range(warp, lane, site, {copy.target, copy.bytes, true, true}, Fault::Kind::IllegalAddress);
      fault->message = std::move(why);
      return;
    }
    if (masks != nullptr && !to_shared) copy.byte_mask = static_cast<std::uint32_t>(masks[lane]) & 0xffff;
    const bool from_shared = source.space != ir::Space::Global;
    fault = test_range(warp, lane, site, {copy.target, copy.bytes, to_shared, true});
    if (!fault) fault = test_range(warp, lane, site, {copy.source, copy.bytes, from_shared, false});
    if (!fault && (!to_shared || !from_shared)) {
      const BulkRange global{to_shared ? copy.source : copy.target, copy.bytes};
      const bool stores = !to_shared && copy.reduction == ir::AtomicOp::None;
      fault = find_memory_error(warp, lane, site, {&global, 1}, stores);
    }
    if (fault) return;
    if (to_shared) {
      copy.barrier = shared_offset(warp, barriers[lane]);
      if (!multicast) note_copy_begins(warp, shared_offset(warp, copy.target), copy.bytes);
    }
    if (warp.trace != nullptr) {
      const std::uint32_t number = operation_number(warp, site);
      const BulkRange global{to_shared ? copy.source : copy.target, copy.bytes};
      if (!to_shared || !from_shared) record_bulk(warp, number, copy.lanes, {&global, 1});
      if (to_shared) record_arrival(warp, number, copy.lanes, warp.block->phases.of(copy.barrier).current, 1);
    }
    if (multicast) {
      add_in_blocks(warp, copy, blocks);
    } else {
      add_bulk_copy(warp, std::move(copy));
    }
  });
  return fault;
}

void close_bulk_group(Warp& warp, std::uint32_t mask) { copies_of(warp).close_group(mask); }

std::optional<Fault> wait_for_bulk_groups(Warp& warp, std::uint32_t mask, std::uint32_t kept) {
  return finish(warp, [&](const BulkCopy& copy) {
    return (copy.lanes & mask) != 0 && !copy.to_shared && warp.bulk->in_closed_group(copy, kept);
  });
}

std::optional<Fault> finish_bulk_copies(Warp& warp, std::optional<std::uint32_t> barrier) {
  return finish(
      warp, [&](const BulkCopy& copy) { return !barrier || (copy.to_shared && copy.barrier == *barrier); });
}

}  // namespace doppel::engine
