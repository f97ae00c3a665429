// SPDX-License-Identifier: Apache-2.0
// Operations of a whole warp (PTX ISA 9.7.9.6, 9.7.13): barriers, votes, shuffles, matches, reductions.
//
// The lanes of the member mask are here together: lanes that are not wait for each other before the operation
// (see control_flow.h), so what is left is arithmetic on vectors and masks.
#include <algorithm>
#include <cstddef>
#include <span>

#include "jit/control_flow.h"
#include "jit/function_entry.h"
#include "jit/helper_call.h"
#include "jit/host_target.h"
#include "jit/lane_functions.h"
#include "jit/launch_context.h"
#include "jit/lower.h"
#include "jit/matrix_runs.h"
#include "jit/register_file.h"

namespace doppel::jit {

using ir::BarrierMode;
using ir::Op;
using ir::Operation;
using ir::ShuffleMode;
using ir::Type;
using ir::VoteMode;
using llvm::Value;

namespace {

class WarpLowering {
 public:
  WarpLowering(FunctionEmitter& emitter, const Operation& operation)
      : emitter_(emitter), operation_(operation), b_(emitter.b()) {}

  // At a barrier, unless no lane takes part. The result of a reduction.
  Value* come_to(const BarrierArrival& arrival) {
    if (!emitter_.lanes().may_be_empty())
      return emitter_.entry().arrive_at_barrier(emitter_.launch(), arrival);
    llvm::Function* into = b_.GetInsertBlock()->getParent();
    llvm::BasicBlock* some = llvm::BasicBlock::Create(emitter_.context(), "arrive", into);
    llvm::BasicBlock* done = llvm::BasicBlock::Create(emitter_.context(), "arrived", into);
    llvm::BasicBlock* skipped = b_.GetInsertBlock();
    b_.CreateCondBr(b_.CreateICmpNE(emitter_.lanes().mask(), emitter_.i32(0)), some, done);
    b_.SetInsertPoint(some);
    Value* result = emitter_.entry().arrive_at_barrier(emitter_.launch(), arrival);
    llvm::BasicBlock* called = b_.GetInsertBlock();
    b_.CreateBr(done);
    b_.SetInsertPoint(done);
    llvm::PHINode* phi = b_.CreatePHI(b_.getInt32Ty(), 2);
    phi->addIncoming(emitter_.i32(0), skipped);
    phi->addIncoming(result, called);
    return phi;
  }

  void barrier() {
    const bool has_result = operation_.op == Op::BarrierReduce;
    const BarrierMode mode = has_result                           ? operation_.attributes.barrier
                             : operation_.op == Op::BarrierArrive ? BarrierMode::Arrive
                                                                  : BarrierMode::Sync;
    const std::size_t sources = operation_.sources.size() - (has_result ? 1 : 0);
    Value* barrier = scalar(0);
    Value* threads = sources > 1 ? scalar(1) : emitter_.i32(0);
    Value* predicate = has_result ? ballot(operation_.sources.size() - 1) : emitter_.i32(0);
    Value* result = come_to({emitter_.flow().barrier_lanes(), barrier, threads, predicate, mode});
    if (!has_result) return;
    if (mode != BarrierMode::RedPopc) result = b_.CreateICmpNE(result, emitter_.i32(0));
    emitter_.write(operation_.results[0], result);
  }

  // Who has not exited the engine cannot know in the middle of a kernel.
  void cluster_barrier() {
    const BarrierMode mode = operation_.op == Op::ClusterArrive ? BarrierMode::Arrive : BarrierMode::Sync;
    Value* live = emitter_.lanes().live();
    if (!emitter_.function().is_kernel) {  // those of the call are live here
      const auto field = [&](std::size_t offset) {
        return b_.CreateLoad(b_.getInt32Ty(), emitter_.launch().field_address(offset));
      };
      live = b_.CreateAnd(field(offsetof(WarpContext, active_mask)),
                          b_.CreateNot(field(offsetof(WarpContext, exited_mask))));
    }
    come_to({emitter_.flow().barrier_lanes(), emitter_.i32(kClusterBarrier), emitter_.i32(0), live, mode});
  }

