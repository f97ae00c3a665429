// SPDX-License-Identifier: Apache-2.0
// atom and red (PTX ISA 9.7.13.5, 9.7.13.6): lane by lane in the order of the lanes. In shared memory a read
// and a write do, since a block lives on one host thread; elsewhere they are the host's atomic operations.
#include <fmt/format.h>

#include <cstddef>

#include "jit/float_values.h"
#include "jit/lane_functions.h"
#include "jit/launch_context.h"
#include "jit/lower.h"
#include "jit/memory_access.h"

namespace doppel::jit {

using ir::AtomicOp;
using ir::MemorySemantics;
using ir::Op;
using ir::Operation;
using ir::Type;
using llvm::AtomicOrdering;
using llvm::AtomicRMWInst;
using llvm::Value;

namespace {

class AtomicLowering {
 public:
  AtomicLowering(FunctionEmitter& emitter, const Operation& operation)
      : emitter_(emitter),
        operation_(operation),
        b_(emitter.b()),
        op_(operation.attributes.atomic_op),
        type_(operation.type),
        bits_(ir::bit_width(operation.type)),
        described_(operation.accesses[0]),
        access_(emitter, operation, described_) {
    in_shared_ = described_.space == ir::Space::Shared || described_.space == ir::Space::SharedCluster;
    whole_ = described_.vector > 1 && (op_ == AtomicOp::Exch || op_ == AtomicOp::Cas);
    // Compilers write `atom` where they mean `red`, with a register that nobody reads.
    for (const ir::Operand& result : operation.results) wants_result_ |= emitter.is_read(result);
  }

  void run() {
    context_ = emitter_.launch().context();
    constexpr std::uint32_t kKind = kAccessStore | kAccessAtomic;
    const bool together = access_.uniform_address() != nullptr && described_.vector == 1;
    if (together && !wants_result_ && combines()) {
      access_.begin(kKind);
      run_combined();
    } else if (together && op_ == AtomicOp::Add && !ir::is_float(type_)) {
      access_.begin(kKind);
      run_tickets();
    } else {
      run_lanes(kKind);
    }
  }

 private:
  // One lane after the other: operands and results go through memory.
  void run_lanes(std::uint32_t kind) {
    llvm::Type* lanes = emitter_.int_type(bits_, false);
    const bool swaps = op_ == AtomicOp::Cas;
    const std::uint64_t bytes = std::uint64_t{kWarpLanes} * static_cast<std::uint64_t>(bits_) / 8;
    const std::uint64_t elements = described_.vector;
    ScratchSlots scratch(emitter_);
    // The results, and behind them the operands.
    Value* values = scratch.take(bytes * elements * (swaps ? 3 : 2));
    const auto part = [&](std::uint64_t index) {
      return b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), values, index * bytes);
    };
    for (std::uint64_t i = 0; i < operation_.sources.size(); ++i)
      b_.CreateStore(emitter_.read_vector(operation_.sources[i], type_), part(elements + i));
    LaneFunction function;
    function.name = fmt::format("atom{}.v{}.{}.{}.{}{}", static_cast<int>(op_), elements, ir::name_of(type_),
                                ir::name_of(described_.space), static_cast<int>(ordering()),
                                wants_result_ ? ".result" : "");
    if (wants_result_) function.result_bytes = bytes * elements;
    function.floats = ir::is_float(type_);
    function.body = [&](const LaneArguments& lane) {
      context_ = lane.context;
      if (whole_) {
        whole_of_lane(lane);
      } else {
        elements_of_lane(lane);
      }
    };
    access_.note(nullptr);
    call_lane_function(emitter_, function, access_.begin_lanes(kind, scratch), values);
    if (!wants_result_) return;
    for (std::uint64_t i = 0; i < elements; ++i)
      emitter_.write(operation_.results[i], b_.CreateLoad(lanes, part(i)));
  }

  // The place of a lane's result or operand, by its number among them.
  Value* place(const LaneArguments& lane, std::uint32_t index) {
    return b_.CreateGEP(emitter_.int_type(bits_), lane.values,
                        b_.CreateAdd(lane.lane, b_.getInt32(index * std::uint32_t{kWarpLanes})));
  }

  void elements_of_lane(const LaneArguments& lane) {
    llvm::Type* element = emitter_.int_type(bits_);
    const std::uint32_t elements = described_.vector;
    for (std::uint32_t i = 0; i < elements; ++i) {
      Value* x = b_.CreateLoad(element, place(lane, elements + i));
      Value* y = op_ == AtomicOp::Cas ? b_.CreateLoad(element, place(lane, 2 * elements + i)) : nullptr;
      Value* address =
          b_.CreateAdd(lane.address, b_.getInt64(std::uint64_t{i} * static_cast<unsigned>(bits_ / 8)));
      Value* old = apply(address, x, y);
      if (wants_result_) b_.CreateStore(old, place(lane, i));
    }
  }

