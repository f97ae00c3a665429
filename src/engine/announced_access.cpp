// SPDX-License-Identifier: Apache-2.0
#include "engine/announced_access.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "engine/access_checker.h"
#include "engine/block.h"
#include "engine/fault_report.h"
#include "engine/grid_run.h"
#include "engine/memory_errors.h"
#include "engine/trace_recorder.h"
#include "engine/wild_access.h"

namespace doppel::engine {

std::uint32_t access_flags(ir::Space space, std::uint32_t bytes, std::uint32_t kind,
                           std::uint32_t alignment) {
  return kind | bytes | static_cast<std::uint32_t>(space) << jit::kAccessSpaceShift |
         alignment << jit::kAccessAlignShift;
}

void leave_addresses(Warp& warp, LaneValues addresses) {
  std::memcpy(warp.context.access_addresses, addresses, sizeof warp.context.access_addresses);
  warp.context.access_width = 1;
  warp.context.access_step = 0;
}

std::uint32_t operation_number(const Warp& warp, Site site) {
  return warp.block->grid->kernel->analysed->first_operation(site.function) + site.operation;
}

namespace {

// What must not be so of an address, by arithmetic that the host does for several lanes at once.
struct PlainTest {
  std::uint64_t unaligned;  // bits that must be zero
  std::uint64_t base;       // of the card's memory, or of the block's shared window
  std::uint64_t beyond;     // bits of the distance from it that must be zero
  std::uint64_t last;       // the largest distance

  std::uint64_t wrong(std::uint64_t address) const {
    const std::uint64_t distance = address - base;
    return (address & unaligned) | (distance & beyond) | ((last - distance) & std::uint64_t{1} << 63);
  }
};

PlainTest plain_test(const Warp& warp, std::uint32_t flags) {
  const std::uint64_t unaligned = std::max(flags >> jit::kAccessAlignShift, 1u) - 1;
  const std::uint64_t bytes = flags & jit::kAccessSizeMask;
  if (static_cast<ir::Space>(flags >> jit::kAccessSpaceShift & 0xf) == ir::Space::Shared) {
    const std::uint64_t size = warp.block->grid->shared_bytes;
    return {unaligned, reinterpret_cast<std::uint64_t>(warp.block->shared.base()),
            ~(SharedWindow::kBytes - 1), size - bytes};
  }
  constexpr std::uint64_t kRange = std::uint64_t{1} << jit::kMemoryBits;
  return {unaligned, warp.context.memory, ~(kRange - 1), kRange - 1};
}

// Aligned, and inside of what its space is: most accesses, told without a look at each.
bool is_plain(const Warp& warp, std::uint32_t mask, LaneValues addresses, std::uint32_t flags) {
  const bool shared = static_cast<ir::Space>(flags >> jit::kAccessSpaceShift & 0xf) == ir::Space::Shared;
  if (warp.block->grid->launch.memory == nullptr && !shared) return false;
  const PlainTest test = plain_test(warp, flags);
  std::uint64_t wrong = 0;
  if (mask == ~0u) {
    for (int lane = 0; lane < jit::kWarpLanes; ++lane) wrong |= test.wrong(addresses[lane]);
  } else {
    for_each_lane(mask, [&](int lane) { wrong |= test.wrong(addresses[lane]); });
  }
  return wrong == 0;
}

std::optional<Fault> tell(Warp& warp, std::uint32_t mask, Site site, LaneValues addresses,
                          std::uint32_t flags, Traced traced) {
  if (warp.trace != nullptr && traced == Traced::Yes)
    record_access(warp, operation_number(warp, site), mask, flags, addresses);
  return find_memory_error(warp, mask, site, addresses, flags);
}

}  // namespace

std::optional<Fault> announce_access(Warp& warp, std::uint32_t mask, Site site, LaneValues addresses,
                                     std::uint32_t flags, Traced traced) {
  if (mask == 0) return std::nullopt;
  if (warp.block->checker == nullptr && is_plain(warp, mask, addresses, flags))
    return tell(warp, mask, site, addresses, flags, traced);
  leave_addresses(warp, addresses);
  if (warp.block->checker != nullptr) {
    std::array<std::uint32_t, 1> undefined{};
    if (auto fault = find_bad_access(warp, site.function, site.operation, mask, flags, addresses, undefined))
      return fault;
  }
  if (auto fault = find_wild_access(warp, mask, site.function, site.operation, flags)) return fault;
  return tell(warp, mask, site, addresses, flags, traced);
}

std::uint32_t shared_offset(const Warp& warp, std::uint64_t address) {
  return static_cast<std::uint32_t>(warp.block->window_offset(address));
}

std::optional<Fault> announce_shared(Warp& warp, std::uint32_t mask, Site site, LaneValues addresses,
                                     std::uint32_t flags, Traced traced) {
  if (warp.block->checker == nullptr && is_plain(warp, mask, addresses, flags))
    return tell(warp, mask, site, addresses, flags, traced);
  const std::uint64_t size = warp.block->grid->shared_bytes, bytes = flags & jit::kAccessSizeMask;
  for (std::uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const int lane = std::countr_zero(rest);
    const std::uint64_t in_windows = warp.block->window_offset(addresses[lane]);
    const std::uint64_t offset = warp.block->place_of(in_windows).offset;
    if (offset < size && offset + bytes <= size) continue;
    if (offset - jit::kReservedSharedOffset <= jit::kReservedSharedBytes - bytes) continue;
    const bool in_window = in_windows < SharedWindow::kBytes;
    Fault fault = fault_of_access(warp, mask, lane, Fault::Kind::IllegalAddress,
                                  in_window ? offset : addresses[lane], site.function, site.operation, flags);
    fault.space = in_window ? "shared" : "generic";
    fault.allocation = in_window
                           ? fmt::format("offset {} of the block's {} bytes of shared memory", offset, size)
                           : "no address of the block's shared memory";
    return fault;
  }
  return announce_access(warp, mask, site, addresses, flags, traced);
}

}  // namespace doppel::engine