  // Several groups of lanes with member masks of their own may run the operation as one: each sees its own
  // members.
  bool vote() {
    Value* trues = ballot(0);
    const Lanes members = emitter_.read(operation_.sources[1], Type::B32);
    Value* mine = members.pattern.is_uniform() ? members.parts[0] : emitter_.materialize(members);
    const bool uniform = !mine->getType()->isVectorTy();
    Value* here = uniform ? emitter_.lanes().mask() : emitter_.splat(emitter_.lanes().mask());
    Value* voters = b_.CreateAnd(mine, here);
    Value* set = b_.CreateAnd(uniform ? trues : emitter_.splat(trues), mine);
    Value* result = nullptr;
    Value* zero = emitter_.constant(set->getType(), 0);
    switch (operation_.attributes.vote) {
      case VoteMode::All:
        result = b_.CreateICmpEQ(set, voters);
        break;
      case VoteMode::Any:
        result = b_.CreateICmpNE(set, zero);
        break;
      case VoteMode::Uni:
        result = b_.CreateOr(b_.CreateICmpEQ(set, voters), b_.CreateICmpEQ(set, zero));
        break;
      case VoteMode::Ballot:
        result = set;
        break;
      default:
        return false;
    }
    emitter_.write(operation_.results[0], result);
    return true;
  }

  bool shuffle() {
    Value* a = emitter_.read_vector(operation_.sources[0], Type::B32);
    const ir::Operand& amount = operation_.sources[1];
    const ir::Operand& control = operation_.sources[2];
    llvm::Type* lanes = emitter_.int_type(32, false);
    analysis::LaneConstants own;
    for (int lane = 0; lane < kWarpLanes; ++lane) own[lane] = lane;
    if (amount.is_immediate() && control.is_immediate()) {
      // Known when compiling: a fixed permutation.
      std::vector<int> from;
      std::vector<llvm::Constant*> inside;
      for (int lane = 0; lane < kWarpLanes; ++lane) {
        const Source source =
            source_of(lane, static_cast<int>(amount.immediate & 31), static_cast<int>(control.immediate));
        from.push_back(source.lane);
        inside.push_back(b_.getInt1(source.in_range));
      }
      emitter_.write(operation_.results[0], b_.CreateShuffleVector(a, from));
      if (operation_.results.size() > 1)
        emitter_.write(operation_.results[1], llvm::ConstantVector::get(inside));
      return true;
    }
    Value* lane = emitter_.lane_constants(own, 32);
    const auto splat = [&](std::uint64_t value) { return emitter_.constant(lanes, value); };
    Value* by = b_.CreateAnd(emitter_.read_vector(amount, Type::B32), splat(31));
    Value* c = emitter_.read_vector(control, Type::B32);
    Value* clamp = b_.CreateAnd(c, splat(31));
    Value* segment = b_.CreateAnd(b_.CreateLShr(c, splat(8)), splat(31));
    Value* outside = b_.CreateXor(segment, splat(31));
    Value* least = b_.CreateAnd(lane, segment);
    Value* most = b_.CreateOr(least, b_.CreateAnd(clamp, outside));
    Value* from = nullptr;
    Value* inside = nullptr;
    switch (operation_.attributes.shuffle) {
      case ShuffleMode::Up:
        from = b_.CreateSub(lane, by);
        inside = b_.CreateICmpSGE(from, most);
        break;
      case ShuffleMode::Down:
        from = b_.CreateAdd(lane, by);
        inside = b_.CreateICmpSLE(from, most);
        break;
      case ShuffleMode::Bfly:
        from = b_.CreateXor(lane, by);
        inside = b_.CreateICmpSLE(from, most);
        break;
      case ShuffleMode::Idx:
        from = b_.CreateOr(least, b_.CreateAnd(by, outside));
        inside = b_.CreateICmpSLE(from, most);
        break;
      default:
        return false;
    }
    from = b_.CreateAnd(b_.CreateSelect(inside, from, lane), splat(31));
    emitter_.write(operation_.results[0], permute(a, from));
    if (operation_.results.size() > 1) emitter_.write(operation_.results[1], inside);
    return true;
  }

  bool match() {
    const int bits = ir::bit_width(operation_.type);
    Value* a = b_.CreateZExt(emitter_.read_vector(operation_.sources[0], operation_.type),
                             emitter_.int_type(64, false));
    Value* members = emitter_.read_vector(operation_.sources[1], Type::B32);
    (void)bits;
    Value* equal = call_helper(emitter_, "doppel_match", {a, members}, 32);
    if (operation_.attributes.match == ir::MatchMode::Any) {
      emitter_.write(operation_.results[0], equal);
      return true;
    }
    Value* here = b_.CreateAnd(members, emitter_.splat(emitter_.lanes().mask()));
    Value* all = b_.CreateICmpEQ(equal, here);
    emitter_.write(operation_.results[0],
                   b_.CreateSelect(all, equal, emitter_.constant(equal->getType(), 0)));
    if (operation_.results.size() > 1) emitter_.write(operation_.results[1], all);
    return true;
  }

