// Operations of a whole warp (PTX ISA 9.7.9.6, 9.7.13): barriers, votes, shuffles, matches, reductions.
//
// The lanes of the member mask are here together: lanes that are not wait for each other before the operation
// (see lower_control.cpp), so what is left is arithmetic on vectors and masks.
#include <cstddef>

#include "jit/helper_call.h"
#include "jit/lane_functions.h"
#include "jit/lower.h"

namespace doppel::jit {

using llvm::Value;
using ptx::Instruction;
using ptx::Opcode;
using ptx::ShuffleMode;
using ptx::Type;
using ptx::VoteMode;

namespace {

class WarpLowering {
 public:
  WarpLowering(FunctionEmitter& emitter, const Instruction& instruction)
      : emitter_(emitter), instruction_(instruction), b_(emitter.b()) {}

  bool barrier() {
    const bool has_result = instruction_.modifiers.barrier >= ptx::BarrierMode::RedPopc;
    const std::size_t at = has_result ? 1 : 0;
    const std::size_t sources = instruction_.operands.size() - at - (has_result ? 1 : 0);
    Value* barrier = scalar(at);
    Value* threads = sources > 1 ? scalar(at + 1) : emitter_.i32(0);
    Value* predicate = has_result ? ballot(instruction_.operands.size() - 1) : emitter_.i32(0);
    llvm::Type* word = b_.getInt32Ty();
    llvm::BasicBlock* skipped = nullptr;
    llvm::BasicBlock* done = nullptr;
    if (emitter_.mask_may_be_empty()) {
      llvm::Function* into = b_.GetInsertBlock()->getParent();
      llvm::BasicBlock* some = llvm::BasicBlock::Create(emitter_.context(), "arrive", into);
      done = llvm::BasicBlock::Create(emitter_.context(), "arrived", into);
      skipped = b_.GetInsertBlock();
      b_.CreateCondBr(b_.CreateICmpNE(emitter_.mask(), emitter_.i32(0)), some, done);
      b_.SetInsertPoint(some);
    }
    Value* result = emitter_.arrive_at_barrier(barrier, threads, instruction_.modifiers.barrier, predicate);
    if (done != nullptr) {
      llvm::BasicBlock* called = b_.GetInsertBlock();
      b_.CreateBr(done);
      b_.SetInsertPoint(done);
      llvm::PHINode* phi = b_.CreatePHI(word, 2);
      phi->addIncoming(emitter_.i32(0), skipped);
      phi->addIncoming(result, called);
      result = phi;
    }
    if (!has_result) return true;
    if (instruction_.modifiers.barrier != ptx::BarrierMode::RedPopc)
      result = b_.CreateICmpNE(result, emitter_.i32(0));
    emitter_.write(instruction_.operands[0], result);
    return true;
  }

