// SPDX-License-Identifier: Apache-2.0
#include "jit/block_fibres.h"

#include <algorithm>
#include <bit>
#include <boost/context/fiber.hpp>
#include <boost/context/pooled_fixedsize_stack.hpp>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "analysis/shared_layout.h"
#include "ir/operation.h"

namespace doppel::jit_test {
namespace {

using jit::WarpContext;
namespace context = boost::context;

struct Block;

struct Free {
  void operator()(std::byte* memory) const { std::free(memory); }
};

struct Warp {
  WarpContext context{};
  Block* block = nullptr;
  context::fiber fibre, caller;
  bool finished = false;
  bool waiting = false;  // at `barrier`
  std::uint32_t barrier = 0;
  std::uint32_t mode = 0;  // of that barrier's instruction
  bool left = false;       // a coroutine has returned to wait
  std::unique_ptr<std::byte, Free> frame;
};

struct BarrierState {
  std::uint32_t arrived = 0, wanted = 0, popc = 0, voters = 0;
};

struct Block {
  std::vector<std::unique_ptr<Warp>> warps;
  BarrierState barriers[16];
  GridResult* result = nullptr;
};

// Generated code has no type in front of it, where -fsanitize=function would read one.
template <class Argument>
#if defined(__clang__)
__attribute__((no_sanitize("function")))
#endif
void enter(void (*entry)(Argument*), Argument& argument) {
  entry(&argument);
}

Warp& warp_of(WarpContext* context) { return *static_cast<Warp*>(context->engine); }
void suspend(Warp& warp) { warp.caller = std::move(warp.caller).resume(); }

// Barriers count whole warps (PTX ISA 9.7.13.1).
std::uint32_t threads_left(const Block& block) {
  return jit::kWarpLanes * static_cast<std::uint32_t>(std::ranges::count_if(
                               block.warps, [](const auto& warp) { return !warp->finished; }));
}

void complete(Block& block, std::uint32_t id, std::uint32_t mode) {
  BarrierState& state = block.barriers[id];
  std::uint32_t result = 0;
  if (mode == static_cast<std::uint32_t>(ir::BarrierMode::RedPopc)) result = state.popc;
  if (mode == static_cast<std::uint32_t>(ir::BarrierMode::RedAnd))
    result = state.popc == state.voters ? 1 : 0;
  if (mode == static_cast<std::uint32_t>(ir::BarrierMode::RedOr)) result = state.popc != 0 ? 1 : 0;
  state = {};
  for (auto& warp : block.warps) {
    if (warp->waiting && warp->barrier == id) {
      warp->waiting = false;
      warp->context.barrier_result = result;
    }
  }
}

// True: the warp has to wait.
bool arrive_at(Warp& warp, std::uint32_t mask, std::uint32_t id, std::uint32_t count, std::uint32_t mode,
               std::uint32_t predicate) {
  Block& block = *warp.block;
  BarrierState& state = block.barriers[id];
  state.arrived += jit::kWarpLanes;
  state.popc += static_cast<std::uint32_t>(std::popcount(predicate));
  state.voters += static_cast<std::uint32_t>(std::popcount(mask));
  state.wanted = count;
  const std::uint32_t wanted = count != 0 ? count : threads_left(block);
  const bool arrive_only = mode == static_cast<std::uint32_t>(ir::BarrierMode::Arrive);
  warp.waiting = !arrive_only;
  warp.barrier = id;
  warp.mode = mode;
  if (state.arrived >= wanted) complete(block, id, mode);
  return warp.waiting;
}

void wait_at_barrier(Warp& warp) {
  Block& block = *warp.block;
  BarrierState& state = block.barriers[warp.barrier];
  while (warp.waiting) {
    suspend(warp);
    // Warps may have ended meanwhile.
    if (warp.waiting && state.wanted == 0 && state.arrived >= threads_left(block))
      complete(block, warp.barrier, warp.mode);
  }
}

std::uint32_t barrier(WarpContext* context, std::uint32_t mask, std::uint32_t id, std::uint32_t count,
                      std::uint32_t mode, std::uint32_t predicate) {
  Warp& warp = warp_of(context);
  if (arrive_at(warp, mask, id, count, mode, predicate)) wait_at_barrier(warp);
  return context->barrier_result;
}

std::uint32_t arrive(WarpContext* context, std::uint32_t mask, std::uint32_t id, std::uint32_t count,
                     std::uint32_t mode, std::uint32_t predicate) {
  Warp& warp = warp_of(context);
  warp.left = arrive_at(warp, mask, id, count, mode, predicate);
  return warp.left ? 1 : 0;
}

std::byte* frame(WarpContext* context, std::uint64_t bytes) {
  Warp& warp = warp_of(context);
  const std::uint64_t rounded =
      (bytes + jit::kFrameAlignment - 1) / jit::kFrameAlignment * jit::kFrameAlignment;
  warp.frame.reset(static_cast<std::byte*>(std::aligned_alloc(jit::kFrameAlignment, rounded)));
  return warp.frame.get();
}

void yield(WarpContext* context) { suspend(warp_of(context)); }

void trap(WarpContext* context, std::uint32_t, std::uint32_t, std::uint32_t instruction) {
  Warp& warp = warp_of(context);
  warp.block->result->fault = "trap at instruction " + std::to_string(instruction);
  warp.finished = true;
  for (;;) suspend(warp);
}

void call(WarpContext* context, std::uint32_t mask, std::uint32_t function, const void* const* arguments,
          void* result) {
  Warp& warp = warp_of(context);
  if (function == static_cast<std::uint32_t>(jit::RuntimeFunction::Vprintf)) {
    for (; mask != 0; mask &= mask - 1) {
      const int lane = std::countr_zero(mask);
      const auto format = static_cast<const std::uint64_t*>(arguments[0])[lane];
      warp.block->result->printed += reinterpret_cast<const char*>(format);
      static_cast<std::uint32_t*>(result)[lane] = 0;
    }
  }
}

std::uint64_t globaltimer(WarpContext*, std::uint32_t) { return 1000; }
std::uint64_t clock(WarpContext*, std::uint32_t) { return 2000; }
void nanosleep(WarpContext* context, std::uint32_t, std::uint32_t) { suspend(warp_of(context)); }
void multiply(WarpContext*, std::uint64_t, std::uint32_t, const std::byte*, const std::byte*,
              const std::byte*, std::byte*, const std::byte*) {}
void multiply_run(WarpContext*, std::uint64_t, std::uint32_t, std::byte*, const std::uint32_t*) {}
void asynchronous(WarpContext*, std::uint32_t, std::uint64_t, std::uint64_t*) {}
void access_textures(WarpContext*, std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t, std::uint64_t,
                     std::uint32_t, std::byte*) {}
void trace_block(WarpContext* context, std::uint32_t id, std::uint32_t) {
  warp_of(context).block->result->traced_blocks.push_back(id);
}
void trace_access(WarpContext* context, std::uint32_t operation, std::uint32_t mask, std::uint32_t) {
  warp_of(context).block->result->traced_operations.push_back(operation);
  warp_of(context).block->result->traced_accesses += static_cast<std::uint64_t>(std::popcount(mask));
}
void check_access(WarpContext*, std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t,
                  std::uint32_t elements, std::uint32_t* undefined) {
  std::fill_n(undefined, elements, 0u);
}
void check_use(WarpContext*, std::uint32_t, std::uint32_t, std::uint32_t) {}
// All memory is the test's own.
void outside(WarpContext*, std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t) {}

constexpr jit::RuntimeCallbacks kCallbacks{
    barrier,         arrive,      frame,        yield,        trap,         call,
    globaltimer,     clock,       nanosleep,    multiply,     multiply_run, asynchronous,
    access_textures, trace_block, trace_access, check_access, check_use,    outside};

}  // namespace

jit::LaneShape lane_shape(const Dim3& block) {
  if (block.x % 32 == 0 || (block.y == 1 && block.z == 1)) return jit::LaneShape::Linear;
  if ((block.x * block.y) % 32 == 0 || block.z == 1) {
    switch (block.x) {
      case 2:
        return jit::LaneShape::Rows2;
      case 4:
        return jit::LaneShape::Rows4;
      case 8:
        return jit::LaneShape::Rows8;
      case 16:
        return jit::LaneShape::Rows16;
      default:
        break;
    }
  }
  return jit::LaneShape::General;
}

Result<GridResult> run_grid(const GridRun& run) {
  const std::uint32_t threads = run.block.x * run.block.y * run.block.z;
  jit::Variant variant;
  variant.shape = lane_shape(run.block);
  variant.full_warps = threads % 32 == 0;
  variant.build = run.build;
  variant.effort = run.effort;
  auto code = run.module->kernel(run.function, variant);
  if (!code) return tl::unexpected(code.error());
  const analysis::AnalysedKernel& kernel = run.module->analysed().kernel(run.function);
  const analysis::SharedLayout& layout = kernel.shared;

  context::pooled_fixedsize_stack stacks(1 << 18);
  GridResult result;
  result.counters.assign(2 * std::size_t{kernel.counter_slots}, 0);
  const std::uint32_t warps = (threads + 31) / 32;
  const std::uint64_t local_stride = (code->local_bytes + 63) / 64 * 64 + 64;
  std::vector<std::byte> shared(layout.static_bytes + run.dynamic_shared_bytes + 4096);
  std::vector<std::byte> local(local_stride * warps * 32);
  alignas(jit::kFrameAlignment) std::byte scratch[jit::kScratchSlots * jit::kScratchSlotBytes];
  std::byte* shared_base =
      reinterpret_cast<std::byte*>((reinterpret_cast<std::uintptr_t>(shared.data()) + 1023) / 1024 * 1024);
  for (std::uint32_t block_z = 0; block_z < run.grid.z; ++block_z)
    for (std::uint32_t block_y = 0; block_y < run.grid.y; ++block_y)
      for (std::uint32_t block_x = 0; block_x < run.grid.x; ++block_x) {
        Block block;
        block.result = &result;
        for (std::uint32_t w = 0; w < warps; ++w) {
          auto warp = std::make_unique<Warp>();
          warp->block = &block;
          WarpContext& c = warp->context;
          c.callbacks = &kCallbacks;
          c.parameters = run.parameters.data();
          c.shared = shared_base;
          c.local = local.data() + w * 32 * local_stride;
          c.local_stride = local_stride;
          c.symbols = run.symbols.data();
          c.counters = result.counters.data();
          c.scratch = scratch;
          for (std::uint32_t lane = 0; lane < 32; ++lane) {
            const std::uint32_t thread = w * 32 + lane;
            c.tid[0][lane] = thread % run.block.x;
            c.tid[1][lane] = thread / run.block.x % run.block.y;
            c.tid[2][lane] = thread / (run.block.x * run.block.y);
          }
          for (int i = 0; i < 3; ++i) c.tid_base[i] = c.tid[i][0];
          c.ctaid[0] = block_x, c.ctaid[1] = block_y, c.ctaid[2] = block_z;
          c.ntid[0] = run.block.x, c.ntid[1] = run.block.y, c.ntid[2] = run.block.z;
          c.nctaid[0] = run.grid.x, c.nctaid[1] = run.grid.y, c.nctaid[2] = run.grid.z;
          c.cluster_nctaid[0] = c.cluster_nctaid[1] = c.cluster_nctaid[2] = 1;
          const std::uint32_t left = threads - w * 32;
          c.active_mask = left >= 32 ? ~0u : (1u << left) - 1;
          c.warp_id = w;
          c.warps_per_block = warps;
          c.warps_per_sm = 32;
          c.sm_count = 1;
          c.static_shared_bytes = layout.static_bytes;
          c.dynamic_shared_bytes = run.dynamic_shared_bytes;
          c.engine = warp.get();
          Warp* self = warp.get();
          const jit::WarpEntry entry = code->entry;
          warp->fibre = context::fiber(std::allocator_arg, stacks, [self, entry](context::fiber&& caller) {
            self->caller = std::move(caller);
            enter(entry, self->context);
            while (self->left) {
              self->left = false;
              wait_at_barrier(*self);
              jit::resume_warp(self->frame.get());
            }
            self->finished = true;
            return std::move(self->caller);
          });
          block.warps.push_back(std::move(warp));
        }
        std::vector<WarpContext> contexts;
        jit::WarpRange range{};
        if (code->block_entry != nullptr) {
          // All of them on the first one's fibre.
          Warp* self = block.warps[0].get();
          for (const auto& warp : block.warps) {
            contexts.push_back(warp->context);
            contexts.back().engine = self;
          }
          range = {contexts.data(), sizeof(WarpContext), nullptr, warps};
          self->fibre =
              context::fiber(std::allocator_arg, stacks, [self, &range, &code](context::fiber&& caller) {
                self->caller = std::move(caller);
                enter(code->block_entry, range);
                self->finished = true;
                return std::move(self->caller);
              });
          block.warps.resize(1);
        }
        for (bool running = true; running;) {
          running = false;
          for (auto& warp : block.warps) {
            if (warp->finished) continue;
            running = true;
            warp->fibre = std::move(warp->fibre).resume();
          }
          if (!result.fault.empty()) break;
        }
        if (!result.fault.empty()) {
          // Generated code never unwinds: what is left of the warps' fibres is given up, not destroyed.
          for (auto& warp : block.warps) {
            if (warp->fibre) new context::fiber(std::move(warp->fibre));
          }
          return result;
        }
      }
  return result;
}

}  // namespace doppel::jit_test
