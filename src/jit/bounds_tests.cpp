// SPDX-License-Identifier: Apache-2.0
#include "jit/bounds_tests.h"

#include <llvm/ADT/MapVector.h>
#include <llvm/ADT/STLExtras.h>
#include <llvm/Analysis/ValueTracking.h>
#include <llvm/Analysis/VectorUtils.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/MDBuilder.h>
#include <llvm/IR/PatternMatch.h>
#include <llvm/TargetParser/Triple.h>
#include <llvm/Transforms/Utils/BasicBlockUtils.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdlib>
#include <deque>
#include <map>
#include <utility>

#include "jit/host_target.h"
#include "jit/launch_context.h"

namespace doppel::jit {
namespace {

using llvm::Value;

constexpr const char* kRangeMark = "doppel.range";
constexpr const char* kOffsetMark = "doppel.offset";
constexpr const char* kAlignmentMark = "doppel.alignment";
constexpr const char* kOutsideFunction = "outside";
constexpr const char* kKnownInside = "doppel.inside";

// Operands of every mark, before the addresses.
// NOLINTBEGIN(readability-identifier-naming): indices
enum MarkOperand : unsigned { kContext, kMask, kFunction, kInstruction, kFlags, kWidth, kStep, kCommon };
// Of an offset's mark, behind those.
enum OffsetOperand : unsigned { kLimit = kCommon, kFrame, kFrameBytes, kOffsets };
// Of a range's mark: WarpContext::memory.
enum RangeOperand : unsigned { kMemory = kCommon, kAddresses };
// NOLINTEND(readability-identifier-naming)

// What is left of the margin for the access itself.
constexpr std::uint64_t kMostDistance = kMemoryMargin - (std::uint64_t{64} << 20);

llvm::Function* declaration(llvm::Module& module, const char* name) {
  if (llvm::Function* found = module.getFunction(name)) return found;
  llvm::LLVMContext& context = module.getContext();
  llvm::Type* word = llvm::Type::getInt32Ty(context);
  auto* type =
      llvm::FunctionType::get(llvm::Type::getVoidTy(context),
                              {llvm::PointerType::get(context, 0), word, word, word, word, word, word},
                              /*isVarArg=*/true);
  llvm::Function* function = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, name, module);
  function->addFnAttr(llvm::Attribute::NoUnwind);
  // It may not return: nothing that could fault goes before it. It writes nothing that the program knows of.
  function->setMemoryEffects(llvm::MemoryEffects::readOnly() |
                             llvm::MemoryEffects::inaccessibleMemOnly(llvm::ModRefInfo::ModRef));
  return function;
}

void mark(FunctionEmitter& emitter, const char* name, const MarkedAccess& access,
          llvm::ArrayRef<Value*> more) {
  std::vector<Value*> arguments{emitter.launch().context(),
                                emitter.lanes().mask(),
                                emitter.i32(emitter.function_id()),
                                emitter.i32(emitter.instruction_index()),
                                emitter.i32(access.flags),
                                emitter.i32(access.width),
                                emitter.i32(access.step)};
  arguments.insert(arguments.end(), more.begin(), more.end());
  arguments.insert(arguments.end(), access.addresses.begin(), access.addresses.end());
  emitter.b().CreateCall(declaration(emitter.module().llvm, name), arguments);
}

std::uint64_t constant_of(const Value* value) { return llvm::cast<llvm::ConstantInt>(value)->getZExtValue(); }

// An address taken apart.
struct Parts {
  Value* far = nullptr;        // a scalar: U; null: none was found
  std::uint64_t distance = 0;  // of the address from it, at most
  unsigned zeros = 64;         // trailing zeros of the rest
};

// By the far part and how it is turned: what is computed before a loop, or for several accesses.
using Distances = std::map<std::pair<Value*, unsigned>, Value*>;

// Where instructions stood before the first test was added, and which test was the last one. Blocks are split
// behind all of that, from the end, so that each instruction moves once.
class Places {
 public:
  explicit Places(llvm::Function& function) {
    for (llvm::Instruction& instruction : llvm::instructions(function))
      numbers_.try_emplace(&instruction, static_cast<unsigned>(numbers_.size()));
  }
  void tested_at(const llvm::Instruction& mark) {
    last_block_ = mark.getParent();
    last_ = numbers_.lookup(&mark);
  }
  bool comes_before(const llvm::Instruction& a, const llvm::Instruction& b) const {
    return numbers_.lookup(&a) < numbers_.lookup(&b);
  }
  // Whether a block's code from `instruction` to `mark`, which comes next, will not be split.
  bool stay_together(const llvm::Instruction& instruction, const llvm::Instruction& mark) const {
    if (instruction.getParent() != mark.getParent()) return false;
    return last_block_ != mark.getParent() || numbers_.lookup(&instruction) > last_;
  }

