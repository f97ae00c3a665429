// SPDX-License-Identifier: Apache-2.0
// The operations that a card's SM issues for a kernel: what timing reads. They come from lowering PTX
// (machine_lowering.h); another source may fill the same data, such as the machine code that the vendor's
// assembler made. Plain data, no card behaviour: how wide a pipe is and how long it takes are numbers of the
// card.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "analysis/control_flow_graph.h"
#include "analysis/spin_loops.h"

namespace doppel::machine {

using analysis::BasicBlock;
using analysis::BlockId;
using analysis::ControlFlowGraph;
using analysis::kNoBlock;

// The pipe that executes an operation.
enum class Pipe : std::uint8_t {
  Fp32,             // FADD, FMUL, FFMA
  Alu,              // integer add, logic, shift, compare, select, minimum, move
  IntegerMultiply,  // IMAD, dot products
  Fp16,             // HADD2, HMUL2, HFMA2
  Fp64,             // DADD, DMUL, DFMA, DSETP
  // Tensor cores, by what they multiply; the rate hangs on it, of f16 also on what they add up in.
  TensorF16,        // HMMA: f16 to f16
  TensorF16ToF32,   // HMMA
  TensorBf16,       // HMMA
  TensorTf32,       // HMMA
  TensorInt8,       // IMMA
  TensorInt4,       // IMMA
  TensorBit,        // BMMA
  TensorFp8,        // QMMA
  TensorFp6,        // QMMA
  TensorFp4,        // QMMA
  TensorScaledFp4,  // OMMA
  Special,          // MUFU
  Convert,          // I2F, F2I, F2F of at most 32 bits
  Convert64,        // conversions from and to 64 bits
  BitCount,         // POPC, FLO, BREV
  Shuffle,
  Vote,             // VOTE, MATCH
  WarpReduce,       // REDUX
  SpecialRegister,  // S2R
  Branch,           // BRA, BSSY, BSYNC, CALL, RET, EXIT
  Barrier,          // BAR
  Fence,            // MEMBAR
  Memory,           // loads, stores, atomics: `space` says where
  Texture,          // TEX and its like, surfaces
  ConstantLoad,     // LDC, indexed
  Nop,              // NANOSLEEP, YIELD
};
inline constexpr int kPipeCount = static_cast<int>(Pipe::Nop) + 1;
std::string_view name_of(Pipe pipe);
constexpr bool is_tensor(Pipe pipe) { return pipe >= Pipe::TensorF16 && pipe <= Pipe::TensorScaledFp4; }

enum class MemorySpace : std::uint8_t { None, Global, Local, Shared };
std::string_view name_of(MemorySpace space);
enum class FenceScope : std::uint8_t { None, Block, Device, System };

// A value of one kernel on one warp: what a scoreboard waits for. A 64-bit value is one with two registers.
using ValueId = std::uint32_t;
inline constexpr ValueId kNoValue = std::numeric_limits<ValueId>::max();
inline constexpr std::uint32_t kNoInstruction = std::numeric_limits<std::uint32_t>::max();
inline constexpr std::uint32_t kNoAccess = std::numeric_limits<std::uint32_t>::max();
inline constexpr std::uint32_t kNoSpill = std::numeric_limits<std::uint32_t>::max();

// How an operation takes part in the asynchronous groups of its warp, which end in the order in which they
// were closed (PTX ISA 9.7.9.25.3: cp.async, cp.async.commit_group, cp.async.wait_group).
enum class Asynchronous : std::uint8_t {
  None,
  Joins,   // its accesses go on behind it, in the group that is open
  Closes,  // the open group ends where those of its operations do
  Waits,   // until no more than `pending_groups` of the closed ones go on
};

// What an operation has to do with the phases of mbarriers, of which traces tell (TraceEvent::Kind::Phase).
enum class PhaseStep : std::uint8_t {
  None,
  Arrives,
  ArrivesWithCopy,      // when its own accesses have ended
  ArrivesBehindCopies,  // when the asynchronous copies of its warp have ended that began before it
  Waits,                // until all have arrived
};

// One access to memory, of each lane.
struct MachineAccess {
  MemorySpace space = MemorySpace::None;
  bool is_store = false;  // writes and returns nothing; of an atomic: a reduction
  std::uint32_t bytes_per_lane = 0;
  // Which Access event of the block's run belongs to it: its rank among the block's accesses in program
  // order, or kNoAccess.
  std::uint32_t rank = kNoAccess;
};

// Neighbours in one of a function's lists.
struct ListPart {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
};

// What it reads, writes and touches stands in lists of its function (MachineFunction), any number of each, so
// that an operation is small and simulation reads them side by side.
struct MachineOperation {
  const char* mnemonic = "NOP";  // for people: "FFMA"
  Pipe pipe = Pipe::Nop;
  FenceScope fence = FenceScope::None;
  Asynchronous asynchronous = Asynchronous::None;
  PhaseStep phase = PhaseStep::None;
  bool is_atomic = false;
  bool combines = false;      // an atomic: the lanes of a warp on one address are one operation of memory
  bool swap_loop = false;     // an atomic that shared memory lacks: a turn of load and swap for each of them
  bool bypasses_l1 = false;   // ld.cg, ld.volatile and their like
  bool is_predicate = false;  // its result is a predicate
  bool ends_warp = false;     // EXIT of all lanes that reach it
  bool reads_clock = false;   // %clock, %globaltimer and their like
  bool is_branch = false;     // may leave the straight line: fetch restarts where it is taken
  bool is_call = false;
  bool is_return = false;
  bool is_bulk = false;    // its accesses do not pass through the SM's load/store path; its groups are others
                           // than those of other asynchronous operations
  bool is_sparse = false;  // a product of a sparse matrix: its passes are those of a dense one, and faster
  ListPart results;        // values
  ListPart operands;       // values, each once
  ListPart accesses;
  // A store or load of what registers could not hold: its first 32-bit word in the thread's frame for that.
  // No PTX access stands behind it; all lanes of the warp take part, side by side.
  std::uint32_t spill_word = kNoSpill;
  // How often it takes its pipe: of a product of matrices, for each 16 by 8 of D and 128 bits of k (of a
  // sparse A with its zeros); of FP64 ones each multiply-add of a lane.
  std::uint16_t passes = 1;
  std::uint32_t pending_groups = 0;
  std::uint32_t flops = 0;                     // floating-point operations of one lane
  std::uint32_t instruction = kNoInstruction;  // the PTX instruction it stands for, where there is one
};

struct MachineBlock {
  std::vector<MachineOperation> operations;  // in the order of issue
  std::uint32_t accesses = 0;                // Access events that one run of the block leaves, at most
  // The PTX instruction index of each access, by rank.
  std::vector<std::uint32_t> access_instructions;
  // Blocks behind this one whose operations are among this one's, because a warp that runs it always goes on
  // to them in this order: the straight line of the code, where some run under a predicate and a warp may
  // have no lane for them (if-conversion). Their own `operations` are empty, their accesses are ranked behind
  // this block's.
  std::vector<BlockId> merged;
  BlockId fall_through = kNoBlock;  // what follows it in the straight line of the code
  std::uint32_t ptx_instructions = 0;
  std::uint32_t flops = 0;         // floating-point operations of one lane in this block itself
  std::uint32_t fp16_flops = 0;    // of these those on half and bf16 numbers
  std::uint32_t fp64_flops = 0;    // and on double ones
  std::uint32_t tensor_flops = 0;  // and of tensor cores, whole numbers included
  // As many of fp16 as keep the tensor cores busy for the same time: what their energy goes by.
  std::uint32_t tensor_fp16_flops = 0;
};

struct MachineFunction {
  std::vector<MachineBlock> blocks;            // as in the function's ControlFlowGraph
  std::vector<ValueId> value_list;             // results and operands of its operations
  std::vector<MachineAccess> access_list;      // theirs, too
  std::vector<std::uint32_t> value_registers;  // 32-bit registers of each value; 0: a predicate
  std::uint32_t registers = 0;                 // of a thread, with what it calls
  std::uint32_t spill_words = 0;               // 32-bit words of a thread that stand in local memory instead

