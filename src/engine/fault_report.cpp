// SPDX-License-Identifier: Apache-2.0
#include "engine/fault_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <csignal>
#include <utility>
#include <vector>

#include "engine/launch_shape.h"
#include "memory/address_space.h"
#include "support/demangle.h"

namespace doppel::engine {
namespace {

constexpr std::uint64_t kWidestAccess = 32;  // .v8.b32, .v4.b64

// Is the fault in the unmapped page below the fibre's stack?
bool in_stack_guard(const Warp& warp, std::uint64_t address) {
  const auto low = reinterpret_cast<std::uint64_t>(warp.fiber->stack_low());
  return address < low && low - address <= 4096;
}

const char* space_name(const Warp& warp, std::uint64_t address) {
  if (warp.block->knows(address)) return "shared";
  const auto local = reinterpret_cast<std::uint64_t>(warp.context.local);
  if (local != 0 && address - local < warp.context.local_stride * jit::kWarpLanes) return "local";
  return "global";
}

}  // namespace

void set_lane(Fault& fault, const Warp& warp, int lane) {
  fault.thread = thread_at(warp.block->grid->launch.config.block,
                           std::uint64_t{warp.context.warp_id} * jit::kWarpLanes + lane);
  fault.thread_known = true;
}

Fault out_of_memory(const std::string& what) {
  Fault fault;
  fault.kind = Fault::Kind::HostOutOfMemory;
  fault.message = "the host has no memory for " + what;
  return fault;
}

Fault fault_of_warp(const Warp& warp, std::uint32_t mask) {
  const Launch& launch = warp.block->grid->launch;
  Fault fault;
  fault.kernel = launch.module->module().functions[launch.function].name;
  fault.block = block_at(launch.config.grid, warp.block->index);
  set_lane(fault, warp, mask == 0 ? 0 : std::countr_zero(mask));
  fault.thread_known = mask != 0;
  return fault;
}

void name_instruction(Fault& fault, const ir::Module& module, std::uint32_t function,
                      std::uint32_t instruction) {
  if (function >= module.functions.size()) return;
  const ir::Function& holder = module.functions[function];
  if (holder.name != fault.kernel) fault.function = holder.name;
  if (instruction >= holder.operations.size()) return;
  const ir::Operation& found = holder.operations[instruction];
  fault.ptx_line = found.origin.text.line;
  const ir::SourceLocation source = found.origin.source;
  if (source.line != 0) {
    fault.source_line = source.line;
    if (source.file < module.files.size()) fault.source_file = module.files[source.file];
  }
  switch (ir::row(found).memory) {
    case ir::MemoryEffect::Load:
      break;
    case ir::MemoryEffect::Store:
    case ir::MemoryEffect::Atomic:
    case ir::MemoryEffect::Reduce:
      fault.is_store = true;
      break;
    case ir::MemoryEffect::None:
    case ir::MemoryEffect::Hint:
    case ir::MemoryEffect::Fence:
    case ir::MemoryEffect::Call:
    case ir::MemoryEffect::TextureLoad:
      return;
    case ir::MemoryEffect::SurfaceWrite:
      fault.is_store = true;
      return;
  }
  fault.bytes = found.accesses[0].bytes();
  fault.space = std::string(ir::name_of(found.accesses[0].space));
}

Fault fault_of_access(const Warp& warp, std::uint32_t mask, int lane, Fault::Kind kind, std::uint64_t address,
                      std::uint32_t function, std::uint32_t instruction, std::uint32_t flags) {
  Fault fault = fault_of_warp(warp, mask);
  set_lane(fault, warp, lane);
  fault.kind = kind;
  name_instruction(fault, warp.block->grid->launch.module->module(), function, instruction);
  fault.bytes = flags & jit::kAccessSizeMask;
  fault.space = std::string(ir::name_of(static_cast<ir::Space>(flags >> jit::kAccessSpaceShift & 0xf)));
  fault.is_store = (flags & jit::kAccessStore) != 0;
  fault.address = address;
  return fault;
}

Fault fault_of_argument(const Warp& warp, std::uint32_t mask, int lane, std::uint64_t address,
                        std::string message) {
  Fault fault = fault_of_warp(warp, mask);
  set_lane(fault, warp, lane);
  fault.kind = Fault::Kind::IllegalAddress;
  fault.address = address;
  fault.message = std::move(message);
  return fault;
}

Fault fault_of_texture(const Warp& warp, std::uint32_t mask, std::uint32_t function, std::uint32_t operation,
                       const texture::AccessFault& found) {
  Fault fault = fault_of_warp(warp, mask);
  set_lane(fault, warp, found.lane);
  fault.kind = found.misaligned ? Fault::Kind::MisalignedAddress : Fault::Kind::IllegalAddress;
  name_instruction(fault, warp.block->grid->launch.module->module(), function, operation);
  fault.address = found.handle;
  fault.message = found.message;
  return fault;
}

namespace {

// The instruction of a line: looked for in the function that the code belongs to, then in the kernel, then
// in all that it can reach, since code of several functions may have become one.
void name_line(Fault& fault, const ir::Module& module, const analysis::AnalysedKernel& kernel,
               const jit::CodeLocation& place) {
  std::vector<std::uint32_t> candidates{place.function, kernel.id};
  candidates.insert(candidates.end(), kernel.functions.begin(), kernel.functions.end());
  for (const std::uint32_t each : candidates) {
    if (each >= module.functions.size()) continue;
    const auto& operations = module.functions[each].operations;
    const auto found = std::ranges::find_if(operations, [&](const ir::Operation& operation) {
      return operation.origin.text.line == place.ptx_line;
    });
    if (found == operations.end()) continue;
    name_instruction(fault, module, each, static_cast<std::uint32_t>(found - operations.begin()));
    return;
  }
}

}  // namespace

Fault fault_from_signal(const Warp& warp, const SignalReport& report) {
  const Launch& launch = warp.block->grid->launch;
  Fault fault = fault_of_warp(warp, 0);
  fault.kind = Fault::Kind::IllegalAddress;
  fault.is_store = report.is_store;
  jit::CodeLocation place;
  if (launch.module->locate(report.code, place)) {
    if (place.of_many) {
      const std::uint64_t site = warp.context.access_site;
      name_instruction(fault, launch.module->module(), static_cast<std::uint32_t>(site >> 32),
                       static_cast<std::uint32_t>(site));
    } else {
      name_line(fault, launch.module->module(), *warp.block->grid->kernel->analysed, place);
      fault.ptx_line = place.ptx_line;
    }
  } else if (warp.worker->in_callback == kInAccess) {
    const std::uint64_t site = warp.context.access_site;
    name_instruction(fault, launch.module->module(), static_cast<std::uint32_t>(site >> 32),
                     static_cast<std::uint32_t>(site));
    fault.is_store = report.is_store;
    fault.space.clear();  // of several accesses: told by the address
  }
  if (report.signal == SIGFPE) {
    fault.kind = Fault::Kind::Trap;
    fault.message = "the host's processor refused an arithmetic instruction";
    return fault;
  }
  fault.address = report.address;
  if (report.address_known && in_stack_guard(warp, report.address)) {
    fault.kind = Fault::Kind::StackOverflow;
    fault.message = "calls of device functions are nested too deeply";
    return fault;
  }
  // Which lane: the one whose access starts nearest below the address; of an address that is none at all, the
  // first such lane.
  std::uint64_t nearest = fault.bytes != 0 ? fault.bytes : kWidestAccess;
  for (int lane = 0; lane < jit::kWarpLanes; ++lane) {
    if ((warp.context.active_mask >> lane & 1) == 0) continue;
    const std::uint64_t start = jit::access_address(warp.context, lane);
    const bool canonical = static_cast<std::int64_t>(start << 16) >> 16 == static_cast<std::int64_t>(start);
    if (report.address_known ? report.address - start < nearest : !canonical) {
      set_lane(fault, warp, lane);
      fault.address = start;
      if (!report.address_known) break;
      nearest = report.address - start;
    }
  }
  if (fault.space.empty() || fault.space == "generic") fault.space = space_name(warp, fault.address);
  if (fault.space == "shared") {
    const Block::Place in_cluster = warp.block->place_of(warp.block->window_offset(fault.address));
    const auto offset = static_cast<std::uint32_t>(in_cluster.offset);
    fault.allocation = fmt::format("offset {} of the block's {} bytes of shared memory", offset,
                                   warp.block->grid->shared_bytes);
    if (in_cluster.block != warp.block)
      fault.allocation += fmt::format(", the block of rank {} in the cluster", in_cluster.block->rank);
    fault.address = offset;
  } else if (launch.memory != nullptr) {
    fault.allocation = launch.memory->describe(fault.address);
  }
  return fault;
}

std::string describe(const Fault& fault) {
  std::string what;
  switch (fault.kind) {
    case Fault::Kind::IllegalAddress:
      what = "illegal address";
      break;
    case Fault::Kind::MisalignedAddress:
      what = "misaligned address";
      break;
    case Fault::Kind::Assert:
      what = "assertion failed";
      break;
    case Fault::Kind::Trap:
      what = "trap";
      break;
    case Fault::Kind::Cancelled:
      what = "cancelled";
      break;
    case Fault::Kind::Deadlock:
      what = "deadlock";
      break;
    case Fault::Kind::StackOverflow:
      what = "stack overflow";
      break;
    case Fault::Kind::HostOutOfMemory:
      what = "the host is out of memory";
      break;
    case Fault::Kind::UninitializedShared:
      what = "read of uninitialised shared memory";
      break;
    case Fault::Kind::SharedRace:
      what = "race in shared memory";
      break;
    case Fault::Kind::WrongBarrier:
      what = "wrong use of an mbarrier";
      break;
    case Fault::Kind::WrongTensorMap:
      what = "wrong tensor map";
      break;
    case Fault::Kind::UncorrectableMemory:
      what = "uncorrectable ECC error";
      break;
  }
  const auto triple = [](const Dim3& at) { return fmt::format("({},{},{})", at.x, at.y, at.z); };
  std::string text = fmt::format("kernel '{}': {}", demangled(fault.kernel), what);
  if (fault.bytes != 0 && fault.kind != Fault::Kind::Trap && fault.kind != Fault::Kind::Assert) {
    text += fmt::format(": {} of {} bytes at {:#x}", fault.is_store ? "store" : "load", fault.bytes,
                        fault.address);
    if (!fault.space.empty()) text += fmt::format(" in {} memory", fault.space);
  } else if (fault.kind == Fault::Kind::IllegalAddress) {
    text += fmt::format(": {} at {:#x}", fault.is_store ? "store" : "load", fault.address);
  }
  text += fmt::format("\n  block {}, thread {}{}", triple(fault.block), triple(fault.thread),
                      fault.thread_known ? "" : " (first of its warp)");
  if (!fault.function.empty()) text += fmt::format("\n  in device function '{}'", demangled(fault.function));
  if (fault.ptx_line != 0) text += fmt::format("\n  PTX line {}", fault.ptx_line);
  if (fault.source_line != 0)
    text += fmt::format("{}{}:{}", fault.ptx_line != 0 ? ", source " : "\n  source ",
                        fault.source_file.empty() ? "line" : fault.source_file, fault.source_line);
  else if (fault.ptx_line != 0)
    text += " (built with 'nvcc -lineinfo', the source line stands here)";
  if (!fault.allocation.empty()) text += fmt::format("\n  that is {}", fault.allocation);
  if (!fault.message.empty()) text += fmt::format("\n  {}", fault.message);
  return text;
}

}  // namespace doppel::engine