 private:
  llvm::DenseMap<const llvm::Instruction*, unsigned> numbers_;
  const llvm::BasicBlock* last_block_ = nullptr;
  unsigned last_ = 0;
};

class Expansion {
 public:
  Expansion(llvm::CallInst& mark, Distances& distances, const Places& places)
      : mark_(mark),
        distances_(distances),
        places_(places),
        b_(&mark),
        layout_(mark.getModule()->getDataLayout()),
        context_(mark.getArgOperand(kContext)) {
    const auto flags = static_cast<std::uint32_t>(constant_of(mark.getArgOperand(kFlags)));
    bytes_ = flags & kAccessSizeMask;
    const std::uint32_t alignment = flags >> kAccessAlignShift;
    alignment_bits_ = alignment <= 1 ? 0 : static_cast<unsigned>(std::countr_zero(alignment));
  }

  // Adds code in front of the mark that tells whether something is outside. False: nothing can be.
  bool test() {
    const llvm::StringRef name = mark_.getCalledFunction()->getName();
    for (unsigned i = first_address(); i < mark_.arg_size(); ++i) {
      Value* address = mark_.getArgOperand(i);
      if (llvm::is_contained(addresses_, address)) continue;
      addresses_.push_back(address);
      if (name == kRangeMark) {
        test_range(address);
      } else {
        if (name == kOffsetMark) test_offset(address);
        if (zeros_of(address) < alignment_bits_) require_clear(address, low_bits());
      }
    }
    return bad_ != nullptr;
  }

  // Behind the tests of all marks, those after this one first.
  void replace_mark() {
    if (bad_ != nullptr) call_where(bad_);
    mark_.eraseFromParent();
  }

 private:
  unsigned first_address() const {
    const llvm::StringRef name = mark_.getCalledFunction()->getName();
    if (name == kOffsetMark) return kOffsets;
    return name == kRangeMark ? unsigned{kAddresses} : unsigned{kCommon};
  }
  std::uint64_t low_bits() const { return (std::uint64_t{1} << alignment_bits_) - 1; }

  void bad_where(Value* condition) { bad_ = bad_ == nullptr ? condition : b_.CreateOr(bad_, condition); }

  // Bits that must be zero in every lane that takes part.
  void require_clear(Value* value, std::uint64_t bits) {
    Value* found = b_.CreateAnd(value, llvm::ConstantInt::get(value->getType(), bits));
    found = b_.CreateICmpNE(found, llvm::ConstantInt::get(found->getType(), 0));
    bad_where(found->getType()->isVectorTy() ? any_lane(found) : found);
  }

  // Whether it holds in a lane that takes part.
  Value* any_lane(Value* lanes) {
    Value* of_mask = b_.CreateAnd(b_.CreateBitCast(lanes, b_.getInt32Ty()), mark_.getArgOperand(kMask));
    return b_.CreateICmpNE(of_mask, b_.getInt32(0));
  }

  unsigned zeros_of(Value* value) { return llvm::computeKnownBits(value, layout_).countMinTrailingZeros(); }

  // The largest distance from zero that the number can have, as far as its sign bits tell.
  std::uint64_t magnitude(Value* value) {
    const unsigned sign = llvm::ComputeNumSignBits(value, layout_);
    return sign <= 1 ? ~std::uint64_t{0} : std::uint64_t{1} << (64 - sign);
  }

