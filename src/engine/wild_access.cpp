// SPDX-License-Identifier: Apache-2.0
#include "engine/wild_access.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "engine/block.h"
#include "engine/fault_report.h"
#include "engine/grid_run.h"
#include "engine/worker.h"
#include "memory/address_space.h"

namespace doppel::engine {
namespace {

static_assert(memory::kRangeBytes == std::uint64_t{1} << jit::kMemoryBits);
static_assert(memory::kMarginBytes == jit::kMemoryMargin);

bool lies_in(std::uint64_t offset, std::uint64_t bytes, std::uint64_t size) {
  return offset <= size && bytes <= size - offset;
}

// The windows of a generic address: shared memory, the block's or its cluster's, and the thread's local
// memory.
bool in_own_window(const Warp& warp, int lane, std::uint64_t address, std::uint64_t bytes) {
  const std::uint64_t in_shared = warp.block->place_of(warp.block->window_offset(address)).offset;
  const std::uint64_t in_local = address - reinterpret_cast<std::uint64_t>(warp.context.local) -
                                 warp.context.local_stride * static_cast<std::uint64_t>(lane);
  return lies_in(in_shared, bytes, warp.block->grid->shared_bytes) ||
         lies_in(in_shared - jit::kReservedSharedOffset, bytes, jit::kReservedSharedBytes) ||
         lies_in(in_local, bytes, warp.context.local_stride);
}

// Those of the kernel, of which generic addresses may be made (cvta.param); they are only read.
bool in_parameters(const Warp& warp, std::uint64_t address, std::uint64_t bytes) {
  return lies_in(address - reinterpret_cast<std::uint64_t>(warp.context.parameters), bytes,
                 warp.block->grid->launch.parameters.size());
}

// What of the card's own memory is allocated its pages tell.
bool in_card_memory(const Launch& launch, std::uint64_t address) {
  return launch.memory == nullptr || launch.memory->contains(address);  // null: a test's, in host memory
}

// Asks locks that all of the host's threads share: where there is something else to ask, that comes first.
bool is_reached(const Launch& launch, std::uint64_t address, std::uint64_t bytes) {
  return launch.reaches && launch.reaches(address, bytes);
}

bool in_memory(const Launch& launch, std::uint64_t address, std::uint64_t bytes) {
  return in_card_memory(launch, address) || is_reached(launch, address, bytes);
}

// Whether all lanes are aligned, and in the block's shared memory: most generic accesses that come here.
bool all_in_shared(const Warp& warp, std::uint32_t bytes, std::uint32_t alignment) {
  const Block& block = *warp.block;
  const std::uint64_t size = block.grid->shared_bytes;
  if (block.cluster != nullptr || size < bytes) return false;
  const jit::WarpContext& context = warp.context;
  const int width = std::max(1, static_cast<int>(context.access_width));
  const std::uint64_t base = reinterpret_cast<std::uint64_t>(block.shared.base());
  const std::uint64_t unaligned = std::max(alignment, 1u) - 1, step = context.access_step;
  const std::uint64_t behind = static_cast<std::uint64_t>(width - 1) * step;  // of a segment's first lane
  if (size - bytes < behind || (width > 1 && (step & unaligned) != 0)) return false;
  const std::uint64_t last = size - bytes - behind;
  bool all = true;
  for (int lane = 0; lane < jit::kWarpLanes; lane += width) {
    const std::uint64_t address = context.access_addresses[lane];
    all &= (address & unaligned) == 0 && address - base <= last;
  }
  return all;
}

}  // namespace

std::optional<Fault> find_wild_access(const Warp& warp, std::uint32_t mask, std::uint32_t function,
                                      std::uint32_t instruction, std::uint32_t flags) {
  const GridRun& grid = *warp.block->grid;
  const Launch& launch = grid.launch;
  const std::uint32_t bytes = flags & jit::kAccessSizeMask;
  const std::uint32_t alignment = flags >> jit::kAccessAlignShift;
  const auto space = static_cast<ir::Space>(flags >> jit::kAccessSpaceShift & 0xf);
  if (space == ir::Space::Generic && mask == ~0u && all_in_shared(warp, bytes, alignment))
    return std::nullopt;
  for (std::uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const int lane = std::countr_zero(rest);
    const std::uint64_t address = jit::access_address(warp.context, lane);
    const auto report = [&](Fault::Kind kind) {
      return fault_of_access(warp, mask, lane, kind, address, function, instruction, flags);
    };
    if (space == ir::Space::Local && bytes == 0) {
      if (address <= warp.context.local_stride) continue;
      Fault fault = report(Fault::Kind::StackOverflow);
      fault.message =
          fmt::format("calls need more than the thread's {} bytes of local memory (cudaLimitStackSize)",
                      warp.context.local_stride);
      return fault;
    }
    const bool in_card =
        space == ir::Space::Global || space == ir::Space::Generic || space == ir::Space::Const;
    if (alignment > 1 && address % alignment != 0) {
      Fault fault = report(Fault::Kind::MisalignedAddress);
      fault.message = fmt::format("it needs an address that is a multiple of {}", alignment);
      if (in_card && launch.memory != nullptr && launch.memory->find(address))
        fault.allocation = launch.memory->describe(address);
      return fault;
    }
    if (space == ir::Space::Local) {
      if (lies_in(address, bytes, warp.context.local_stride)) continue;
      Fault fault = report(Fault::Kind::IllegalAddress);
      fault.allocation = fmt::format("offset {} of the thread's {} bytes of local memory",
                                     static_cast<std::int64_t>(address), warp.context.local_stride);
      return fault;
    }
    if (space == ir::Space::Param) {
      if (lies_in(address, bytes, launch.parameters.size())) continue;
      Fault fault = report(Fault::Kind::IllegalAddress);
      fault.allocation = fmt::format("offset {} of the kernel's {} bytes of parameters",
                                     static_cast<std::int64_t>(address), launch.parameters.size());
      return fault;
    }
    if (!in_card || in_card_memory(launch, address)) continue;
    if (space == ir::Space::Generic && in_own_window(warp, lane, address, bytes)) continue;
    if (is_reached(launch, address, bytes)) continue;
    const bool writes = (flags & (jit::kAccessStore | jit::kAccessAtomic)) != 0;
    if (space == ir::Space::Generic && !writes && in_parameters(warp, address, bytes)) continue;
    Fault fault = report(Fault::Kind::IllegalAddress);
    if (fault.space == "generic") fault.space = "global";
    fault.allocation = launch.memory->describe(address);
    return fault;
  }
  return std::nullopt;
}

bool may_read(const Warp& warp, std::uint64_t address, std::uint64_t bytes) {
  return in_memory(warp.block->grid->launch, address, bytes) || in_parameters(warp, address, bytes);
}

bool may_touch(const Warp& warp, int lane, std::uint64_t address, std::uint64_t bytes) {
  return in_memory(warp.block->grid->launch, address, bytes) || in_own_window(warp, lane, address, bytes);
}

}  // namespace doppel::engine
