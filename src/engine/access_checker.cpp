// SPDX-License-Identifier: Apache-2.0
#include "engine/access_checker.h"

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

constexpr std::uint32_t kMostWarps = 32;  // of a block

// "warp 3", of another block of the cluster "warp 3 of the block of rank 1".
std::string name_of_warp(std::uint32_t number) {
  const std::uint32_t rank = number / kMostWarps;
  return rank == 0 ? fmt::format("warp {}", number)
                   : fmt::format("warp {} of the block of rank {}", number % kMostWarps, rank);
}

}  // namespace

void SharedChecker::reset(std::uint32_t bytes) {
  bytes_.assign(bytes, Byte{});
  reads_.clear();
}

bool SharedChecker::holds_value(std::uint32_t offset, std::uint32_t bytes) const {
  for (std::uint32_t i = 0; i < bytes; ++i) {
    if (bytes_[offset + i].initialized) return true;
  }
  return false;
}

void SharedChecker::copy_begins(std::uint32_t offset, std::uint32_t bytes) {
  if (offset >= bytes_.size()) return;  // the block's reserved bytes
  for (std::uint32_t i = 0; i < bytes; ++i) bytes_[offset + i].copied = true;
}

void SharedChecker::copy_ends(std::uint32_t offset, std::uint32_t bytes, std::uint32_t warp,
                              std::uint32_t epoch) {
  if (offset >= bytes_.size()) return;
  for (std::uint32_t i = 0; i < bytes; ++i) {
    Byte& byte = bytes_[offset + i];
    byte.copied = false;
    byte.initialized = true;
    byte.atomic = false;
    byte.writer = static_cast<std::uint16_t>(warp);
    byte.write_epoch = epoch;
  }
}

SharedChecker::UndefinedRead& SharedChecker::undefined_read(std::uint32_t warp, int lane) {
  const std::size_t index = std::size_t{warp} * jit::kWarpLanes + static_cast<std::size_t>(lane);
  if (reads_.size() <= index) reads_.resize(index + jit::kWarpLanes);
  return reads_[index];
}