  // Finds the one operand of sums that is far from zero, and adds up the others.
  Parts take_apart(Value* value) {
    using namespace llvm::PatternMatch;
    Parts parts;
    Value* rest = value;
    while (true) {
      if (rest->getType()->isVectorTy()) {
        if (Value* scalar = llvm::getSplatValue(rest)) {
          rest = scalar;
          continue;
        }
      }
      Value *a = nullptr, *b = nullptr;
      const bool difference = match(rest, m_Sub(m_Value(a), m_Value(b)));
      if (!difference && !match(rest, m_AddLike(m_Value(a), m_Value(b)))) break;
      std::uint64_t near = magnitude(b);
      if (near > kMostDistance && !difference) {
        std::swap(a, b);
        near = magnitude(b);
      }
      if (near > kMostDistance - parts.distance) break;
      parts.distance += near;
      parts.zeros = std::min(parts.zeros, zeros_of(b));
      rest = a;
    }
    if (!rest->getType()->isVectorTy()) parts.far = rest;
    return parts;
  }

  void test_range(Value* address) {
    constexpr std::uint64_t kBeyond = ~((std::uint64_t{1} << kMemoryBits) - 1);
    const Parts parts = take_apart(address);
    Value* far = parts.far;
    if (far == nullptr) {
      Value* offset = b_.CreateSub(address, b_.CreateVectorSplat(kWarpLanes, memory()));
      require_clear(offset, kBeyond | (zeros_of(address) < alignment_bits_ ? low_bits() : 0));
      return;
    }
    const auto* variable = llvm::dyn_cast<llvm::LoadInst>(far);
    const llvm::MDNode* inside = variable != nullptr ? variable->getMetadata(kKnownInside) : nullptr;
    const unsigned far_zeros =
        inside != nullptr
            ? static_cast<unsigned>(std::countr_zero(
                  llvm::mdconst::extract<llvm::ConstantInt>(inside->getOperand(0))->getZExtValue()))
            : zeros_of(far);
    const bool rest_aligned = parts.zeros >= alignment_bits_;
    const bool far_aligned = far_zeros >= alignment_bits_;
    const bool tested = llvm::is_contained(tested_, far);
    if (inside == nullptr && !tested) {
      tested_.push_back(far);
      if (rest_aligned && !far_aligned) {
        bad_where(b_.CreateICmpUGT(distance_from_memory(far, alignment_bits_),
                                   b_.getInt64(~kBeyond >> alignment_bits_)));
        return;
      }
      bad_where(b_.CreateICmpUGT(distance_from_memory(far, 0), b_.getInt64(~kBeyond)));
    }
    if (tested && rest_aligned) return;  // a neighbouring segment's
    if (!(rest_aligned && far_aligned) && zeros_of(address) < alignment_bits_)
      require_clear(address, low_bits());
  }

  Value* memory() { return mark_.getArgOperand(kMemory); }

  // How far from the start of the card's memory, turned so that the bits that must be zero are the highest
  // ones. What is the same in every round of a loop is computed before it.
  Value* distance_from_memory(Value* far, unsigned turned) {
    llvm::Instruction* place = place_of_distance(far);
    Value* here = nullptr;
    Value*& distance = place == &mark_ ? here : distances_[{far, turned}];
    if (distance != nullptr) return distance;
    llvm::IRBuilder<> b(place);
    distance = b.CreateSub(far, memory());
    if (turned != 0)
      distance = b.CreateIntrinsic(llvm::Intrinsic::fshr, {b.getInt64Ty()},
                                   {distance, distance, b.getInt64(turned)});
    return distance;
  }

  llvm::Instruction* place_of_distance(Value* far) {
    auto* of_far = llvm::dyn_cast<llvm::Instruction>(far);
    auto* of_memory = llvm::dyn_cast<llvm::Instruction>(memory());
    if (of_far == nullptr || of_memory == nullptr || places_.stay_together(*of_far, mark_)) return &mark_;
    llvm::BasicBlock* entry = &mark_.getFunction()->getEntryBlock();
    if (of_memory->getParent() != entry) return &mark_;
    if (of_far->getParent() == entry && places_.comes_before(*of_far, *of_memory)) of_far = of_memory;
    if (of_far->isTerminator()) return &mark_;
    return llvm::isa<llvm::PHINode>(of_far) ? &*of_far->getParent()->getFirstInsertionPt()
                                            : of_far->getNextNode();
  }