  // All elements are one number, the first its lowest part.
  void whole_of_lane(const LaneArguments& lane) {
    llvm::Type* element = emitter_.int_type(bits_);
    const std::uint32_t elements = described_.vector;
    const int part_bits = bits_;
    bits_ *= static_cast<int>(elements);
    const auto joined = [&](std::uint32_t first) {
      Value* number = nullptr;
      for (std::uint32_t i = 0; i < elements; ++i) {
        bits_ = part_bits;
        Value* part = b_.CreateLoad(element, place(lane, first + i));
        bits_ = part_bits * static_cast<int>(elements);
        part = b_.CreateZExt(part, emitter_.int_type(bits_));
        part = b_.CreateShl(part, std::uint64_t{i} * static_cast<unsigned>(part_bits));
        number = number == nullptr ? part : b_.CreateOr(number, part);
      }
      return number;
    };
    Value* x = joined(elements);
    Value* y = op_ == AtomicOp::Cas ? joined(2 * elements) : nullptr;
    Value* old = apply(lane.address, x, y);
    bits_ = part_bits;
    if (!wants_result_) return;
    for (std::uint32_t i = 0; i < elements; ++i) {
      Value* part = b_.CreateLShr(old, std::uint64_t{i} * static_cast<unsigned>(part_bits));
      b_.CreateStore(b_.CreateTrunc(part, element), place(lane, i));
    }
  }

  AtomicOrdering ordering() const {
    switch (described_.semantics) {
      case MemorySemantics::Acquire:
        return AtomicOrdering::Acquire;
      case MemorySemantics::Release:
        return AtomicOrdering::Release;
      case MemorySemantics::AcqRel:
        return AtomicOrdering::AcquireRelease;
      case MemorySemantics::SeqCst:
        return AtomicOrdering::SequentiallyConsistent;
      default:
        return AtomicOrdering::Monotonic;
    }
  }

  // Operations whose order does not show, so that lanes on one address can be joined first.
  bool combines() const {
    if (ir::is_float(type_)) return false;
    switch (op_) {
      case AtomicOp::Add:
      case AtomicOp::And:
      case AtomicOp::Or:
      case AtomicOp::Xor:
      case AtomicOp::Min:
      case AtomicOp::Max:
        return true;
      default:
        return false;
    }
  }

  void run_combined() {
    const bool sign = ir::is_signed(type_);
    llvm::Intrinsic::ID id{};
    std::uint64_t identity = 0;
    const std::uint64_t all = ~std::uint64_t{0};
    switch (op_) {
      case AtomicOp::Add:
        id = llvm::Intrinsic::vector_reduce_add;
        break;
      case AtomicOp::And:
        id = llvm::Intrinsic::vector_reduce_and;
        identity = all;
        break;
      case AtomicOp::Or:
        id = llvm::Intrinsic::vector_reduce_or;
        break;
      case AtomicOp::Xor:
        id = llvm::Intrinsic::vector_reduce_xor;
        break;
      case AtomicOp::Min:
        id = sign ? llvm::Intrinsic::vector_reduce_smin : llvm::Intrinsic::vector_reduce_umin;
        identity = sign ? (std::uint64_t{1} << (bits_ - 1)) - 1 : all;
        break;
      default:
        id = sign ? llvm::Intrinsic::vector_reduce_smax : llvm::Intrinsic::vector_reduce_umax;
        identity = sign ? std::uint64_t{1} << (bits_ - 1) : 0;
        break;
    }
    Value* value = emitter_.read_vector(operation_.sources[0], type_);
    value =
        b_.CreateSelect(emitter_.lanes().mask_vector(), value, emitter_.constant(value->getType(), identity));
    apply_once(b_.CreateUnaryIntrinsic(id, value));
  }

  // An addition to one address whose results are wanted: one for all lanes, and to each the sum of the lanes
  // before it, as if they went in order.
  void run_tickets() {
    Value* value = emitter_.read_vector(operation_.sources[0], type_);
    value = b_.CreateSelect(emitter_.lanes().mask_vector(), value, emitter_.constant(value->getType(), 0));
    Value* zero = llvm::Constant::getNullValue(value->getType());
    Value* sum = value;  // of the lane and those before it
    for (int distance = 1; distance < kWarpLanes; distance *= 2) {
      std::vector<int> from;
      for (int lane = 0; lane < kWarpLanes; ++lane)
        from.push_back(lane < distance ? kWarpLanes : lane - distance);
      sum = b_.CreateAdd(sum, b_.CreateShuffleVector(sum, zero, from));
    }
    Value* old = apply_once(b_.CreateExtractElement(sum, std::uint64_t{kWarpLanes - 1}));
    emitter_.write(operation_.results[0], b_.CreateAdd(emitter_.splat(old), b_.CreateSub(sum, value)));
  }

