// SPDX-License-Identifier: Apache-2.0
#include "engine/callbacks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>

#include "engine/access_checker.h"
#include "engine/asynchronous.h"
#include "engine/cluster.h"
#include "engine/device_heap.h"
#include "engine/device_printf.h"
#include "engine/device_runtime.h"
#include "engine/fault_report.h"
#include "engine/launch_shape.h"
#include "engine/matrix_products.h"
#include "engine/memory_errors.h"
#include "engine/trace_recorder.h"
#include "engine/wild_access.h"
#include "engine/worker.h"
#include "memory/address_space.h"
#include "texture/warp_access.h"

namespace doppel::engine {
namespace {

Warp& warp_of(jit::WarpContext* context) { return *static_cast<Warp*>(context->engine); }

// While it lives, the thread cannot be made to leave the warp by an interrupt.
class InCallback {
 public:
  explicit InCallback(Warp& warp) : worker_(*warp.worker) { worker_.in_callback = 1; }
  ~InCallback() { worker_.in_callback = 0; }
  InCallback(const InCallback&) = delete;
  InCallback& operator=(const InCallback&) = delete;

 private:
  Worker& worker_;
};

void leave_if_stopped(Warp& warp) {
  if (warp.block->grid->stopped()) warp.worker->leave_warp();
}

[[noreturn]] void end_with(Warp& warp, Fault fault) {
  warp.block->grid->fail_with(std::move(fault));
  warp.worker->leave_warp();
}

// Before a barrier, behind which all its warps have the time of the last (Block::complete).
void note_time(Warp& warp) {
  if (warp.block->grid->kernel->analysed->reads_clock) warp.worker->note_issued(warp);
}

// A warp comes to a barrier of its block or cluster. True: it has to wait.
bool comes_to(Warp& warp, std::uint32_t mask, std::uint32_t index, std::uint32_t thread_count,
              ir::BarrierMode mode, std::uint32_t predicate) {
  if (index != jit::kClusterBarrier)
    return warp.block->arrive(warp, mask, index, thread_count, mode, predicate);
  warp.context.barrier_result = 0;
  if (mode != ir::BarrierMode::Arrive) return warp.block->cluster->wait(warp, mask, predicate);
  warp.block->cluster->arrive(warp, mask, predicate);
  return false;
}

std::uint32_t barrier(jit::WarpContext* context, std::uint32_t mask, std::uint32_t index,
                      std::uint32_t thread_count, std::uint32_t mode, std::uint32_t predicate) {
  Warp& warp = warp_of(context);
  const InCallback guard(warp);
  leave_if_stopped(warp);
  const auto barrier_mode = static_cast<ir::BarrierMode>(mode);
  if (warp.trace != nullptr && barrier_mode != ir::BarrierMode::Arrive) record_wait(warp, mask);
  note_time(warp);
  if (comes_to(warp, mask, index, thread_count, barrier_mode, predicate)) {
    warp.worker->suspend_warp(warp, SwitchReason::Barrier);
    leave_if_stopped(warp);
  }
  return context->barrier_result;
}

std::uint32_t arrive(jit::WarpContext* context, std::uint32_t mask, std::uint32_t index,
                     std::uint32_t thread_count, std::uint32_t mode, std::uint32_t predicate) {
  Warp& warp = warp_of(context);
  warp.worker->in_callback = 1;
  note_time(warp);
  // Where it waits, all that follows is its return to the worker: it stays so.
  if (comes_to(warp, mask, index, thread_count, static_cast<ir::BarrierMode>(mode), predicate)) return 1;
  warp.worker->in_callback = 0;
  return 0;
}

std::byte* frame(jit::WarpContext* context, std::uint64_t bytes) {
  Warp& warp = warp_of(context);
  const InCallback guard(warp);
  warp.frame = warp.block->frames.get(context->warp_id, warp.block->warp_count, bytes);
  if (warp.frame == nullptr) end_with(warp, out_of_memory("what a warp keeps at a barrier"));
  return warp.frame;
}

void yield(jit::WarpContext* context) {
  Warp& warp = warp_of(context);
  const InCallback guard(warp);
  leave_if_stopped(warp);
  warp.worker->suspend_warp(warp, SwitchReason::Yield);
  leave_if_stopped(warp);
}

void trap(jit::WarpContext* context, std::uint32_t mask, std::uint32_t function, std::uint32_t instruction) {
  Warp& warp = warp_of(context);
  const InCallback guard(warp);
  Fault fault = fault_of_warp(warp, mask);
  fault.kind = Fault::Kind::Trap;
  name_instruction(fault, warp.block->grid->launch.module->module(), function, instruction);
  end_with(warp, std::move(fault));
}

// Element `lane` of a parameter or result.
template <typename T>
T lane_value(const void* values, int lane) {
  T value;
  std::memcpy(&value, static_cast<const std::byte*>(values) + sizeof(T) * lane, sizeof(T));
  return value;
}

template <typename T>
void set_lane_value(void* values, int lane, T value) {
  if (values != nullptr) std::memcpy(static_cast<std::byte*>(values) + sizeof(T) * lane, &value, sizeof(T));
}

// For what a runtime function was given to read.
ReadTest read_test(Warp& warp, std::uint32_t mask, int lane) {
  return [&warp, mask, lane](std::uint64_t address, std::uint64_t bytes) {
    if (may_touch(warp, lane, address, 1) && may_touch(warp, lane, address + bytes - 1, 1)) return;
    end_with(warp, fault_of_argument(warp, mask, lane, address, "a text or an argument of printf or assert"));
  };
}

void device_printf(Warp& warp, std::uint32_t mask, const void* const* arguments, void* result) {
  std::string text;
  for_each_lane(mask, [&](int lane) {
    const auto* format = reinterpret_cast<const char*>(lane_value<std::uint64_t>(arguments[0], lane));
    const auto* values = reinterpret_cast<const std::byte*>(lane_value<std::uint64_t>(arguments[1], lane));
    set_lane_value<std::int32_t>(result, lane,
                                 format_device_printf(text, format, values, read_test(warp, mask, lane)));
  });
  const Launch& launch = warp.block->grid->launch;
  if (launch.print) launch.print(text);
}

[[noreturn]] void assertion_failed(Warp& warp, std::uint32_t mask, const void* const* arguments) {
  Fault fault = fault_of_warp(warp, mask);
  fault.kind = Fault::Kind::Assert;
  const Dim3 block = fault.block;
  for_each_lane(mask, [&](int lane) {
    const auto string = [&](int index) {
      const auto* text = reinterpret_cast<const char*>(lane_value<std::uint64_t>(arguments[index], lane));
      return text != nullptr ? read_text(text, read_test(warp, mask, lane)) : std::string();
    };
    const Dim3 thread = thread_at(warp.block->grid->launch.config.block,
                                  std::uint64_t{warp.context.warp_id} * jit::kWarpLanes + lane);
    // The wording of the CUDA C++ Programming Guide, "Assertion".
    fault.message += fmt::format("{}{}:{}: {}: block: [{},{},{}], thread: [{},{},{}] Assertion `{}` failed.",
                                 fault.message.empty() ? "" : "\n", string(1),
                                 lane_value<std::uint32_t>(arguments[2], lane), string(3), block.x, block.y,
                                 block.z, thread.x, thread.y, thread.z, string(0));
  });
  end_with(warp, std::move(fault));
}

// Device memory that a kernel asks for is of the heap that malloc() takes from (CUDA C++ Programming Guide).
DeviceAnswer device_heap_call(GridRun& grid, const DeviceCall& call) {
  constexpr std::uint64_t kOutOfMemory = 2;   // cudaErrorMemoryAllocation
  constexpr std::uint64_t kInvalidValue = 1;  // cudaErrorInvalidValue
  if (call.function == jit::DeviceFunction::Malloc) {
    const auto bytes = call.argument<std::uint64_t>(1);
    const std::uint64_t address =
        grid.heap != nullptr ? grid.heap->allocate(bytes, grid.launch.heap_bytes) : 0;
    return address != 0 ? DeviceAnswer{0, address} : DeviceAnswer{kOutOfMemory, 0};
  }
  const auto address = call.argument<std::uint64_t>(0);
  const bool freed = address == 0 || (grid.heap != nullptr && grid.heap->free(address));
  return {freed ? 0 : kInvalidValue, 0};
}

void device_call(Warp& warp, std::uint32_t mask, std::uint32_t index, const void* const* arguments,
                 void* result) {
  GridRun& grid = *warp.block->grid;
  const jit::DeviceSignature& signature = jit::kDeviceFunctions[index];
  DeviceCall made{.function = signature.function, .block = warp.block->index};
  const bool of_heap =
      made.function == jit::DeviceFunction::Malloc || made.function == jit::DeviceFunction::Free;
  for_each_lane(mask, [&](int lane) {
    made.thread = warp.context.warp_id * jit::kWarpLanes + static_cast<std::uint32_t>(lane);
    for (std::size_t i = 0; i < signature.arguments.size() && signature.arguments[i] != 0; ++i) {
      const std::size_t bytes = signature.arguments[i];
      made.arguments[i] = {
          static_cast<const std::byte*>(arguments[i]) + bytes * static_cast<std::size_t>(lane), bytes};
    }
    DeviceAnswer answer{};
    if (of_heap) {
      answer = device_heap_call(grid, made);
    } else if (grid.launch.device_runtime != nullptr) {
      answer = grid.launch.device_runtime->call(made);
    } else {
      constexpr std::uint64_t kNotSupported = 801;  // cudaErrorNotSupported
      answer.result = signature.result == 8 ? 0 : kNotSupported;
    }
    if (signature.stored != 0 && answer.result == 0) {
      const auto address = made.argument<std::uint64_t>(0);
      if (!may_touch(warp, lane, address, signature.stored)) {
        end_with(
            warp,
            fault_of_argument(
                warp, mask, lane, address,
                fmt::format("cuda{}() is to store its result at an address that is no memory of the kernel's",
                            signature.name)));
      }
      std::memcpy(reinterpret_cast<void*>(address), &answer.stored, signature.stored);
    }
    if (signature.result == 8) {
      set_lane_value<std::uint64_t>(result, lane, answer.result);
    } else {
      set_lane_value<std::uint32_t>(result, lane, static_cast<std::uint32_t>(answer.result));
    }
  });
}

void call(jit::WarpContext* context, std::uint32_t mask, std::uint32_t function, const void* const* arguments,
          void* result) {
  Warp& warp = warp_of(context);
  const InCallback guard(warp);
  GridRun& grid = *warp.block->grid;
  if (function >= jit::kFirstDeviceFunction) {
    device_call(warp, mask, function - jit::kFirstDeviceFunction, arguments, result);
    return;
  }
  switch (static_cast<jit::RuntimeFunction>(function)) {
    case jit::RuntimeFunction::Vprintf:
      device_printf(warp, mask, arguments, result);
      return;
    case jit::RuntimeFunction::Assertfail:
      assertion_failed(warp, mask, arguments);
    case jit::RuntimeFunction::Malloc:
      for_each_lane(mask, [&](int lane) {
        const auto bytes = lane_value<std::uint64_t>(arguments[0], lane);
        set_lane_value<std::uint64_t>(
            result, lane, grid.heap != nullptr ? grid.heap->allocate(bytes, grid.launch.heap_bytes) : 0);
      });
      return;
    case jit::RuntimeFunction::Free:
      for_each_lane(mask, [&](int lane) {
        const auto address = lane_value<std::uint64_t>(arguments[0], lane);
        if (grid.heap != nullptr && grid.heap->free(address)) return;
        end_with(warp, fault_of_argument(warp, mask, lane, address,
                                         "free() of an address that malloc() did not give"));
      });
      return;
  }
}

// A warp reads its clock: what that tells of the loops that wait for it.
void note_reading(Warp& warp, std::uint32_t operation) {
  const ClockLoops& loops = warp.block->grid->kernel->clock_loops;
  if (loops.empty()) return;
  const std::uint64_t now = cycles_of(warp);
  const ClockReads::Step step =
      warp.clock_reads.read(loops, operation, {now, warp.issued, warp.slept_cycles});
  warp.waited_cycles += step.skipped;
  record_clock(warp, operation, step.loop, now, step.skipped);
}

std::uint64_t clock(jit::WarpContext* context, std::uint32_t operation) {
  Warp& warp = warp_of(context);
  const InCallback guard(warp);
  warp.worker->note_issued(warp);
  note_reading(warp, operation);
  return cycles_of(warp);
}

std::uint64_t globaltimer(jit::WarpContext* context, std::uint32_t operation) {
  Warp& warp = warp_of(context);
  const InCallback guard(warp);
  warp.worker->note_issued(warp);
  note_reading(warp, operation);
  GridRun& grid = *warp.block->grid;
  const double ns_per_cycle = 1e9 / grid.launch.clock_hz;
  std::uint64_t now = grid.launch.globaltimer_ns +
                      static_cast<std::uint64_t>(static_cast<double>(cycles_of(warp)) * ns_per_cycle);
  std::uint64_t latest = grid.latest_globaltimer_ns.load(std::memory_order_relaxed);
  // Where blocks wait for each other, one may have waited for what another did after it had read the timer:
  // none reads less than another has read before it. In other kernels nobody can compare, and each block has
  // its own time from the start.
  if (grid.kernel->analysed->may_wait_for_others && latest > now) {
    warp.waited_cycles += static_cast<std::uint64_t>(static_cast<double>(latest - now) / ns_per_cycle);
    now = latest;
  }
  while (latest < now && !grid.latest_globaltimer_ns.compare_exchange_weak(latest, now)) {
  }
  return now;
}

void nanosleep(jit::WarpContext* context, std::uint32_t operation, std::uint32_t nanoseconds) {
  Warp& warp = warp_of(context);
  const InCallback guard(warp);
  record_sleep(warp, operation, nanoseconds);
  warp.slept_cycles += static_cast<std::uint64_t>(nanoseconds * 1e-9 * warp.block->grid->launch.clock_hz);
  leave_if_stopped(warp);
  warp.worker->suspend_warp(warp, SwitchReason::Yield);
  leave_if_stopped(warp);
}

const MatrixProduct& product_of(const Warp& warp, std::uint64_t form, std::uint32_t how) {
  return warp.worker->matrix_products->get(form, how, warp.block->grid->launch.matrix_rules);
}

void multiply(jit::WarpContext* context, std::uint64_t form, std::uint32_t how, const std::byte* a,
              const std::byte* b, const std::byte* c, std::byte* d, const std::byte* selectors) {
  const Warp& warp = warp_of(context);
  multiply_matrices(product_of(warp, form, how),
                    {a, b, c, d, selectors, &warp.worker->matrix_products->memo()});
}

void multiply_run(jit::WarpContext* context, std::uint64_t form, std::uint32_t how, std::byte* fragments,
                  const std::uint32_t* run) {
  const Warp& warp = warp_of(context);
  multiply_run(product_of(warp, form, how), ProductRun::read(fragments, run),
               &warp.worker->matrix_products->memo());
}

void asynchronous(jit::WarpContext* context, std::uint32_t mask, std::uint64_t place, std::uint64_t* values) {
  if (mask == 0) return;
  Warp& warp = warp_of(context);
  const InCallback guard(warp);
  context->access_site = place;
  warp.worker->in_callback = kInAccess;
  const Site site{static_cast<std::uint32_t>(place >> 32), static_cast<std::uint32_t>(place)};
  if (auto fault = run_asynchronous(warp, mask, site, values)) end_with(warp, std::move(*fault));
}

void access_textures(jit::WarpContext* context, std::uint32_t mask, std::uint32_t function,
                     std::uint32_t operation, std::uint32_t number, std::uint64_t form, std::uint32_t what,
                     std::byte* operands) {
  Warp& warp = warp_of(context);
  const InCallback guard(warp);
  Worker& worker = *warp.worker;
  if (worker.packed_texture_form != form) {
    worker.packed_texture_form = form;
    worker.texture_form = ir::unpacked_texture_form(form);
  }
  const jit::TextureOperation unpacked = jit::unpacked_texture_operation(what);
  const texture::WarpRequest request{.op = unpacked.op,
                                     .type = unpacked.type,
                                     .values = unpacked.values,
                                     .form = worker.texture_form,
                                     .atomic = unpacked.atomic,
                                     .one_handle = unpacked.one_handle,
                                     .mask = mask,
                                     .operands = operands};
  // A page fault or the end of the launch leaves the fibre, and nothing that stands on its stack is
  // destroyed.
  const auto run = [&]() -> std::optional<Fault> {
    const bool finds_errors = warp.block->grid->launch.finds_error != nullptr;
    texture::Touched* const touched = warp.trace != nullptr || finds_errors ? &worker.touched : nullptr;
    if (touched != nullptr) touched->clear();
    if (const auto fault = texture::access_textures(warp.block->grid->launch.textures, request, touched))
      return fault_of_texture(warp, mask, function, operation, *fault);
    if (finds_errors && mask != 0) {
      if (auto fault = find_memory_error(warp, mask, {function, operation}, *touched)) return fault;
    }
    if (warp.trace != nullptr) record_texture(warp, number, mask, unpacked.op, *touched);
    return std::nullopt;
  };
  if (auto fault = run()) end_with(warp, std::move(*fault));
}

void trace_block(jit::WarpContext* context, std::uint32_t trace_block_id, std::uint32_t mask) {
  Warp& warp = warp_of(context);
  const InCallback guard(warp);
  if (warp.trace != nullptr) record_block(warp, trace_block_id, mask);
}

using LaneAddresses = std::array<std::uint64_t, jit::kWarpLanes>;

LaneAddresses access_addresses(const jit::WarpContext& context) {
  LaneAddresses addresses;
  for (int lane = 0; lane < jit::kWarpLanes; ++lane) addresses[lane] = jit::access_address(context, lane);
  return addresses;
}

void trace_access(jit::WarpContext* context, std::uint32_t instruction, std::uint32_t mask,
                  std::uint32_t flags) {
  Warp& warp = warp_of(context);
  const InCallback guard(warp);
  const bool finds_errors = warp.block->grid->launch.finds_error != nullptr;
  if (warp.trace == nullptr && !finds_errors) return;
  const LaneAddresses addresses = access_addresses(*context);
  if (warp.trace != nullptr) record_access(warp, instruction, mask, flags, addresses.data());
  if (!finds_errors) return;
  if (auto fault = find_memory_error(warp, mask, site_of(warp, instruction), addresses.data(), flags))
    end_with(warp, std::move(*fault));
}

void check_access(jit::WarpContext* context, std::uint32_t function, std::uint32_t instruction,
                  std::uint32_t mask, std::uint32_t flags, std::uint32_t elements, std::uint32_t* undefined) {
  Warp& warp = warp_of(context);
  const InCallback guard(warp);
  const LaneAddresses addresses = access_addresses(*context);
  if (auto fault =
          find_bad_access(warp, function, instruction, mask, flags, addresses.data(), {undefined, elements}))
    end_with(warp, std::move(*fault));
  if (auto fault = find_memory_error(warp, mask, {function, instruction}, addresses.data(), flags))
    end_with(warp, std::move(*fault));
}

void check_use(jit::WarpContext* context, std::uint32_t lanes, std::uint32_t function,
               std::uint32_t instruction) {
  Warp& warp = warp_of(context);
  const InCallback guard(warp);
  end_with(warp, use_of_undefined(warp, lanes, function, instruction));
}

void outside(jit::WarpContext* context, std::uint32_t mask, std::uint32_t function, std::uint32_t instruction,
             std::uint32_t flags) {
  Warp& warp = warp_of(context);
  const InCallback guard(warp);
  if (auto fault = find_wild_access(warp, mask, function, instruction, flags))
    end_with(warp, std::move(*fault));
}

}  // namespace

const jit::RuntimeCallbacks& runtime_callbacks(bool told) {
  static constexpr jit::RuntimeCallbacks kTold{
      barrier,         arrive,      frame,        yield,        trap,         call,
      globaltimer,     clock,       nanosleep,    multiply,     multiply_run, asynchronous,
      access_textures, trace_block, trace_access, check_access, check_use,    outside};
  static constexpr jit::RuntimeCallbacks kOthers = [] {
    jit::RuntimeCallbacks others = kTold;
    others.trace_block = [](jit::WarpContext*, std::uint32_t, std::uint32_t) {};
    others.trace_access = [](jit::WarpContext*, std::uint32_t, std::uint32_t, std::uint32_t) {};
    return others;
  }();
  return told ? kTold : kOthers;
}

}  // namespace doppel::engine