  void test_offset(Value* offset) {
    using namespace llvm::PatternMatch;
    // Below the end of the function's own frame.
    Value* frame = mark_.getArgOperand(kFrame);
    const std::uint64_t frame_bytes = constant_of(mark_.getArgOperand(kFrameBytes));
    Value* in_frame = offset;
    if (!llvm::isa<llvm::ConstantInt>(frame)) {
      Value *a = nullptr, *b = nullptr;
      const auto is_frame = [&](Value* value) {
        Value* scalar = value->getType()->isVectorTy() ? llvm::getSplatValue(value) : value;
        return scalar == frame;
      };
      in_frame = nullptr;
      if (is_frame(offset)) {
        in_frame = b_.getInt64(0);
      } else if (match(offset, m_AddLike(m_Value(a), m_Value(b)))) {
        if (is_frame(a)) in_frame = b;
        if (is_frame(b)) in_frame = a;
      }
    }
    if (in_frame != nullptr && frame_bytes >= bytes_) {
      const llvm::APInt most = llvm::computeKnownBits(in_frame, layout_).getMaxValue();
      if (most.ule(frame_bytes - bytes_)) return;
    }
    Value* limit = mark_.getArgOperand(kLimit);
    if (!offset->getType()->isVectorTy()) {
      bad_where(b_.CreateICmpUGT(offset, limit));
      return;
    }
    Value* beyond = b_.CreateICmpUGT(offset, b_.CreateVectorSplat(kWarpLanes, limit));
    bad_where(any_lane(beyond));
  }

  // A generic address may be one of the block's shared memory, as those of wmma.load often are.
  bool may_be_shared() const {
    const auto flags = static_cast<std::uint32_t>(constant_of(mark_.getArgOperand(kFlags)));
    const auto space = static_cast<ir::Space>(flags >> kAccessSpaceShift & 0xf);
    const std::uint64_t step = constant_of(mark_.getArgOperand(kStep));
    return space == ir::Space::Generic && (step & low_bits()) == 0;
  }

  // A scalar address without what is added to it that is known now.
  static std::pair<Value*, std::int64_t> base_of(Value* address) {
    using namespace llvm::PatternMatch;
    constexpr std::int64_t kMost = std::int64_t{1} << 32;  // sums of a few stay small
    std::int64_t distance = 0;
    Value* base = nullptr;
    llvm::ConstantInt* more = nullptr;
    while (match(address, m_AddLike(m_Value(base), m_ConstantInt(more)))) {
      const std::int64_t by = more->getSExtValue();
      if (by < -kMost || by > kMost || std::abs(distance + by) > kMost) break;
      distance += by;
      address = base;
    }
    return {address, distance};
  }