  // Several groups of lanes with member masks of their own may run the operation as one: each sees its own
  // members.
  bool vote() {
    Value* trues = ballot(1);
    const Lanes members = emitter_.read(instruction_.operands[2], Type::B32);
    Value* mine = members.pattern.is_uniform() ? members.parts[0] : emitter_.materialize(members);
    const bool uniform = !mine->getType()->isVectorTy();
    Value* here = uniform ? emitter_.mask() : emitter_.splat(emitter_.mask());
    Value* voters = b_.CreateAnd(mine, here);
    Value* set = b_.CreateAnd(uniform ? trues : emitter_.splat(trues), mine);
    Value* result = nullptr;
    Value* zero = emitter_.constant(set->getType(), 0);
    switch (instruction_.modifiers.vote) {
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
    emitter_.write(instruction_.operands[0], result);
    return true;
  }

  bool shuffle() {
    Value* a = emitter_.read_vector(instruction_.operands[1], Type::B32);
    const ptx::Operand& amount = instruction_.operands[2];
    const ptx::Operand& control = instruction_.operands[3];
    llvm::Type* lanes = emitter_.int_type(32, false);
    kernel::LaneConstants own;
    for (int lane = 0; lane < kWarpLanes; ++lane) own[lane] = lane;
    if (amount.kind == ptx::Operand::Kind::Immediate && control.kind == ptx::Operand::Kind::Immediate) {
      // Known when compiling: a fixed permutation.
      std::vector<int> from;
      std::vector<llvm::Constant*> inside;
      for (int lane = 0; lane < kWarpLanes; ++lane) {
        const Source source =
            source_of(lane, static_cast<int>(amount.immediate & 31), static_cast<int>(control.immediate));
        from.push_back(source.lane);
        inside.push_back(b_.getInt1(source.in_range));
      }
      emitter_.write(instruction_.operands[0], b_.CreateShuffleVector(a, from));
      if (instruction_.second_destination)
        emitter_.write(*instruction_.second_destination, llvm::ConstantVector::get(inside));
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
    switch (instruction_.modifiers.shuffle) {
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
    emitter_.write(instruction_.operands[0], permute(a, from));
    if (instruction_.second_destination) emitter_.write(*instruction_.second_destination, inside);
    return true;
  }

  bool match() {
    const int bits = ptx::bit_width(instruction_.type);
    Value* a = b_.CreateZExt(emitter_.read_vector(instruction_.operands[1], instruction_.type),
                             emitter_.int_type(64, false));
    Value* members = emitter_.read_vector(instruction_.operands[2], Type::B32);
    (void)bits;
    Value* equal = call_helper(emitter_, "doppel_match", {a, members}, 32);
    if (instruction_.modifiers.match == ptx::MatchMode::Any) {
      emitter_.write(instruction_.operands[0], equal);
      return true;
    }
    Value* here = b_.CreateAnd(members, emitter_.splat(emitter_.mask()));
    Value* all = b_.CreateICmpEQ(equal, here);
    emitter_.write(instruction_.operands[0],
                   b_.CreateSelect(all, equal, emitter_.constant(equal->getType(), 0)));
    if (instruction_.second_destination) emitter_.write(*instruction_.second_destination, all);
    return true;
  }

  bool reduce() {
    const Lanes members = emitter_.read(instruction_.operands[2], Type::B32);
    Value* a = emitter_.read_vector(instruction_.operands[1], instruction_.type);
    const bool sign = ptx::is_signed(instruction_.type);
    if (!members.pattern.is_uniform()) {
      Value* result =
          call_helper(emitter_, "doppel_redux", {a, emitter_.materialize(members)}, 32,
                      {static_cast<std::uint32_t>(instruction_.modifiers.atomic_op), sign ? 1u : 0u});
      emitter_.write(instruction_.operands[0], result);
      return true;
    }
    llvm::Intrinsic::ID id{};
    std::uint64_t identity = 0;
    switch (instruction_.modifiers.atomic_op) {
      case ptx::AtomicOp::Add:
        id = llvm::Intrinsic::vector_reduce_add;
        break;
      case ptx::AtomicOp::Or:
        id = llvm::Intrinsic::vector_reduce_or;
        break;
      case ptx::AtomicOp::Xor:
        id = llvm::Intrinsic::vector_reduce_xor;
        break;
      case ptx::AtomicOp::And:
        id = llvm::Intrinsic::vector_reduce_and;
        identity = 0xffffffff;
        break;
      case ptx::AtomicOp::Min:
        id = sign ? llvm::Intrinsic::vector_reduce_smin : llvm::Intrinsic::vector_reduce_umin;
        identity = sign ? 0x7fffffff : 0xffffffff;
        break;
      case ptx::AtomicOp::Max:
        id = sign ? llvm::Intrinsic::vector_reduce_smax : llvm::Intrinsic::vector_reduce_umax;
        identity = sign ? 0x80000000 : 0;
        break;
      default:
        return false;
    }
    Value* value = b_.CreateSelect(emitter_.mask_vector(), a, emitter_.constant(a->getType(), identity));
    emitter_.write(instruction_.operands[0], b_.CreateUnaryIntrinsic(id, value));
    return true;
  }

  bool elect() {
    const Lanes members = emitter_.read(instruction_.operands[1], Type::B32);
    Value* mine = b_.CreateAnd(emitter_.materialize(members), emitter_.splat(emitter_.mask()));
    Value* leader = b_.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, mine, b_.getFalse());
    emitter_.write(instruction_.operands[0], leader);
    kernel::LaneConstants own;
    for (int lane = 0; lane < kWarpLanes; ++lane) own[lane] = lane;
    if (instruction_.second_destination) {
      emitter_.write(*instruction_.second_destination,
                     b_.CreateICmpEQ(leader, emitter_.lane_constants(own, 32)));
    }
    return true;
  }

  bool sleep() {
    // A hint: the longest time that a lane asks for.
    Value* time = emitter_.read_vector(instruction_.operands[0], Type::U32);
    time = b_.CreateUnaryIntrinsic(
        llvm::Intrinsic::vector_reduce_umax,
        b_.CreateSelect(emitter_.mask_vector(), time, emitter_.constant(time->getType(), 0)));
    emitter_.callback(offsetof(RuntimeCallbacks, nanosleep),
                      llvm::FunctionType::get(b_.getVoidTy(), {b_.getPtrTy(), b_.getInt32Ty()}, false),
                      {emitter_.context_pointer(), time});
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
    switch (instruction_.modifiers.shuffle) {
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
        b_.CreateBitCast(emitter_.read_vector(instruction_.operands[operand], Type::Pred), b_.getInt32Ty());
    return b_.CreateAnd(predicate, emitter_.mask());
  }

  Value* scalar(std::size_t i) {
    const Lanes lanes = emitter_.read(instruction_.operands[i], Type::U32);
    if (lanes.pattern.is_uniform()) return lanes.parts[0];
    // Lanes of one warp that name different barriers are not converged; the first lane's is taken.
    Value* first = b_.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, emitter_.mask(), b_.getFalse());
    return b_.CreateExtractElement(emitter_.materialize(lanes), b_.CreateAnd(first, emitter_.i32(31)));
  }

  FunctionEmitter& emitter_;
  const Instruction& instruction_;
  llvm::IRBuilder<>& b_;
};

}  // namespace

bool lower_warp(FunctionEmitter& emitter, const Instruction& instruction) {
  WarpLowering lowering(emitter, instruction);
  switch (instruction.opcode) {
    case Opcode::Bar:
      return lowering.barrier();
    case Opcode::BarWarpSync:
      return true;
    case Opcode::Vote:
      return lowering.vote();
    case Opcode::Shfl:
      return lowering.shuffle();
    case Opcode::Match:
      return lowering.match();
    case Opcode::Redux:
      return lowering.reduce();
    case Opcode::Elect:
      return lowering.elect();
    case Opcode::Activemask:
      emitter.write(instruction.operands[0], emitter.mask());
      return true;
    case Opcode::Nanosleep:
      return lowering.sleep();
    case Opcode::Griddepcontrol:  // grids of a stream run one after the other
    case Opcode::Pmevent:
    case Opcode::Setmaxnreg:  // a hint to the register allocator of the card
      return true;
    default:
      return false;
  }
}

}  // namespace doppel::jit
