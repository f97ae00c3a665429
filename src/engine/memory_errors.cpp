// SPDX-License-Identifier: Apache-2.0
#include "engine/memory_errors.h"

#include <algorithm>
#include <bit>

#include "engine/block.h"
#include "engine/fault_report.h"
#include "engine/grid_run.h"
#include "ir/types.h"

namespace doppel::engine {
namespace {

constexpr std::uint32_t kSectorBytes = 32;

Fault error_at(Warp& warp, std::uint32_t mask, int lane, std::uint64_t address, Site site,
               std::uint32_t flags) {
  Fault fault = fault_of_access(warp, mask, lane, Fault::Kind::UncorrectableMemory, address, site.function,
                                site.operation, flags);
  fault.space = "global";
  fault.message = "ECC cannot correct what is there";
  return fault;
}

}  // namespace

Site site_of(const Warp& warp, std::uint32_t number) {
  const analysis::AnalysedKernel& analysed = *warp.block->grid->kernel->analysed;
  const auto next = std::ranges::upper_bound(analysed.first_operations, number);
  const auto place = static_cast<std::size_t>(next - analysed.first_operations.begin()) - 1;
  return {static_cast<std::uint32_t>(analysed.functions[place]), number - analysed.first_operations[place]};
}

std::optional<Fault> find_memory_error(Warp& warp, std::uint32_t mask, Site site, LaneValues addresses,
                                       std::uint32_t flags) {
  const auto& finds = warp.block->grid->launch.finds_error;
  const std::uint32_t bytes = flags & jit::kAccessSizeMask;
  const auto space = static_cast<ir::Space>(flags >> jit::kAccessSpaceShift & 0xf);
  if (!finds || bytes == 0 || space == ir::Space::Param || space == ir::Space::Local ||
      space == ir::Space::Shared)
    return std::nullopt;
  const bool store = (flags & jit::kAccessStore) != 0 && (flags & jit::kAccessAtomic) == 0;
  for (std::uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const int lane = std::countr_zero(rest);
    if (finds(addresses[lane], bytes, store)) return error_at(warp, mask, lane, addresses[lane], site, flags);
  }
  return std::nullopt;
}

std::optional<Fault> find_memory_error(Warp& warp, int lane, Site site, std::span<const BulkRange> ranges,
                                       bool store) {
  const auto& finds = warp.block->grid->launch.finds_error;
  if (!finds) return std::nullopt;
  for (const BulkRange& range : ranges) {
    if (finds(range.address, range.bytes, store))
      return error_at(warp, 1U << lane, lane, range.address, site, access_flags(ir::Space::Global, 16, 0, 1));
  }
  return std::nullopt;
}

std::optional<Fault> find_memory_error(Warp& warp, std::uint32_t mask, Site site,
                                       const texture::Touched& touched) {
  const auto& finds = warp.block->grid->launch.finds_error;
  if (!finds) return std::nullopt;
  for (const std::uint64_t address : touched.addresses) {
    const std::uint64_t sector = address / kSectorBytes * kSectorBytes;
    if (finds(sector, kSectorBytes, false))
      return error_at(warp, mask, std::countr_zero(mask), address, site,
                      access_flags(ir::Space::Global, touched.texel_bytes, 0, 1));
  }
  return std::nullopt;
}

}  // namespace doppel::engine