std::optional<SharedChecker::Finding> SharedChecker::access(std::uint32_t offset, std::uint32_t bytes,
                                                            std::uint32_t warp, std::uint32_t epoch,
                                                            bool store, bool atomic, bool defined) {
  for (std::uint32_t i = 0; i < bytes; ++i) {
    Byte& byte = bytes_[offset + i];
    const bool writes = store || atomic;
    if (byte.copied) {
      return Finding{
          Fault::Kind::SharedRace,
          fmt::format("{} {} byte {} of shared memory that a copy is still to write: nothing waits for it "
                      "(cp.async.wait_group, cp.async.wait_all, or its mbarrier)",
                      name_of_warp(warp), writes ? "writes" : "reads", offset + i)};
    }
    const bool written_by_other = byte.writer != kNobody && byte.writer != warp && byte.write_epoch == epoch;
    if (atomic && !byte.initialized) {
      return Finding{Fault::Kind::UninitializedShared,
                     fmt::format("byte {} of shared memory was never written by this block", offset + i)};
    }
    // Two atomic operations do not race with each other.
    if (written_by_other && !(atomic && byte.atomic)) {
      return Finding{Fault::Kind::SharedRace,
                     fmt::format("{} {} byte {} of shared memory that {} wrote, with no barrier between",
                                 name_of_warp(warp), writes ? "writes" : "reads", offset + i,
                                 name_of_warp(byte.writer))};
    }
    const bool read_by_other = byte.reader != kNobody && byte.reader != warp && byte.read_epoch == epoch;
    if (writes && read_by_other && !atomic) {
      const std::string who = byte.reader == kSeveral ? "other warps" : name_of_warp(byte.reader);
      return Finding{Fault::Kind::SharedRace,
                     fmt::format("{} writes byte {} of shared memory that {} read, with no barrier between",
                                 name_of_warp(warp), offset + i, who)};
    }
    if (writes) {
      byte.initialized = defined;
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

std::uint32_t checked_warp(const Warp& warp) {
  return warp.block->rank * (kMostWarps) + warp.context.warp_id;
}

std::optional<Fault> find_bad_access(Warp& warp, std::uint32_t function, std::uint32_t instruction,
                                     std::uint32_t mask, std::uint32_t flags, const std::uint64_t* addresses,
                                     std::span<std::uint32_t> undefined) {
  const GridRun& grid = *warp.block->grid;
  const Launch& launch = grid.launch;
  const std::uint32_t bytes = flags & jit::kAccessSizeMask;
  const std::uint32_t alignment = flags >> jit::kAccessAlignShift;
  const bool store = (flags & jit::kAccessStore) != 0;
  const bool atomic = (flags & jit::kAccessAtomic) != 0;
  const auto space = static_cast<ir::Space>(flags >> jit::kAccessSpaceShift & 0xf);
  const bool loads = !store && !atomic;
  const std::uint32_t element_bytes =
      bytes / static_cast<std::uint32_t>(std::max<std::size_t>(undefined.size(), 1));
  if (loads) std::ranges::fill(undefined, 0);
  if (space == ir::Space::Param) return std::nullopt;
  memory::Allocation last{};  // most lanes touch the same allocation
  for (std::uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const int lane = std::countr_zero(rest);
    const std::uint64_t address = addresses[lane];
    const auto report = [&](Fault::Kind kind) {
      return fault_of_access(warp, mask, lane, kind, address, function, instruction, flags);
    };
    const auto local = reinterpret_cast<std::uint64_t>(warp.context.local);
    const std::uint64_t in_window = warp.block->window_offset(address);
    const bool in_shared = in_window < SharedWindow::kBytes;
    const bool in_local = address - local < warp.context.local_stride * jit::kWarpLanes;
    if (alignment > 1 && address % alignment != 0) {
      Fault fault = report(Fault::Kind::MisalignedAddress);
      fault.message = fmt::format("it needs an address that is a multiple of {}", alignment);
      if (!in_shared && !in_local && launch.memory != nullptr)
        fault.allocation = launch.memory->describe(address);
      return fault;
    }
    if (in_shared) {
      const auto [block, offset] = warp.block->place_of(in_window);
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
      SharedChecker& checker = *block->checker;
      const std::uint32_t own_number = checked_warp(warp);
      std::optional<SharedChecker::Finding> finding;
      for (std::size_t k = 0; k < undefined.size() && !finding; ++k) {
        const auto at = static_cast<std::uint32_t>(offset + k * element_bytes);
        if (loads && !checker.holds_value(at, element_bytes)) {
          undefined[k] |= 1u << lane;
          warp.block->checker->undefined_read(warp.context.warp_id, lane) = {at, element_bytes, function,
                                                                             instruction};
        }
        const bool defined = loads || atomic || (undefined[k] >> lane & 1) == 0;
        finding = checker.access(at, element_bytes, own_number, block->epoch, store, atomic, defined);
      }
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
    const std::uint64_t in_parameters = address - reinterpret_cast<std::uint64_t>(warp.context.parameters);
    if (loads && in_parameters + bytes <= launch.parameters.size()) continue;
    if (store && !atomic &&
        std::ranges::any_of(undefined, [&](std::uint32_t lanes) { return lanes >> lane & 1; }))
      return use_of_undefined(warp, 1u << lane, function, instruction);
    if (launch.memory == nullptr) continue;
    if (address - last.address >= last.size || address - last.address + bytes > last.size) {
      const auto found = launch.memory->find(address);
      const bool inside = found && address - found->address + bytes <= found->size;
      if (!inside && launch.reaches && launch.reaches(address, bytes)) continue;
      if (!inside) {
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

Fault use_of_undefined(Warp& warp, std::uint32_t lanes, std::uint32_t function, std::uint32_t instruction) {
  const Launch& launch = warp.block->grid->launch;
  const int lane = std::countr_zero(lanes);
  const SharedChecker::UndefinedRead& read = warp.block->checker->undefined_read(warp.context.warp_id, lane);
  Fault fault = fault_of_warp(warp, lanes);
  set_lane(fault, warp, lane);
  fault.kind = Fault::Kind::UninitializedShared;
  name_instruction(fault, launch.module->module(), read.function, read.instruction);
  fault.address = read.offset;
  fault.bytes = read.bytes;
  fault.space = "shared";
  fault.message = fmt::format("byte {} of shared memory was never written by this block", read.offset);
  const ir::Module& module = launch.module->module();
  if (function < module.functions.size() && instruction < module.functions[function].operations.size()) {
    const ir::Origin& user = module.functions[function].operations[instruction].origin;
    fault.message += fmt::format("; the value is used at PTX line {}", user.text.line);
    if (user.source.line != 0) fault.message += fmt::format(", source line {}", user.source.line);
  }
  return fault;
}

}  // namespace doppel::engine
