#include "engine/access_checker.h"

#include <fmt/format.h>

#include <bit>

#include "engine/block.h"
#include "engine/fault_report.h"
#include "engine/grid_run.h"
#include "engine/worker.h"
#include "memory/address_space.h"

namespace doppel::engine {

void SharedChecker::reset(std::uint32_t bytes) { bytes_.assign(bytes, Byte{}); }

std::optional<SharedChecker::Finding> SharedChecker::access(std::uint32_t offset, std::uint32_t bytes,
                                                            std::uint32_t warp, std::uint32_t epoch,
                                                            bool store, bool atomic) {
  for (std::uint32_t i = 0; i < bytes; ++i) {
    Byte& byte = bytes_[offset + i];
    const bool reads = !store || atomic;
    const bool writes = store || atomic;
    const bool written_by_other = byte.writer != kNobody && byte.writer != warp && byte.write_epoch == epoch;
    if (reads && !byte.initialized) {
      return Finding{Fault::Kind::UninitializedShared,
                     fmt::format("byte {} of shared memory was never written by this block", offset + i)};
    }
    // Two atomic operations do not race with each other.
    if (written_by_other && !(atomic && byte.atomic)) {
      return Finding{
          Fault::Kind::SharedRace,
          fmt::format("warp {} {} byte {} of shared memory that warp {} wrote, with no barrier between", warp,
                      writes ? "writes" : "reads", offset + i, byte.writer)};
    }
    const bool read_by_other = byte.reader != kNobody && byte.reader != warp && byte.read_epoch == epoch;
    if (writes && read_by_other && !atomic) {
      const std::string who = byte.reader == kSeveral ? "other warps" : fmt::format("warp {}", byte.reader);
      return Finding{
          Fault::Kind::SharedRace,
          fmt::format("warp {} writes byte {} of shared memory that {} read, with no barrier between", warp,
                      offset + i, who)};
    }
    if (writes) {
      byte.initialized = true;
      byte.writer = static_cast<std::uint16_t>(warp);
      byte.write_epoch = epoch;
      byte.atomic = atomic;
    } else {
      const bool shared_reading = byte.reader != kNobody && byte.reader != warp && byte.read_epoch == epoch;
      byte.reader = shared_reading ? kSeveral : static_cast<std::uint16_t>(warp);
      byte.read_epoch = epoch;
    }
  }
  return std::nullopt;
}

std::optional<Fault> find_bad_access(Warp& warp, std::uint32_t function, std::uint32_t instruction,
                                     std::uint32_t mask, std::uint32_t flags,
                                     const std::uint64_t* addresses) {
  const GridRun& grid = *warp.block->grid;
  const Launch& launch = grid.launch;
  const std::uint32_t bytes = flags & jit::kAccessSizeMask;
  const std::uint32_t alignment = flags >> jit::kAccessAlignShift;
  const bool store = (flags & jit::kAccessStore) != 0;
  const bool atomic = (flags & jit::kAccessAtomic) != 0;
  const auto space = static_cast<ptx::Space>(flags >> jit::kAccessSpaceShift & 0xf);
  if (space == ptx::Space::Param) return std::nullopt;
  memory::Allocation last{};  // most lanes touch the same allocation
  for (std::uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const int lane = std::countr_zero(rest);
    const std::uint64_t address = addresses[lane];
    const auto report = [&](Fault::Kind kind) {
      Fault fault = fault_of_warp(warp, mask);
      set_lane(fault, warp, lane);
      fault.kind = kind;
      name_instruction(fault, launch.module->module(), function, instruction);
      fault.bytes = bytes;
      fault.is_store = store;
      fault.address = address;
      return fault;
    };
    const auto local = reinterpret_cast<std::uint64_t>(warp.context.local);
    const bool in_shared = warp.block->shared.contains(address);
    const bool in_local = address - local < warp.context.local_stride * jit::kWarpLanes;
    if (alignment > 1 && address % alignment != 0) {
      Fault fault = report(Fault::Kind::MisalignedAddress);
      fault.message = fmt::format("it needs an address that is a multiple of {}", alignment);
      if (!in_shared && !in_local && launch.memory != nullptr)
        fault.allocation = launch.memory->describe(address);
      return fault;
    }
    if (in_shared) {
      const std::uint64_t offset = address - reinterpret_cast<std::uint64_t>(warp.block->shared.base());
      if (offset >= jit::kReservedSharedOffset &&
          offset + bytes <= std::uint64_t{jit::kReservedSharedOffset} + jit::kReservedSharedBytes) {
        continue;  // the block's reserved bytes
      }
      if (offset + bytes > grid.shared_bytes) {
        Fault fault = report(Fault::Kind::IllegalAddress);
        fault.address = offset;
        fault.space = "shared";
        fault.allocation =
            fmt::format("offset {} of the block's {} bytes of shared memory", offset, grid.shared_bytes);
        return fault;
      }
      auto finding = warp.block->checker->access(static_cast<std::uint32_t>(offset), bytes,
                                                 warp.context.warp_id, warp.block->epoch, store, atomic);
      if (finding) {
        Fault fault = report(finding->kind);
        fault.address = offset;
        fault.space = "shared";
        fault.message = std::move(finding->message);
        return fault;
      }
      continue;
    }
    if (in_local) {
      const std::uint64_t offset = (address - local) % warp.context.local_stride;
      if (offset + bytes > warp.context.local_stride ||
          (address - local) / warp.context.local_stride != static_cast<std::uint64_t>(lane)) {
        Fault fault = report(Fault::Kind::IllegalAddress);
        fault.space = "local";
        fault.message = "it lies outside of the thread's local memory";
        return fault;
      }
      continue;
    }
    if (launch.memory == nullptr) continue;
    if (address - last.address >= last.size || address - last.address + bytes > last.size) {
      const auto found = launch.memory->find(address);
      if (!found || address - found->address + bytes > found->size) {
        Fault fault = report(Fault::Kind::IllegalAddress);
        fault.allocation = launch.memory->describe(address);
        if (fault.space == "generic") fault.space = "global";
        return fault;
      }
      last = *found;
    }
  }
  return std::nullopt;
}

}  // namespace doppel::engine