  bool reduce() {
    const Lanes members = emitter_.read(operation_.sources[1], Type::B32);
    Value* a = emitter_.read_vector(operation_.sources[0], operation_.type);
    const bool sign = ir::is_signed(operation_.type);
    if (!members.pattern.is_uniform()) {
      Value* result =
          call_helper(emitter_, "doppel_redux", {a, emitter_.materialize(members)}, 32,
                      {static_cast<std::uint32_t>(operation_.attributes.atomic_op), sign ? 1u : 0u});
      emitter_.write(operation_.results[0], result);
      return true;
    }
    llvm::Intrinsic::ID id{};
    std::uint64_t identity = 0;
    switch (operation_.attributes.atomic_op) {
      case ir::AtomicOp::Add:
        id = llvm::Intrinsic::vector_reduce_add;
        break;
      case ir::AtomicOp::Or:
        id = llvm::Intrinsic::vector_reduce_or;
        break;
      case ir::AtomicOp::Xor:
        id = llvm::Intrinsic::vector_reduce_xor;
        break;
      case ir::AtomicOp::And:
        id = llvm::Intrinsic::vector_reduce_and;
        identity = 0xffffffff;
        break;
      case ir::AtomicOp::Min:
        id = sign ? llvm::Intrinsic::vector_reduce_smin : llvm::Intrinsic::vector_reduce_umin;
        identity = sign ? 0x7fffffff : 0xffffffff;
        break;
      case ir::AtomicOp::Max:
        id = sign ? llvm::Intrinsic::vector_reduce_smax : llvm::Intrinsic::vector_reduce_umax;
        identity = sign ? 0x80000000 : 0;
        break;
      default:
        return false;
    }
    Value* value =
        b_.CreateSelect(emitter_.lanes().mask_vector(), a, emitter_.constant(a->getType(), identity));
    emitter_.write(operation_.results[0], b_.CreateUnaryIntrinsic(id, value));
    return true;
  }

  // Lane l holds elements 2 (l mod 4) and the next of row l div 4, and gets those of that column.
  void transpose() {
    llvm::Type* halves = llvm::FixedVectorType::get(b_.getInt16Ty(), 2 * kWarpLanes);
    std::vector<int> from;
    for (int lane = 0; lane < kWarpLanes; ++lane) {
      const int column = lane / 4;
      for (const int row : {lane % 4 * 2, lane % 4 * 2 + 1}) from.push_back(8 * row + column);
    }
    Value* matrix = emitter_.read_vector(operation_.sources[0], Type::B32);
    Value* transposed = b_.CreateShuffleVector(b_.CreateBitCast(matrix, halves), from);
    emitter_.write(operation_.results[0], b_.CreateBitCast(transposed, matrix->getType()));
  }

  // Fragments are most of what such a kernel keeps on its stack, where a vector that straddles two lines of
  // the host's cache takes twice as long. LLVM aligns no stack for what it has no register for.
  void align_stack() {
    constexpr std::uint64_t kLine = 64;
    llvm::Function* function = b_.GetInsertBlock()->getParent();
    if (HostTarget::get().wide_vectors())
      function->addFnAttr(llvm::Attribute::getWithStackAlignment(b_.getContext(), llvm::Align(kLine)));
  }

  // By the engine, which knows the card: each card has its own way to add. It reads and writes fragments
  // where the registers lie, else in a copy.
  void multiply_matrices() {
    align_stack();
    const MatrixRun& run = emitter_.matrix_runs().of(emitter_.instruction_index());
    if (run.words.empty()) return multiply_one();
    if (run.last != emitter_.instruction_index()) return;
    llvm::Constant* words = llvm::ConstantDataArray::get(emitter_.context(), run.words);
    auto* table = new llvm::GlobalVariable(emitter_.module().llvm, words->getType(), /*isConstant=*/true,
                                           llvm::GlobalValue::PrivateLinkage, words, "products");
    table->setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
    emitter_.launch().callback(
        offsetof(RuntimeCallbacks, multiply_run),
        llvm::FunctionType::get(
            b_.getVoidTy(), {b_.getPtrTy(), b_.getInt64Ty(), b_.getInt32Ty(), b_.getPtrTy(), b_.getPtrTy()},
            false),
        {emitter_.launch().context(), packed_form(), packed_attributes(), emitter_.registers().fragments(),
         table});
  }