  // Whether some lane of all is not aligned there, or beyond it.
  Value* outside_shared(llvm::IRBuilder<>& b) {
    const auto load = [&](llvm::Type* type, std::size_t offset) {
      return b.CreateLoad(type, b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), context_, offset));
    };
    Value* shared = load(b.getInt64Ty(), offsetof(WarpContext, shared));
    Value* size = b.CreateZExt(b.CreateAdd(load(b.getInt32Ty(), offsetof(WarpContext, static_shared_bytes)),
                                           load(b.getInt32Ty(), offsetof(WarpContext, dynamic_shared_bytes))),
                               b.getInt64Ty());
    // Of a segment's first lane, whose others lie behind it.
    const std::uint64_t bytes =
        bytes_ + (constant_of(mark_.getArgOperand(kWidth)) - 1) * constant_of(mark_.getArgOperand(kStep));
    Value *outside = nullptr, *bits = nullptr;
    const auto add = [&](Value* first, std::uint64_t all_bytes) {
      const bool vector = first->getType()->isVectorTy();
      const auto all = [&](Value* value) { return vector ? b.CreateVectorSplat(kWarpLanes, value) : value; };
      Value* last = b.CreateSub(size, b.getInt64(all_bytes));
      Value* beyond = b.CreateICmpUGT(b.CreateSub(first, all(shared)), all(last));
      if (vector) beyond = b.CreateICmpNE(b.CreateBitCast(beyond, b.getInt32Ty()), b.getInt32(0));
      beyond = b.CreateOr(b.CreateICmpULT(size, b.getInt64(all_bytes)), beyond);
      outside = outside == nullptr ? beyond : b.CreateOr(outside, beyond);
      if (alignment_bits_ == 0) return;
      Value* scalar = vector ? b.CreateOrReduce(first) : first;
      bits = bits == nullptr ? scalar : b.CreateOr(bits, scalar);
    };
    // Those that lie at known distances, as the rows of a matrix do, from the first to the last at once.
    llvm::MapVector<Value*, std::vector<std::int64_t>> distances;
    for (Value* address : addresses_) {
      if (address->getType()->isVectorTy()) {
        add(address, bytes);
      } else {
        const auto [base, distance] = base_of(address);
        distances[base].push_back(distance);
      }
    }
    for (const auto& [base, from_base] : distances) {
      const auto [least, most] = std::ranges::minmax(from_base);
      const auto aligned = [&, first = least](std::int64_t distance) {
        return (static_cast<std::uint64_t>(distance - first) & low_bits()) == 0;
      };
      if (!std::ranges::all_of(from_base, aligned)) return b.getTrue();
      add(b.CreateAdd(base, b.getInt64(static_cast<std::uint64_t>(least))),
          bytes + static_cast<std::uint64_t>(most - least));
    }
    if (bits != nullptr)
      outside = b.CreateOr(outside, b.CreateICmpNE(b.CreateAnd(bits, b.getInt64(low_bits())), b.getInt64(0)));
    return outside;
  }

  void call_where(Value* condition) {
    llvm::LLVMContext& context = mark_.getContext();
    llvm::Instruction* before = llvm::SplitBlockAndInsertIfThen(
        condition, &mark_, /*Unreachable=*/false, llvm::MDBuilder(context).createBranchWeights(1, 1u << 20));
    llvm::IRBuilder<> b(before);
    b.SetCurrentDebugLocation(mark_.getDebugLoc());
    if (may_be_shared()) {
      before = llvm::SplitBlockAndInsertIfThen(outside_shared(b), before, /*Unreachable=*/false,
                                               llvm::MDBuilder(context).createBranchWeights(1, 1u << 20));
      b.SetInsertPoint(before);
      b.SetCurrentDebugLocation(mark_.getDebugLoc());
    }
    const auto field = [&](std::size_t offset) {
      return b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), context_, offset);
    };
    const auto width = constant_of(mark_.getArgOperand(kWidth));
    constexpr std::size_t kRecords = offsetof(WarpContext, access_addresses);
    const unsigned first = first_address();
    for (unsigned i = first; i < mark_.arg_size(); ++i) {
      Value* address = mark_.getArgOperand(i);
      if (!address->getType()->getScalarType()->isIntegerTy(64))
        address = b.CreateZExt(address, address->getType()->getWithNewBitWidth(64));
      b.CreateAlignedStore(address, field(kRecords + sizeof(std::uint64_t) * width * (i - first)),
                           llvm::Align(8));
    }
    llvm::Function* outside = function_outside();
    const std::uint64_t place =
        constant_of(mark_.getArgOperand(kFunction)) << 32 | constant_of(mark_.getArgOperand(kInstruction));
    auto* call = b.CreateCall(
        outside, {context_, mark_.getArgOperand(kMask), b.getInt64(place), mark_.getArgOperand(kFlags),
                  mark_.getArgOperand(kWidth), mark_.getArgOperand(kStep)});
    call->setCallingConv(outside->getCallingConv());
    call->addFnAttr(llvm::Attribute::Cold);
  }

  // (context, mask, function and instruction, flags, width, step): completes the record of the access and
  // calls the callback. Its caller keeps its vectors where they are.
  llvm::Function* function_outside() {
    llvm::Module& module = *mark_.getModule();
    if (llvm::Function* found = module.getFunction(kOutsideFunction)) return found;
    llvm::Type* word = b_.getInt32Ty();
    auto* type = llvm::FunctionType::get(b_.getVoidTy(),
                                         {b_.getPtrTy(), word, b_.getInt64Ty(), word, word, word}, false);
    llvm::Function* function =
        llvm::Function::Create(type, llvm::GlobalValue::InternalLinkage, kOutsideFunction, module);
    HostTarget::get().apply(*function);
    function->addFnAttr(llvm::Attribute::NoInline);
    function->addFnAttr(llvm::Attribute::Cold);
    if (llvm::Triple(module.getTargetTriple()).isX86()) {
      function->setCallingConv(llvm::CallingConv::PreserveAll);
      // LLVM would clear the upper halves of the vectors that it has just restored, before it returns.
      function->addFnAttr("target-features", HostTarget::get().features() + ",-vzeroupper");
    }
    llvm::IRBuilder<> b(llvm::BasicBlock::Create(module.getContext(), "entry", function));
    const auto load = [&](Value* from, std::size_t offset) {
      return b.CreateLoad(b.getPtrTy(), b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), from, offset));
    };
    Value* callback = load(load(function->getArg(0), offsetof(WarpContext, callbacks)),
                           offsetof(RuntimeCallbacks, outside));
    const auto record = [&](Value* value, std::size_t offset) {
      b.CreateStore(value, b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), function->getArg(0), offset));
    };
    record(function->getArg(4), offsetof(WarpContext, access_width));
    record(function->getArg(5), offsetof(WarpContext, access_step));
    Value* place = function->getArg(2);
    b.CreateCall(llvm::FunctionType::get(b_.getVoidTy(), {b_.getPtrTy(), word, word, word, word}, false),
                 callback,
                 {function->getArg(0), function->getArg(1), b.CreateTrunc(b.CreateLShr(place, 32), word),
                  b.CreateTrunc(place, word), function->getArg(3)});
    b.CreateRetVoid();
    return function;
  }

  llvm::CallInst& mark_;
  Distances& distances_;
  const Places& places_;
  llvm::IRBuilder<> b_;
  const llvm::DataLayout& layout_;
  Value* context_;
  std::uint32_t bytes_ = 0;
  unsigned alignment_bits_ = 0;
  std::vector<Value*> addresses_, tested_;
  Value* bad_ = nullptr;
};

}  // namespace

