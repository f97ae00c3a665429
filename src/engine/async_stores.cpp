// SPDX-License-Identifier: Apache-2.0
#include "engine/async_stores.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/barrier_steps.h"
#include "engine/bulk_copies.h"
#include "engine/cluster.h"
#include "engine/trace_recorder.h"

namespace doppel::engine {
namespace {

constexpr std::uint32_t kAnswerBytes = 16;
constexpr std::uint32_t kFillAlignment = 8;
constexpr std::uint32_t kBarrierBytes = 8;

std::optional<Fault> announce(Warp& warp, std::uint32_t mask, Site site, LaneValues targets,
                              std::uint32_t bytes, LaneValues barriers) {
  if (auto fault = test_shared_range(warp, mask, site, barriers, kBarrierBytes, kBarrierBytes)) return fault;
  return test_shared_range(warp, mask, site, targets, bytes, bytes);
}

void record_store(Warp& warp, std::uint32_t mask, Site site, LaneValues targets, std::uint32_t bytes) {
  if (warp.trace != nullptr)
    record_access(warp, operation_number(warp, site), mask,
                  access_flags(ir::Space::Shared, bytes, jit::kAccessStore, bytes), targets);
}

void begin(Warp& warp, BulkCopy copy) {
  note_copy_begins(warp, shared_offset(warp, copy.target), copy.bytes);
  if (warp.trace != nullptr)
    record_arrival(warp, operation_number(warp, copy.site), copy.lanes,
                   warp.block->phases.of(copy.barrier).current, 1);
  add_bulk_copy(warp, std::move(copy));
}

}  // namespace

std::optional<Fault> begin_async_stores(Warp& warp, std::uint32_t mask, Site site,
                                        const ir::Operation& operation, LaneValues values) {
  const ir::Access& target = operation.accesses[0];
  const std::uint32_t bytes = target.bytes(), element = bytes / target.vector;
  const LaneValues barriers = values + jit::kWarpLanes;
  if (auto fault = announce(warp, mask, site, values, bytes, barriers)) return fault;
  record_store(warp, mask, site, values, bytes);
  for_each_lane(mask, [&](int lane) {
    BulkCopy copy;
    copy.reduction = operation.attributes.atomic_op;
    copy.type = operation.type;
    copy.target = values[lane];
    copy.is_value = true;
    for (std::uint32_t i = 0; i < target.vector; ++i)
      std::memcpy(copy.value.data() + std::size_t{i} * element,
                  barriers + std::size_t{i + 1} * jit::kWarpLanes + lane, element);
    copy.bytes = bytes;
    copy.to_shared = true;
    copy.barrier = shared_offset(warp, barriers[lane]);
    copy.lanes = 1u << lane;
    copy.site = site;
    begin(warp, std::move(copy));
  });
  return std::nullopt;
}

std::optional<Fault> begin_launch_cancel(Warp& warp, std::uint32_t mask, Site site,
                                         const ir::Operation& operation, LaneValues values) {
  const LaneValues barriers = values + jit::kWarpLanes;
  if (auto fault = announce(warp, mask, site, values, kAnswerBytes, barriers)) return fault;
  record_store(warp, mask, site, values, kAnswerBytes);
  const bool to_all = operation.attributes.scope == ir::Scope::Cluster;
  for_each_lane(mask, [&](int lane) {
    BulkCopy copy;
    copy.target = values[lane];
    copy.is_value = true;  // zeros: nothing was cancelled
    copy.bytes = kAnswerBytes;
    copy.to_shared = true;
    copy.barrier = shared_offset(warp, barriers[lane]);
    copy.lanes = 1u << lane;
    copy.site = site;
    if (!to_all || warp.block->cluster == nullptr) {
      begin(warp, copy);
      return;
    }
    for (std::uint32_t rank = 0; rank < warp.block->cluster->blocks().size(); ++rank)
      begin(warp, in_block_of(warp, copy, rank));
  });
  return std::nullopt;
}

std::optional<Fault> fill_with_zeros(Warp& warp, std::uint32_t mask, Site site, LaneValues values) {
  const LaneValues sizes = values + jit::kWarpLanes;
  std::optional<Fault> fault;
  for_each_lane(mask, [&](int lane) {
    if (fault) return;
    if (sizes[lane] == 0) return;
    const auto bytes = static_cast<std::uint32_t>(std::min<std::uint64_t>(sizes[lane], UINT32_MAX));
    fault = test_shared_range(warp, 1u << lane, site, values, bytes, kFillAlignment);
    if (fault) return;
    std::memset(reinterpret_cast<void*>(values[lane]), 0, bytes);
    note_copy_ends(warp, shared_offset(warp, values[lane]), bytes);
  });
  return fault;
}

}  // namespace doppel::engine