  // One operation on the address of all lanes, unless no lane takes part. Gives the old value.
  Value* apply_once(Value* x) {
    if (!emitter_.lanes().may_be_empty()) return apply(access_.uniform_address(), x, nullptr);
    llvm::Function* into = b_.GetInsertBlock()->getParent();
    llvm::BasicBlock* before = b_.GetInsertBlock();
    llvm::BasicBlock* some = llvm::BasicBlock::Create(emitter_.context(), "some", into);
    llvm::BasicBlock* done = llvm::BasicBlock::Create(emitter_.context(), "reduced", into);
    b_.CreateCondBr(b_.CreateICmpNE(emitter_.lanes().mask(), emitter_.i32(0)), some, done);
    b_.SetInsertPoint(some);
    Value* old = apply(access_.uniform_address(), x, nullptr);
    some = b_.GetInsertBlock();
    b_.CreateBr(done);
    b_.SetInsertPoint(done);
    llvm::PHINode* result = b_.CreatePHI(old->getType(), 2);
    result->addIncoming(llvm::Constant::getNullValue(old->getType()), before);
    result->addIncoming(old, some);
    return result;
  }

  // One lane. Gives the old value.
  Value* apply(Value* address, Value* x, Value* y) {
    Value* pointer = b_.CreateIntToPtr(address, b_.getPtrTy());
    const llvm::Align alignment(static_cast<std::uint64_t>(bits_ / 8));
    llvm::Type* element = emitter_.int_type(bits_);
    if (in_shared_) {
      Value* old = b_.CreateAlignedLoad(element, pointer, alignment);
      b_.CreateAlignedStore(combined(old, x, y, nullptr), pointer, alignment);
      return old;
    }
    if (op_ == AtomicOp::Cas) {
      const AtomicOrdering failure =
          ordering() == AtomicOrdering::AcquireRelease || ordering() == AtomicOrdering::Acquire
              ? AtomicOrdering::Acquire
              : AtomicOrdering::Monotonic;
      Value* pair = b_.CreateAtomicCmpXchg(pointer, x, y, alignment, ordering(), failure);
      return b_.CreateExtractValue(pair, 0);
    }
    if (!ir::is_float(type_)) return b_.CreateAtomicRMW(host_operation(), pointer, x, alignment, ordering());
    return compare_and_swap_loop(address, pointer, x, alignment, element);
  }

  AtomicRMWInst::BinOp host_operation() const {
    const bool sign = ir::is_signed(type_);
    switch (op_) {
      case AtomicOp::And:
        return AtomicRMWInst::And;
      case AtomicOp::Or:
        return AtomicRMWInst::Or;
      case AtomicOp::Xor:
        return AtomicRMWInst::Xor;
      case AtomicOp::Exch:
        return AtomicRMWInst::Xchg;
      case AtomicOp::Inc:
        return AtomicRMWInst::UIncWrap;
      case AtomicOp::Dec:
        return AtomicRMWInst::UDecWrap;
      case AtomicOp::Min:
        return sign ? AtomicRMWInst::Min : AtomicRMWInst::UMin;
      case AtomicOp::Max:
        return sign ? AtomicRMWInst::Max : AtomicRMWInst::UMax;
      default:
        return AtomicRMWInst::Add;
    }
  }

  Value* compare_and_swap_loop(Value* address, Value* pointer, Value* x, llvm::Align alignment,
                               llvm::Type* element) {
    llvm::Function* into = b_.GetInsertBlock()->getParent();
    llvm::BasicBlock* before = b_.GetInsertBlock();
    llvm::BasicBlock* loop = llvm::BasicBlock::Create(emitter_.context(), "swap", into);
    llvm::BasicBlock* done = llvm::BasicBlock::Create(emitter_.context(), "swapped", into);
    llvm::LoadInst* first = b_.CreateAlignedLoad(element, pointer, alignment);
    first->setAtomic(AtomicOrdering::Monotonic);
    b_.CreateBr(loop);
    b_.SetInsertPoint(loop);
    llvm::PHINode* old = b_.CreatePHI(element, 2);
    old->addIncoming(first, before);
    Value* pair = b_.CreateAtomicCmpXchg(
        pointer, old, combined(old, x, nullptr, address), alignment,
        ordering() == AtomicOrdering::Monotonic ? AtomicOrdering::Monotonic : AtomicOrdering::AcquireRelease,
        AtomicOrdering::Monotonic);
    old->addIncoming(b_.CreateExtractValue(pair, 0), b_.GetInsertBlock());
    b_.CreateCondBr(b_.CreateExtractValue(pair, 1), done, loop);
    b_.SetInsertPoint(done);
    return old;
  }