  Value* packed_form() { return b_.getInt64(ir::packed(operation_.attributes.matrix)); }
  Value* packed_attributes() { return emitter_.i32(packed_matrix_attributes(operation_.attributes)); }

  void multiply_one() {
    const int bits = operation_.attributes.matrix.register_bits();
    const std::uint64_t bytes = kWarpLanes * static_cast<std::uint64_t>(bits) / 8;
    ScratchSlots scratch(emitter_);
    const auto place = [&](Value* first, std::size_t i) {
      return b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), first, i * bytes);
    };
    const auto fragment_of = [&](std::span<const ir::Operand> own) -> Value* {
      if (own.empty()) return llvm::ConstantPointerNull::get(b_.getPtrTy());
      if (Value* fragment = emitter_.registers().fragment(own)) return fragment;
      Value* copy = scratch.take(own.size() * bytes);
      for (std::size_t i = 0; i < own.size(); ++i) {
        Value* const value = emitter_.read_vector(own[i], bits == 64 ? Type::B64 : Type::B32);
        // Which bytes and threads have scales is told in 16 bits.
        b_.CreateStore(b_.CreateZExt(value, emitter_.int_type(bits, false)), place(copy, i));
      }
      return copy;
    };
    const MatrixFactors factors(operation_);
    Value* const a = fragment_of(factors.a);
    Value* const b = fragment_of(factors.b);
    Value* const c = fragment_of(factors.c);
    Value* const selectors = fragment_of(factors.selectors);
    const std::span<const ir::Operand> results = operation_.results;
    const bool in_place = std::ranges::all_of(results, [&](const ir::Operand& result) {
      return result.is_register() && emitter_.registers().takes_all_lanes(result.reg);
    });
    Value* const fragment = in_place ? emitter_.registers().fragment(results) : nullptr;
    const bool c_is_copy = emitter_.registers().fragment(factors.c) == nullptr;
    Value* const d = fragment != nullptr ? fragment : c_is_copy ? c : scratch.take(results.size() * bytes);
    emitter_.launch().callback(
        offsetof(RuntimeCallbacks, multiply_matrices),
        llvm::FunctionType::get(b_.getVoidTy(),
                                {b_.getPtrTy(), b_.getInt64Ty(), b_.getInt32Ty(), b_.getPtrTy(),
                                 b_.getPtrTy(), b_.getPtrTy(), b_.getPtrTy(), b_.getPtrTy()},
                                false),
        {emitter_.launch().context(), packed_form(), packed_attributes(), a, b, c, d, selectors});
    for (std::size_t i = 0; fragment == nullptr && i < results.size(); ++i)
      emitter_.write(results[i], b_.CreateLoad(emitter_.int_type(bits, false), place(d, i)));
  }

