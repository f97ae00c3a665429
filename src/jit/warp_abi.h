// SPDX-License-Identifier: Apache-2.0
// The contract between generated code and the engine that calls it: plain data, no C++ types with hidden
// layout.
//
// A kernel becomes one host function that runs one warp from its first instruction to its exit:
//     void entry(WarpContext* context);
// It is called on a fibre, so the callbacks may suspend it (at a barrier, or when it spins) and resume it
// later. Where the kernel's own body has barriers that wait, the entry is a coroutine
// (KernelCode::coroutine): it also returns at a barrier at which `arrive` told it to wait, and goes on, on
// any stack of the same thread, through resume_warp(). A short kernel that never waits runs all
// warps of a block in one call (KernelCode::block_entry):
//     void block(WarpRange* warps);
// Generated code never unwinds: a callback that ends the warp for good (trap, fault, cancel) simply does not
// return. It holds no address of this process: all it needs comes through the context, so that an object can
// be cached on disk and loaded by any process, at any address.
#pragma once

#include <cstddef>
#include <cstdint>

#include "analysis/lane_basis.h"
#include "ir/operation.h"

namespace doppel::jit {

// Bumped with every change of this file or of the generated code's meaning: part of the object cache's key.
inline constexpr std::uint32_t kWarpAbiVersion = 15;

inline constexpr int kWarpLanes = 32;

struct WarpContext;

// The address of a function as PTX code sees it: in registers, and in initialised variables
// (ir::Relocation::is_function).
constexpr std::uint64_t function_address(std::uint32_t function) { return std::uint64_t{function} + 1; }

// What generated code asks of the engine. Vectors of lanes go by pointer to 32 elements; only lanes in `mask`
// count.
struct RuntimeCallbacks {
  // bar/barrier (PTX ISA 9.7.13.1). mode is ir::BarrierMode. thread_count 0 means all threads of the block.
  // predicate: lanes with a true operand (red forms). Returns popc, or 0/1 for and/or; 0 for sync and arrive.
  // Suspends the warp where the barrier is not complete.
  std::uint32_t (*barrier)(WarpContext*, std::uint32_t mask, std::uint32_t barrier,
                           std::uint32_t thread_count, std::uint32_t mode, std::uint32_t predicate);
  // The same in a coroutine, which does not wait inside of the callback. Not 0: the warp has to wait; it
  // returns at once, and is resumed when the barrier is complete. The result of a red form is in
  // WarpContext::barrier_result when the warp goes on, whether it waited or not.
  std::uint32_t (*arrive)(WarpContext*, std::uint32_t mask, std::uint32_t barrier, std::uint32_t thread_count,
                          std::uint32_t mode, std::uint32_t predicate);
  // Memory for what a coroutine keeps from one resumption to the next, aligned to kFrameAlignment: the first
  // that it asks for, once a warp. The warp's own until it has ended.
  std::byte* (*frame)(WarpContext*, std::uint64_t bytes);
  // The warp made no progress that it can see (a spin loop's back edge): lets others run, then returns.
  void (*yield)(WarpContext*);
  // trap, failed assertion in generated code, brkpt: ends the launch with an error. Does not return.
  // instruction: index in function.
  void (*trap)(WarpContext*, std::uint32_t mask, std::uint32_t function, std::uint32_t operation);
  // The runtime's device functions (vprintf, __assertfail, malloc, free), by RuntimeFunction. arguments: one
  // pointer per parameter to 32 values of that parameter's size; result: 32 values of the return type's size.
  void (*call)(WarpContext*, std::uint32_t mask, std::uint32_t function, const void* const* arguments,
               void* result);
  // %globaltimer in nanoseconds, %clock64 in cycles of the modelled card. operation: its number over all
  // functions of the kernel (analysis::AnalysedKernel::first_operations), as below.
  std::uint64_t (*globaltimer)(WarpContext*, std::uint32_t operation);
  std::uint64_t (*clock)(WarpContext*, std::uint32_t operation);
  void (*nanosleep)(WarpContext*, std::uint32_t operation, std::uint32_t nanoseconds);
  // A product of matrices that all lanes hold (ir::MatrixForm, packed; packed_matrix_attributes()): the
  // registers of A, of B, of C, and those of metadata and factors, one behind the other, of each those of 32
  // lanes. D may be where the others are.
  void (*multiply_matrices)(WarpContext*, std::uint64_t form, std::uint32_t how, const std::byte* a,
                            const std::byte* b, const std::byte* c, std::byte* d, const std::byte* selectors);
  // Products of one form, with nothing between them, whose fragments lie behind `fragments`, and which write
  // none of their A and B. run: how many A, B and products; the places of the A, then of the B, in bytes; of
  // each product which A, which B, the places of C and of D.
  void (*multiply_run)(WarpContext*, std::uint64_t form, std::uint32_t how, std::byte* fragments,
                       const std::uint32_t* run);
  // An operation that goes on behind its instruction, or waits for those that do; which one `place` says, the
  // function in its high 32 bits, the index of the operation in the low ones. values: by access its
  // addresses, that of its barrier where one tells of its end, then the sources, 32 lanes of 64 bits each;
  // the results come behind them. Other warps may run meanwhile.
  void (*asynchronous)(WarpContext*, std::uint32_t mask, std::uint64_t place, std::uint64_t* values);
  // An operation on textures or surfaces, ir::TextureForm and TextureOperation packed. operands: as
  // texture/warp_access.h has them; the results lie there when it returns. number: as `operation` above.
  void (*access_textures)(WarpContext*, std::uint32_t mask, std::uint32_t function, std::uint32_t operation,
                          std::uint32_t number, std::uint64_t form, std::uint32_t what, std::byte* operands);
  // Traced build only. The generic addresses of the active lanes are in the context: access_address().
  void (*trace_block)(WarpContext*, std::uint32_t trace_block_id, std::uint32_t mask);
  void (*trace_access)(WarpContext*, std::uint32_t operation, std::uint32_t mask, std::uint32_t access_flags);
  // Checked build only (--check): called before the access, whose addresses are in the context. It reports
  // and ends the launch where the access is wrong. undefined: for each of the access's elements the lanes
  // whose value is undefined (definedness.h); of a load it is told, of a store it is asked.
  void (*check_access)(WarpContext*, std::uint32_t function, std::uint32_t operation, std::uint32_t mask,
                       std::uint32_t access_flags, std::uint32_t elements, std::uint32_t* undefined);
  // Checked build only: the instruction's effect depends on an undefined value in these lanes. Ends the
  // launch.
  void (*check_use)(WarpContext*, std::uint32_t lanes, std::uint32_t function, std::uint32_t operation);
  // Of every build, before an access that generated code could not tell to be aligned and inside of what its
  // space is (bounds_tests.h). The lanes' addresses are in the context (access_address()); of .local and
  // .param they are offsets. Returns where all lanes in `mask` may do it, else ends the launch.
  void (*outside)(WarpContext*, std::uint32_t mask, std::uint32_t function, std::uint32_t operation,
                  std::uint32_t access_flags);
};

// What an operation on textures does beside its form.
struct TextureOperation {
  ir::Op op = ir::Op::TextureFetch;
  ir::Type type = ir::Type::None;
  std::uint8_t values = 0;
  ir::AtomicOp atomic = ir::AtomicOp::None;
  bool one_handle = false;  // of the texture or surface: lane 0 has that of all
};
constexpr std::uint32_t packed(const TextureOperation& what) {
  return static_cast<std::uint32_t>(what.op) | static_cast<std::uint32_t>(what.type) << 8 |
         static_cast<std::uint32_t>(what.values) << 16 | (what.one_handle ? 1U : 0U) << 23 |
         static_cast<std::uint32_t>(what.atomic) << 24;
}
constexpr TextureOperation unpacked_texture_operation(std::uint32_t bits) {
  return {static_cast<ir::Op>(bits & 255), static_cast<ir::Type>(bits >> 8 & 255),
          static_cast<std::uint8_t>(bits >> 16 & 127), static_cast<ir::AtomicOp>(bits >> 24),
          (bits >> 23 & 1) != 0};
}

// What a product of matrices does beside its form.
constexpr std::uint32_t packed_matrix_attributes(const ir::Attributes& product) {
  return (product.satfinite ? 1u : 0u) | static_cast<std::uint32_t>(product.atomic_op) << 8 |
         static_cast<std::uint32_t>(product.rounding) << 16;
}
inline ir::Attributes unpacked_matrix_attributes(std::uint32_t how) {
  ir::Attributes product;
  product.satfinite = (how & 1) != 0;
  product.atomic_op = static_cast<ir::AtomicOp>(how >> 8 & 255);
  product.rounding = static_cast<ir::Rounding>(how >> 16 & 255);
  return product;
}

enum class RuntimeFunction : std::uint32_t { Vprintf, Assertfail, Malloc, Free };

// access_flags of trace_access, check_access and outside. 0 bytes: the frame of a function, whose start is
// told.
inline constexpr std::size_t kMostElements = 8;         // .v8
inline constexpr std::uint32_t kAccessSizeMask = 0xff;  // bytes per lane, vectors included (1..32)
inline constexpr std::uint32_t kAccessStore = 1u << 8;
inline constexpr std::uint32_t kAccessAtomic = 1u << 9;
inline constexpr std::uint32_t kAccessSpaceShift = 12;  // ir::Space as the instruction names it
inline constexpr std::uint32_t kAccessAlignShift = 16;  // the alignment the access needs, in bytes

// The part of a block's shared window that %reserved_smem_offset_begin, _end, _cap, _0 and _1 name: far from
// the kernel's own bytes, and zero when the block starts. The sizes are those of sm_80 and later: 1 KiB a
// block.
inline constexpr std::uint32_t kReservedSharedOffset = 1u << 30;
inline constexpr std::uint32_t kReservedSharedBytes = 1024;
inline constexpr std::uint32_t kReservedSharedUserOffset =
    kReservedSharedOffset + 512;  // _1: cooperative groups' scratch

// Of a thread block cluster: an address of shared memory is an offset in the block's own, or behind rank + 1
// of the block in which it lies (mapa, PTX ISA 9.7.9.23). No block has more than 2^kClusterRankShift bytes.
inline constexpr unsigned kClusterRankShift = 24;
inline constexpr std::uint32_t kMostClusterBlocks = 16;
// RuntimeCallbacks::barrier and arrive: the barrier of the cluster, at which BarrierMode::Arrive arrives and
// Sync waits. `predicate` are the lanes of the warp that have not exited.
inline constexpr std::uint32_t kClusterBarrier = 1u << 31;

// A slot holds what an operand of 32 lanes of up to 64 bits does.
inline constexpr std::uint64_t kScratchSlotBytes = 256;
inline constexpr std::uint32_t kScratchSlots = 16;

// The card's memory lies in 2^kMemoryBits bytes of addresses from WarpContext::memory on. Those that hold
// nothing cannot be touched, nor can kMemoryMargin bytes before and behind them: an address that is less than
// that from one of the card's is a page fault at worst.
inline constexpr unsigned kMemoryBits = 40;
inline constexpr std::uint64_t kMemoryMargin = std::uint64_t{64} << 30;
// The same around a block's 2^32 bytes of shared window.
inline constexpr std::uint64_t kSharedWindowBytes = std::uint64_t{1} << 32;
inline constexpr std::uint64_t kSharedMarginBefore = (std::uint64_t{2} << 30) + (std::uint64_t{128} << 20);
inline constexpr std::uint64_t kSharedMarginBehind = std::uint64_t{128} << 20;

// One warp's view of its launch. Generated code reads; fields marked (w) it also writes.
struct WarpContext {
  const RuntimeCallbacks* callbacks;
  const std::byte* parameters;  // the kernel's parameters, laid out by the PTX rules
  std::byte* shared;     // host address of the block's shared window; offsets by analysis::shared_layout
  std::uint64_t memory;  // where the card's addresses begin: see kMemoryBits
  std::byte* local;      // lane i's local memory starts at local + i * local_stride
  std::uint64_t local_stride;
  const std::uint64_t*
      symbols;  // address of each Module::variables entry (.global and .const; host pointer = device pointer)
  std::uint64_t*
      counters;  // (w) two words a trace block of the module: warps, lanes; see analysis::BlockCount
  std::uint32_t tid_base[3];  // of lane 0
  std::uint32_t ctaid[3];
  std::uint32_t sm_id;  // the SM of the modelled card that the block is placed on
  std::uint32_t ntid[3];
  std::uint32_t nctaid[3];
  std::uint32_t cluster_nctaid[3];    // 1 where there are no clusters
  std::uint32_t is_explicit_cluster;  // 0 or 1
  std::uint32_t active_mask;          // the lanes that exist: all but in the block's last warp
  std::uint32_t exited_mask;          // (w) lanes that ran exit in calls, which return with their bits set
  std::uint32_t warp_id;              // in the block
  std::uint32_t warps_per_block;
  std::uint32_t warps_per_sm;  // that an SM of the modelled card has places for: %nwarpid
  std::uint32_t sm_count;
  std::uint32_t static_shared_bytes;
  std::uint32_t dynamic_shared_bytes;
  std::uint64_t grid_id;
  // (w) The lanes' addresses of the last global or generic access that could fault, for the report of a fault
  // without --check; in traced and checked builds of every access: read them with access_address().
  // Generated code stores what it has at hand: one address for each segment of access_width lanes, whose
  // lanes are access_step bytes apart. In whole lines of the host's cache, which wide stores do not straddle.
  alignas(64) std::uint64_t access_addresses[kWarpLanes];
  std::uint32_t access_width;  // 1: an address for each lane
  std::uint32_t access_step;
  // tid of each lane; filled where the block's shape is General (see LaneShape), else undefined.
  std::uint32_t tid[3][kWarpLanes];
  std::uint64_t
      grid_workspace;  // of a cooperative launch, else 0: %envreg1 and %envreg2 are its high and low half
  std::uint32_t barrier_result;  // of the last barrier, in a coroutine: see RuntimeCallbacks::arrive
  // (w) kScratchSlots * kScratchSlotBytes bytes, aligned to kFrameAlignment, in which code hands values of
  // all lanes to functions that take them lane by lane. The host thread's: nothing is kept there from one
  // instruction to the next.
  std::byte* scratch;
  // (w) Of the access that a function for many accesses makes (jit/lane_functions.h): the PTX function in the
  // high 32 bits, the index of the instruction in the low ones.
  std::uint64_t access_site;
  void* engine;  // the engine's own
};

// The warps of a block. What is the same for all of them is read from the first one's context: all but
// tid_base, tid, active_mask, warp_id and engine.
struct WarpRange {
  WarpContext* first;    // the others follow it
  std::uint64_t stride;  // in bytes
  void* current;         // (w) WarpContext::engine of the warp that runs; the first one's at the call
  std::uint32_t warps;   // at least 1
};

// What a vector of 32 lanes of 64 bits is aligned to.
inline constexpr std::uint64_t kFrameAlignment = 256;

// Runs a coroutine on from where it returned. A frame starts with the address of the function that does so
// (LLVM's Coroutines.rst, "switched-resume lowering").
#if defined(__clang__)
// Generated code has no type in front of it, where -fsanitize=function would read one.
__attribute__((no_sanitize("function")))
#endif
inline void
resume_warp(std::byte* frame) {
  using Resume = void (*)(std::byte*);
  (*reinterpret_cast<const Resume*>(frame))(frame);
}

inline std::uint64_t access_address(const WarpContext& context, int lane) {
  const int width = context.access_width == 0 ? 1 : static_cast<int>(context.access_width);
  return context.access_addresses[lane - lane % width] +
         static_cast<std::uint64_t>(lane % width) * context.access_step;
}

using analysis::LaneShape;

}  // namespace doppel::jit