  // address: of a generic access, null where the space is known to be shared.
  Value* combined(Value* old, Value* x, Value* y, Value* address) {
    const bool sign = ir::is_signed(type_);
    switch (op_) {
      case AtomicOp::And:
        return b_.CreateAnd(old, x);
      case AtomicOp::Or:
        return b_.CreateOr(old, x);
      case AtomicOp::Xor:
        return b_.CreateXor(old, x);
      case AtomicOp::Exch:
        return x;
      case AtomicOp::Cas:
        return b_.CreateSelect(b_.CreateICmpEQ(old, x), y, old);
      case AtomicOp::Inc:
        return b_.CreateSelect(b_.CreateICmpUGE(old, x), emitter_.constant(old->getType(), 0),
                               b_.CreateAdd(old, emitter_.constant(old->getType(), 1)));
      case AtomicOp::Dec: {
        Value* restart =
            b_.CreateOr(b_.CreateICmpEQ(old, emitter_.constant(old->getType(), 0)), b_.CreateICmpUGT(old, x));
        return b_.CreateSelect(restart, x, b_.CreateSub(old, emitter_.constant(old->getType(), 1)));
      }
      case AtomicOp::Min:
        if (ir::is_float(type_)) break;
        return b_.CreateBinaryIntrinsic(sign ? llvm::Intrinsic::smin : llvm::Intrinsic::umin, old, x);
      case AtomicOp::Max:
        if (ir::is_float(type_)) break;
        return b_.CreateBinaryIntrinsic(sign ? llvm::Intrinsic::smax : llvm::Intrinsic::umax, old, x);
      default:
        break;
    }
    if (!ir::is_float(type_)) return b_.CreateAdd(old, x);
    const auto of_floats = [&](Type type, Value* p, Value* q, Value* at) {
      if (op_ == AtomicOp::Add) return add_floats(type, p, q, at);
      return FloatValues(emitter_, type).extremum(p, q, op_ == AtomicOp::Max);
    };
    if (!ir::is_packed(type_)) return of_floats(type_, old, x, address);
    Value* result = nullptr;
    for (int half = 0; half < 2; ++half) {
      Value* low = emitter_.resize(half == 0 ? old : b_.CreateLShr(old, 16), 16, false);
      Value* other = emitter_.resize(half == 0 ? x : b_.CreateLShr(x, 16), 16, false);
      Value* sum = emitter_.resize(of_floats(ir::element_type(type_), low, other, nullptr), 32, false);
      result = half == 0 ? sum : b_.CreateOr(result, b_.CreateShl(sum, 16));
    }
    return result;
  }

  // 9.7.13.5: f32 in global memory flushes subnormal inputs and results, in shared memory it does not.
  Value* add_floats(Type type, Value* old, Value* x, Value* address) {
    FloatValues values(emitter_, type);
    const auto sum = [&](Value* a, Value* c) {
      return values.to_bits(b_.CreateFAdd(values.to_float(a), values.to_float(c)));
    };
    if (type == Type::F64) {
      // The payload of the first NaN operand is kept.
      Value* result = sum(old, x);
      Value* nan = values.constant(result, values.nan());
      for (Value* operand : {x, old}) {
        nan = b_.CreateSelect(values.is_nan(operand),
                              b_.CreateOr(operand, values.constant(operand, std::uint64_t{1} << 51)), nan);
      }
      return b_.CreateSelect(values.is_nan(result), nan, result);
    }
    Value* exact = values.canonical_nan(sum(old, x));
    if (type != Type::F32 || address == nullptr) return exact;
    Value* flushed = values.canonical_nan(values.flush(sum(values.flush(old), values.flush(x))));
    if (described_.space == ir::Space::Global) return flushed;
    const auto field = [&](std::size_t offset, llvm::Type* of) {
      return b_.CreateLoad(of, b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), context_, offset));
    };
    Value* start = field(offsetof(WarpContext, shared), b_.getInt64Ty());
    Value* inside = b_.CreateICmpULT(b_.CreateSub(address, start), b_.getInt64(kSharedWindowBytes));
    return b_.CreateSelect(inside, exact, flushed);
  }

  FunctionEmitter& emitter_;
  const Operation& operation_;
  llvm::IRBuilder<>& b_;
  AtomicOp op_;
  Type type_;
  int bits_;
  const ir::Access& described_;
  Value* context_ = nullptr;  // where code is made
  MemoryAccess access_;
  bool in_shared_ = false;
  bool whole_ = false;  // a vector is one number
  bool wants_result_ = false;
};

}  // namespace

bool lower_atomic(FunctionEmitter& emitter, const Operation& operation) {
  if (operation.op != Op::Atomic && operation.op != Op::Reduce) return false;
  AtomicLowering(emitter, operation).run();
  return true;
}

}  // namespace doppel::jit