  bool elect() {
    const Lanes members = emitter_.read(operation_.sources[0], Type::B32);
    Value* mine = b_.CreateAnd(emitter_.materialize(members), emitter_.splat(emitter_.lanes().mask()));
    Value* leader = b_.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, mine, b_.getFalse());
    emitter_.write(operation_.results[0], leader);
    analysis::LaneConstants own;
    for (int lane = 0; lane < kWarpLanes; ++lane) own[lane] = lane;
    if (operation_.results.size() > 1) {
      emitter_.write(operation_.results[1], b_.CreateICmpEQ(leader, emitter_.lane_constants(own, 32)));
    }
    return true;
  }

  bool in_loop_on_memory() const {
    const analysis::BlockId block = emitter_.analysed().counted_graph.block_of(emitter_.instruction_index());
    const analysis::SpinLoop* const loop =
        analysis::spin_loop_of(emitter_.module().kernel.spin_loops, {emitter_.function_id() << 16 | block});
    return loop != nullptr && !loop->by_clock;
  }

  bool sleep() {
    // A hint: the longest time that a lane asks for.
    Value* time = emitter_.read_vector(operation_.sources[0], Type::U32);
    time = b_.CreateUnaryIntrinsic(
        llvm::Intrinsic::vector_reduce_umax,
        b_.CreateSelect(emitter_.lanes().mask_vector(), time, emitter_.constant(time->getType(), 0)));
    // How often a loop goes round that only waits for a write is the host's affair: the time that the warp
    // sees does not grow by it. The ISA leaves it open how much shorter a sleep is.
    if (in_loop_on_memory()) time = b_.getInt32(0);
    emitter_.launch().callback(
        offsetof(RuntimeCallbacks, nanosleep),
        llvm::FunctionType::get(b_.getVoidTy(), {b_.getPtrTy(), b_.getInt32Ty(), b_.getInt32Ty()}, false),
        {emitter_.launch().context(), emitter_.i32(emitter_.operation_number()), time});
    return true;
  }

 private:
  struct Source {
    int lane;
    bool in_range;
  };

  Source source_of(int lane, int by, int control) const {
    const int clamp = control & 31, segment = control >> 8 & 31;
    const int most = (lane & segment) | (clamp & ~segment & 31);
    int from = 0;
    bool in_range = false;
    switch (operation_.attributes.shuffle) {
      case ShuffleMode::Up:
        from = lane - by;
        in_range = from >= most;
        break;
      case ShuffleMode::Down:
        from = lane + by;
        in_range = from <= most;
        break;
      case ShuffleMode::Bfly:
        from = lane ^ by;
        in_range = from <= most;
        break;
      default:
        from = (lane & segment) | (by & ~segment);
        in_range = from <= most;
        break;
    }
    return {in_range ? from & 31 : lane, in_range};
  }

  // A permutation known at run time only, through memory.
  Value* permute(Value* a, Value* from) {
    if (!emitter_.module().wide_vectors) return call_helper(emitter_, "doppel_permute", {a, from}, 32);
    llvm::Type* lanes = emitter_.int_type(32, false);
    ScratchSlots scratch(emitter_);
    Value* memory = scratch.store(a);
    Value* pointers = b_.CreateGEP(b_.getInt32Ty(), memory, from);
    llvm::Constant* all = llvm::Constant::getAllOnesValue(emitter_.vector_of(b_.getInt1Ty()));
    return b_.CreateMaskedGather(lanes, pointers, llvm::Align(4), all, llvm::Constant::getNullValue(lanes));
  }

  Value* ballot(std::size_t operand) {
    Value* predicate =
        b_.CreateBitCast(emitter_.read_vector(operation_.sources[operand], Type::Pred), b_.getInt32Ty());
    return b_.CreateAnd(predicate, emitter_.lanes().mask());
  }

  Value* scalar(std::size_t i) {
    const Lanes lanes = emitter_.read(operation_.sources[i], Type::U32);
    if (lanes.pattern.is_uniform()) return lanes.parts[0];
    // Lanes of one warp that name different barriers are not converged; the first lane's is taken.
    Value* first = b_.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, emitter_.lanes().mask(), b_.getFalse());
    return b_.CreateExtractElement(emitter_.materialize(lanes), b_.CreateAnd(first, emitter_.i32(31)));
  }

  FunctionEmitter& emitter_;
  const Operation& operation_;
  llvm::IRBuilder<>& b_;
};

}  // namespace

bool lower_warp(FunctionEmitter& emitter, const Operation& operation) {
  WarpLowering lowering(emitter, operation);
  switch (operation.op) {
    case Op::ClusterArrive:
    case Op::ClusterWait:
      lowering.cluster_barrier();
      return true;
    case Op::Barrier:
    case Op::BarrierArrive:
    case Op::BarrierReduce:
      lowering.barrier();
      return true;
    case Op::WarpSync:
    case Op::ConvergeSet:  // the order of the blocks keeps what they say (analysis/convergence.h)
    case Op::ConvergeBreak:
    case Op::ConvergeWait:
    case Op::Yield:
      return true;
    case Op::Vote:
      return lowering.vote();
    case Op::Shuffle:
      return lowering.shuffle();
    case Op::MatrixTranspose:
      lowering.transpose();
      return true;
    case Op::MatrixMultiply:
      lowering.multiply_matrices();
      return true;
    case Op::Match:
      return lowering.match();
    case Op::Redux:
      return lowering.reduce();
    case Op::Elect:
      return lowering.elect();
    case Op::ActiveMask:
      emitter.write(operation.results[0], emitter.lanes().mask());
      return true;
    case Op::Nanosleep:
      return lowering.sleep();
    case Op::GridDependency:  // grids of a stream run one after the other
    case Op::PerformanceEvent:
    case Op::RegisterCount:
      return true;
    default:
      return false;
  }
}

}  // namespace doppel::jit