void mark_range_test(FunctionEmitter& emitter, const MarkedAccess& access) {
  Value* memory = emitter.launch().field(offsetof(WarpContext, memory), emitter.b().getInt64Ty());
  mark(emitter, kRangeMark, access, {memory});
}

void mark_offset_test(FunctionEmitter& emitter, const MarkedAccess& access, Value* limit, Value* frame,
                      std::uint64_t frame_bytes) {
  mark(emitter, kOffsetMark, access, {limit, frame, emitter.i64(frame_bytes)});
}

void mark_alignment_test(FunctionEmitter& emitter, const MarkedAccess& access) {
  mark(emitter, kAlignmentMark, access, {});
}

bool is_bounds_mark(const llvm::Instruction& instruction) {
  const auto* call = llvm::dyn_cast<llvm::CallInst>(&instruction);
  const llvm::Function* callee = call != nullptr ? call->getCalledFunction() : nullptr;
  return callee != nullptr && (callee->getName() == kRangeMark || callee->getName() == kOffsetMark ||
                               callee->getName() == kAlignmentMark);
}

void expand_bounds_tests(llvm::Function& function) {
  std::vector<llvm::CallInst*> marks;
  for (llvm::Instruction& instruction : llvm::instructions(function)) {
    if (is_bounds_mark(instruction)) marks.push_back(llvm::cast<llvm::CallInst>(&instruction));
  }
  if (marks.empty()) return;
  Distances distances;
  Places places(function);
  std::deque<Expansion> expansions;
  for (llvm::CallInst* mark : marks) {
    if (expansions.emplace_back(*mark, distances, places).test()) places.tested_at(*mark);
  }
  while (!expansions.empty()) {
    expansions.back().replace_mark();
    expansions.pop_back();
  }
}

void mark_known_inside(llvm::LoadInst& address, std::uint64_t alignment) {
  auto* bytes = llvm::ConstantInt::get(llvm::Type::getInt64Ty(address.getContext()), alignment);
  address.setMetadata(kKnownInside,
                      llvm::MDNode::get(address.getContext(), {llvm::ConstantAsMetadata::get(bytes)}));
}

}  // namespace doppel::jit