  std::uint32_t value_count() const { return static_cast<std::uint32_t>(value_registers.size()); }
  // Good until a list grows.
  std::span<const ValueId> results(const MachineOperation& operation) const {
    return {value_list.data() + operation.results.first, operation.results.count};
  }
  std::span<const ValueId> operands(const MachineOperation& operation) const {
    return {value_list.data() + operation.operands.first, operation.operands.count};
  }
  std::span<const MachineAccess> accesses(const MachineOperation& operation) const {
    return {access_list.data() + operation.accesses.first, operation.accesses.count};
  }
  std::span<MachineAccess> accesses(const MachineOperation& operation) {
    return {access_list.data() + operation.accesses.first, operation.accesses.count};
  }
  bool reads(const MachineOperation& operation, ValueId value) const;
  bool writes(const MachineOperation& operation, ValueId value) const;
  // Of an operation of this function, where it is new: kNoValue and what stands there already is not added.
  void add_result(MachineOperation& operation, ValueId value);
  void add_operand(MachineOperation& operation, ValueId value);
  void add_access(MachineOperation& operation, const MachineAccess& access);
};

// A kernel with the functions it may call. Numbers of functions are those of the module.
struct MachineProgram {
  std::uint32_t entry = 0;                 // the kernel
  std::vector<MachineFunction> functions;  // empty where the kernel cannot reach it
  std::vector<std::uint32_t> value_base;   // of function f in a numbering over all
  std::uint32_t values = 0;
  std::vector<std::uint32_t>
      instruction_base;           // of function f in a numbering over all that are reached, and the end
  std::uint32_t accesses = 0;     // the most of one block
  std::uint32_t spill_words = 0;  // of all functions, which have their places one behind the other
  std::vector<analysis::SpinLoop> spin_loops;  // of these functions
};

// By instruction, in the numbering over all functions: whether it writes memory that a trace tells of.
std::vector<bool> writing_instructions(const MachineProgram& program);

}  // namespace doppel::machine
