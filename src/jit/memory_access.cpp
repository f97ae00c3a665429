// SPDX-License-Identifier: Apache-2.0
#include "jit/memory_access.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

#include "jit/lane_loop.h"
#include "jit/launch_context.h"

namespace doppel::jit {
namespace {

// How far ahead of a warp's own loads: 16 warps of 4-byte elements. From 1 KiB to 4 KiB, a*x+y streams a
// third faster than without (bench/, x86-64 with AVX-512); nearer is less.
constexpr std::int64_t kPrefetchBytes = 2048;
constexpr std::int64_t kHostLineBytes = 64;

}  // namespace

using ir::Operand;
using ir::Space;
using llvm::Value;

MemoryAccess::MemoryAccess(FunctionEmitter& emitter, const ir::Operation& operation, const ir::Access& access)
    : emitter_(emitter),
      b_(emitter.b()),
      operation_(operation),
      access_(access),
      space_(access.space),
      element_bits_(ir::bit_width(access.type)),
      element_bytes_(element_bits_ / 8),
      elements_(access.vector) {
  // A block lives on one host thread, and control leaves a warp only through calls that LLVM cannot see
  // through: in shared memory a plain access in program order is as strong as any.
  const bool in_shared = space_ == Space::Shared || space_ == Space::SharedCluster;
  strong_ = access.is_strong() && !in_shared;
  resolve(access.address);
}

void MemoryAccess::resolve(const ir::Address& address) {
  analysis::PatternArithmetic<FunctionEmitter::Scalars> arithmetic(emitter_.scalars());
  const bool from_register = address.base == ir::Address::Base::Register;
  const bool from_symbol = address.base == ir::Address::Base::Symbol;
  const auto constant = [&](std::int64_t value, int bits) {
    return arithmetic.uniform(emitter_.scalars().constant(value, bits), bits, 0);
  };
  const auto sum = [&](const Lanes& a, const Lanes& b) {
    if (a.pattern.is_parts() && b.pattern.is_parts()) {
      if (auto result = arithmetic.add(a, b)) return *result;
    }
    return emitter_.varying(b_.CreateAdd(emitter_.materialize(a), emitter_.materialize(b)));
  };

  const auto base_register = [&] { return emitter_.read(Operand::of_register(address.reg), ir::Type::B64); };

  if (space_ == Space::Param) {
    if (from_symbol &&
        (address.symbol.scope == ir::SymbolRef::Scope::Function || !emitter_.function().is_kernel)) {
      // Parameters of calls: 32 values side by side, lane by lane.
      const std::uint64_t size = ir::variable(emitter_.module().ir, emitter_.function(), address.symbol).size;
      resolve_body_parameter(address, emitter_.launch().parameter_memory(address.symbol), size);
      return;
    }
    invariant_ = true;
    Value* base = emitter_.launch().field(offsetof(WarpContext, parameters), b_.getInt64Ty());
    Lanes offset = from_symbol     ? emitter_.uniform(emitter_.launch().symbol_address(address.symbol))
                   : from_register ? base_register()
                                   : constant(0, 64);
    if (offset.pattern.bits == 32)
      offset = emitter_.varying(emitter_.resize(emitter_.materialize(offset), 64, false));
    address_ = sum(offset, emitter_.uniform(base));
    offset_ = address.offset;
    window_offset_ = offset;
    last_offset_ = b_.CreateBinaryIntrinsic(llvm::Intrinsic::usub_sat,
                                            emitter_.i64(emitter_.launch().kernel_parameter_bytes()),
                                            emitter_.i64(access_bytes()));
    if (from_symbol && address.offset >= 0)
      parameter_ =
          emitter_.launch().parameter_offset(address.symbol) + static_cast<std::uint64_t>(address.offset);
    return;
  }

  Lanes base;
  if (from_register) {
    base = base_register();
  } else if (from_symbol) {
    base = emitter_.uniform(emitter_.launch().symbol_address(address.symbol));
  } else {
    base = constant(0, 64);
  }

  if (space_ == Space::Shared || space_ == Space::SharedCluster) {
    if (base.pattern.bits == 64) {
      std::optional<Lanes> low;
      if (base.pattern.is_parts()) low = arithmetic.truncate(base);
      base = low ? *low : emitter_.varying(emitter_.resize(emitter_.materialize(base), 32, false));
    }
    address_ = base;
    offset_ = analysis::wrap(address.offset, 32);
    window_ = emitter_.launch().field(offsetof(WarpContext, shared), b_.getInt64Ty());
    return;
  }
  if (base.pattern.bits == 32) {
    std::optional<Lanes> wide;
    if (base.pattern.is_parts()) wide = arithmetic.widen(base, false);
    base = wide ? *wide : emitter_.varying(emitter_.resize(emitter_.materialize(base), 64, false));
  }
  address_ = base;
  offset_ = address.offset;
  if (space_ == Space::Local) {
    window_offset_ = address_;
    last_offset_ = b_.CreateBinaryIntrinsic(
        llvm::Intrinsic::usub_sat,
        emitter_.launch().field(offsetof(WarpContext, local_stride), b_.getInt64Ty()),
        emitter_.i64(access_bytes()));
    address_ = sum(address_, emitter_.launch().window_base(Space::Local));
  }
  invariant_ = space_ == Space::Const || access_.cache == ir::CacheOp::Nc;
}

void MemoryAccess::resolve_body_parameter(const ir::Address& address, Value* memory, std::uint64_t size) {
  if (address.offset < 0 || static_cast<std::uint64_t>(address.offset) + access_bytes() > size)
    emitter_.unsupported(operation_, "it reaches beyond the parameter");
  address_ = Lanes{};
  address_.pattern = analysis::LanePattern::uniform(64);
  for (int lane = 0; lane < kWarpLanes; ++lane) {
    address_.pattern.linear.offset[lane] = static_cast<std::int64_t>(size) * lane;
  }
  Value* start =
      b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), memory, static_cast<std::uint64_t>(address.offset));
  address_.parts.push_back(b_.CreatePtrToInt(start, b_.getInt64Ty()));
}

Value* MemoryAccess::addresses() {
  if (addresses_ == nullptr) {
    addresses_ = emitter_.materialize(address_);
    if (offset_ != 0)
      addresses_ = b_.CreateAdd(
          addresses_, emitter_.constant(addresses_->getType(), static_cast<std::uint64_t>(offset_)));
    if (window_ != nullptr)
      addresses_ = b_.CreateAdd(emitter_.resize(addresses_, 64, false), emitter_.splat(window_));
  }
  return addresses_;
}

Value* MemoryAccess::uniform_address() {
  if (!address_.pattern.is_uniform()) return nullptr;
  Value* address = address_.parts[0];
  if (offset_ != 0)
    address =
        b_.CreateAdd(address, emitter_.constant(address->getType(), static_cast<std::uint64_t>(offset_)));
  return window_ == nullptr ? address : b_.CreateAdd(emitter_.resize(address, 64, false), window_);
}

// Traced and checked builds tell the engine about every access before it is made, but for the memory of a
// call's parameters.
bool MemoryAccess::is_announced() const {
  return emitter_.module().variant.build != Build::Plain && (space_ != Space::Param || invariant_);
}

// Before the access is made: its addresses to the context, and a call where the engine wants to know.
void MemoryAccess::begin(std::uint32_t kind, const AccessPlan* plan) {
  test(plan, kind);
  // Shared and local memory cannot fault by a program's address alone where the engine guards its windows;
  // the report for them does without.
  if (is_announced() || space_ == ir::Space::Global || space_ == ir::Space::Generic) record(plan);
  announce(kind);
}

void MemoryAccess::announce(std::uint32_t kind) {
  if (is_announced()) emit_access_callback(emitter_, flags(kind), elements_);
}

std::uint32_t MemoryAccess::flags(std::uint32_t kind) const {
  const auto bytes = static_cast<std::uint32_t>(access_bytes());
  return kind | bytes | static_cast<std::uint32_t>(space_) << kAccessSpaceShift | bytes << kAccessAlignShift;
}

// Marks what has to be tested before the access is made. plan: null where it goes lane by lane.
void MemoryAccess::test(const AccessPlan* plan, std::uint32_t kind) {
  if (space_ == Space::Param && last_offset_ == nullptr) return;  // tested when it was resolved
  MarkedAccess access;
  access.flags = flags(kind);
  if (last_offset_ != nullptr) {
    access.addresses.push_back(offsets());
    access.width = access.addresses[0]->getType()->isVectorTy() ? 1 : kWarpLanes;
    const bool local = space_ == Space::Local;
    mark_offset_test(emitter_, access, last_offset_,
                     local ? emitter_.launch().frame_offset() : emitter_.i64(0),
                     local ? emitter_.launch().frame_bytes() : emitter_.launch().kernel_parameter_bytes());
    return;
  }
  bool alike = plan != nullptr;
  for (std::size_t s = 1; alike && s < plan->segments.size(); ++s)
    alike = plan->segments[s].broadcast == plan->segments[0].broadcast;
  if (alike) {
    access.width = static_cast<std::uint32_t>(plan->width);
    access.step = plan->segments[0].broadcast ? 0 : static_cast<std::uint32_t>(access_bytes());
    for (const AccessSegment& segment : plan->segments) {
      Value* address = window_ != nullptr ? segment.in_window : segment.address;
      access.addresses.push_back(
          b_.CreateAdd(address, emitter_.i64(static_cast<std::uint64_t>(segment.offset))));
    }
  } else if (Value* address = uniform_address()) {
    access.width = kWarpLanes;
    access.addresses.push_back(window_ == nullptr ? address : b_.CreateSub(address, window_));
  } else {
    Value* each = addresses();
    access.addresses.push_back(window_ == nullptr ? each : b_.CreateSub(each, emitter_.splat(window_)));
  }
  if (window_ != nullptr) {
    if (access_bytes() > 1) mark_alignment_test(emitter_, access);
  } else {
    mark_range_test(emitter_, access);
  }
}

// Of all lanes in a window, or of each: 64 bits.
Value* MemoryAccess::offsets() {
  Value* offset =
      window_offset_.pattern.is_uniform() ? window_offset_.parts[0] : emitter_.materialize(window_offset_);
  return b_.CreateAdd(offset, emitter_.constant(offset->getType(), static_cast<std::uint64_t>(offset_)));
}

void MemoryAccess::record_form(int width, int step) {
  b_.CreateStore(emitter_.i32(static_cast<std::uint32_t>(width)),
                 emitter_.launch().field_address(offsetof(WarpContext, access_width)));
  b_.CreateStore(emitter_.i32(static_cast<std::uint32_t>(step)),
                 emitter_.launch().field_address(offsetof(WarpContext, access_step)));
}

void MemoryAccess::record(const AccessPlan* plan) {
  const std::size_t field = offsetof(WarpContext, access_addresses);
  bool alike = plan != nullptr;
  for (std::size_t s = 1; alike && s < plan->segments.size(); ++s)
    alike = plan->segments[s].broadcast == plan->segments[0].broadcast;
  if (alike) {
    for (const AccessSegment& segment : plan->segments) {
      b_.CreateStore(
          b_.CreateAdd(segment.address, emitter_.i64(static_cast<std::uint64_t>(segment.offset))),
          emitter_.launch().field_address(field + 8 * static_cast<std::size_t>(segment.first_lane)));
    }
    record_form(plan->width, plan->segments[0].broadcast ? 0 : element_bytes_ * elements_);
    return;
  }
  if (Value* address = uniform_address()) {
    b_.CreateStore(address, emitter_.launch().field_address(field));
    record_form(kWarpLanes, 0);
    return;
  }
  b_.CreateAlignedStore(addresses(), emitter_.launch().field_address(field), llvm::Align(8));
  record_form(1, 0);
}

Value* MemoryAccess::pointer(Value* address, std::int64_t offset) {
  Value* start = b_.CreateIntToPtr(address, b_.getPtrTy());
  return offset == 0 ? start
                     : b_.CreateConstGEP1_64(b_.getInt8Ty(), start, static_cast<std::uint64_t>(offset));
}

Value* MemoryAccess::segment_mask(int first_lane, int width) {
  Value* mask = emitter_.lanes().mask_vector();
  if (width != kWarpLanes) {
    std::vector<int> lanes;
    for (int lane = 0; lane < width; ++lane) lanes.push_back(first_lane + lane);
    mask = b_.CreateShuffleVector(mask, lanes);
  }
  if (elements_ > 1) {
    std::vector<int> repeated;
    for (int i = 0; i < width * elements_; ++i) repeated.push_back(i / elements_);
    mask = b_.CreateShuffleVector(mask, repeated);
  }
  return mask;
}

void MemoryAccess::note(const AccessPlan* plan) {
  std::vector<AccessNote>* const accesses = emitter_.module().accesses;
  if (accesses == nullptr) return;
  std::string text = "lane by lane";
  if (plan != nullptr) {
    const auto broadcasts = std::ranges::count_if(plan->segments, &AccessSegment::broadcast);
    const auto repeats =
        std::ranges::count_if(plan->segments, [](const AccessSegment& each) { return each.same_as >= 0; });
    const auto all = static_cast<std::ptrdiff_t>(plan->segments.size());
    text = all == 1 ? fmt::format("{} lanes", plan->width) : fmt::format("{} x {} lanes", all, plan->width);
    text += broadcasts == 0     ? " side by side"
            : broadcasts == all ? " at one address"
                                : ", some at one address";
    if (repeats > 0) text += fmt::format(", {} of them as before", repeats);
    if (plan->valid != nullptr) text += ", where no 32-bit part wraps around";
  }
  accesses->push_back({emitter_.function_id(), emitter_.instruction_index(), text});
}

std::vector<Value*> MemoryAccess::load() {
  if (std::vector<Value*> values = load_before_loop(); !values.empty()) return values;
  const std::optional<AccessPlan> plan =
      plan_access(emitter_, address_, offset_, window_, element_bytes_ * elements_);
  note(plan ? &*plan : nullptr);
  if (!plan) return load_each();
  if (plan->valid == nullptr) return load_planned(*plan);
  llvm::Function* into = b_.GetInsertBlock()->getParent();
  llvm::BasicBlock* fast = llvm::BasicBlock::Create(emitter_.context(), "fast", into);
  llvm::BasicBlock* slow = llvm::BasicBlock::Create(emitter_.context(), "slow", into);
  llvm::BasicBlock* done = llvm::BasicBlock::Create(emitter_.context(), "loaded", into);
  emitter_.lanes().mask_vector();
  b_.CreateCondBr(plan->valid, fast, slow, emitter_.likely());
  b_.SetInsertPoint(fast);
  std::vector<Value*> planned = load_planned(*plan);
  for (Value*& value : planned) value = emitter_.splat(value);
  fast = b_.GetInsertBlock();
  b_.CreateBr(done);
  b_.SetInsertPoint(slow);
  addresses_ = nullptr;
  std::vector<Value*> each = load_lanes();
  slow = b_.GetInsertBlock();
  b_.CreateBr(done);
  b_.SetInsertPoint(done);
  addresses_ = nullptr;
  std::vector<Value*> results;
  for (std::size_t i = 0; i < planned.size(); ++i) {
    llvm::PHINode* phi = b_.CreatePHI(planned[i]->getType(), 2);
    phi->addIncoming(planned[i], fast);
    phi->addIncoming(each[i], slow);
    results.push_back(phi);
  }
  return results;
}

// Warps run one after the other, and where each reads once what lies side by side, they read memory as a
// stream: but over more code than the host looks ahead. Asks for what a warp some turns later will read; an
// address that cannot be read is no fault here.
void MemoryAccess::prefetch(const AccessPlan& plan) {
  if (space_ != ir::Space::Global && space_ != ir::Space::Generic) return;
  if (plan.segments.size() != 1 || plan.segments[0].broadcast || !emitter_.runs_once()) return;
  const AccessSegment& segment = plan.segments[0];
  for (std::int64_t line = 0; line < std::int64_t{plan.width} * element_bytes_ * elements_;
       line += kHostLineBytes) {
    b_.CreateIntrinsic(llvm::Intrinsic::prefetch, {b_.getPtrTy()},
                       {pointer(segment.address, segment.offset + kPrefetchBytes + line), b_.getInt32(0),
                        b_.getInt32(3), b_.getInt32(1)});
  }
}

// A kernel's parameter, where its code loops over the warps of a block; else nothing.
std::vector<Value*> MemoryAccess::load_before_loop() {
  std::vector<Value*> values;
  if (!parameter_) return values;
  for (int k = 0; k < elements_; ++k) {
    Value* value = emitter_.launch().parameter_before_loop(
        *parameter_ + static_cast<std::uint64_t>(k * element_bytes_), element_bits_);
    if (value == nullptr) return {};
    values.push_back(value);
  }
  return values;
}

std::vector<Value*> MemoryAccess::load_planned(const AccessPlan& plan) {
  begin(0, &plan);
  prefetch(plan);
  llvm::Type* element = b_.getIntNTy(static_cast<unsigned>(element_bits_));
  const bool one_address = plan.segments.size() == 1 && plan.segments[0].broadcast;
  const auto finish = [&](llvm::LoadInst* load) {
    if (strong_) load->setVolatile(true);
    if (invariant_)
      load->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(emitter_.context(), {}));
    return load;
  };
  // parts[segment][element]
  std::vector<std::vector<Value*>> parts;
  for (std::size_t s = 0; s < plan.segments.size(); ++s) {
    const AccessSegment& segment = plan.segments[s];
    if (segment.same_as >= 0) {
      parts.push_back(parts[static_cast<std::size_t>(segment.same_as)]);
      continue;
    }
    // Lanes that this load serves: those of all segments at the same addresses.
    Value* mask = nullptr;
    if (!emitter_.lanes().all()) {
      mask = segment_mask(segment.first_lane, plan.width);
      for (std::size_t other = s + 1; other < plan.segments.size(); ++other) {
        if (plan.segments[other].same_as == static_cast<int>(s)) {
          mask = b_.CreateOr(mask, segment_mask(plan.segments[other].first_lane, plan.width));
        }
      }
    }
    std::vector<Value*> values;
    if (segment.broadcast) {
      Value* address = segment.address;
      std::int64_t offset = segment.offset;
      if (mask != nullptr && (!one_address || emitter_.lanes().may_be_empty())) {
        // No lane may need it: then any readable address does.
        Value* safe = b_.CreatePtrToInt(emitter_.launch().context(), b_.getInt64Ty());
        Value* wanted = b_.CreateAdd(address, emitter_.i64(static_cast<std::uint64_t>(offset)));
        address = b_.CreateSelect(b_.CreateOrReduce(mask), wanted, safe);
        offset = 0;
      }
      for (int k = 0; k < elements_; ++k) {
        Value* value =
            finish(b_.CreateAlignedLoad(element, pointer(address, offset + k * element_bytes_), alignment()));
        values.push_back(one_address ? value
                                     : b_.CreateVectorSplat(static_cast<unsigned>(plan.width), value));
      }
    } else {
      auto* type = llvm::FixedVectorType::get(element, static_cast<unsigned>(plan.width * elements_));
      Value* whole = nullptr;
      if (mask == nullptr) {
        whole = finish(b_.CreateAlignedLoad(type, pointer(segment.address, segment.offset), alignment()));
      } else {
        whole = b_.CreateMaskedLoad(type, pointer(segment.address, segment.offset), alignment(), mask,
                                    llvm::Constant::getNullValue(type));
      }
      for (int k = 0; k < elements_; ++k) {
        if (elements_ == 1) {
          values.push_back(whole);
          break;
        }
        std::vector<int> stride;
        for (int lane = 0; lane < plan.width; ++lane) stride.push_back(lane * elements_ + k);
        values.push_back(b_.CreateShuffleVector(whole, stride));
      }
    }
    parts.push_back(std::move(values));
  }
  if (plan.segments.size() == 1) return parts[0];
  // Joins the segments two by two.
  while (parts.size() > 1) {
    std::vector<std::vector<Value*>> joined;
    for (std::size_t s = 0; s < parts.size(); s += 2) {
      std::vector<Value*> values;
      for (int k = 0; k < elements_; ++k) {
        Value* low = parts[s][static_cast<std::size_t>(k)];
        const int width =
            static_cast<int>(llvm::cast<llvm::FixedVectorType>(low->getType())->getNumElements());
        std::vector<int> both;
        for (int lane = 0; lane < 2 * width; ++lane) both.push_back(lane);
        values.push_back(b_.CreateShuffleVector(low, parts[s + 1][static_cast<std::size_t>(k)], both));
      }
      joined.push_back(std::move(values));
    }
    parts = std::move(joined);
  }
  return parts[0];
}

std::vector<Value*> MemoryAccess::load_each() {
  // The host gathers 32- and 64-bit elements only.
  if ((element_bits_ != 32 && element_bits_ != 64) || !emitter_.module().wide_vectors || strong_)
    return load_lanes();
  std::vector<Value*> results;
  llvm::Type* type = emitter_.int_type(element_bits_, false);
  begin(0, nullptr);
  for (int k = 0; k < elements_; ++k) {
    Value* at = addresses();
    if (k != 0)
      at = b_.CreateAdd(at, emitter_.constant(at->getType(), static_cast<std::uint64_t>(k * element_bytes_)));
    Value* pointers = b_.CreateIntToPtr(at, emitter_.vector_of(b_.getPtrTy()));
    results.push_back(b_.CreateMaskedGather(type, pointers, alignment(), emitter_.lanes().mask_vector(),
                                            llvm::Constant::getNullValue(type)));
  }
  return results;
}

LaneAddresses MemoryAccess::begin_lanes(std::uint32_t kind, ScratchSlots& scratch) {
  test(nullptr, kind);
  if (is_announced() || space_ == Space::Global || space_ == Space::Generic) {
    Value* memory = emitter_.launch().field_address(offsetof(WarpContext, access_addresses));
    b_.CreateAlignedStore(addresses(), memory, llvm::Align(8));
    if (is_announced()) {
      record_form(1, 0);
      announce(kind);
    }
    return {memory, nullptr, true};
  }
  if (window_ == nullptr) return {scratch.store(addresses()), nullptr, false};
  return {scratch.store(emitter_.materialize(address_)), emitter_.i32(static_cast<std::uint32_t>(offset_)),
          false};
}

// Lane by lane, in the order of the lanes.
void MemoryAccess::access_lanes(bool is_store, Value* values, ScratchSlots& scratch) {
  const LaneAddresses addresses = begin_lanes(is_store ? kAccessStore : 0, scratch);
  llvm::Type* element = b_.getIntNTy(static_cast<unsigned>(element_bits_));
  LaneFunction function;
  function.name = fmt::format("{}{}x{}{}", is_store ? "store" : "load", element_bits_, elements_,
                              strong_ ? ".volatile" : "");
  if (!is_store) function.result_bytes = static_cast<std::uint64_t>(kWarpLanes * element_bytes_ * elements_);
  function.body = [&](const LaneArguments& lane) {
    for (int k = 0; k < elements_; ++k) {
      Value* here = pointer(lane.address, std::int64_t{k} * element_bytes_);
      Value* slot = b_.CreateGEP(element, lane.values,
                                 b_.CreateAdd(lane.lane, b_.getInt32(static_cast<unsigned>(k * kWarpLanes))));
      if (is_store) {
        b_.CreateAlignedStore(b_.CreateLoad(element, slot), here, alignment())->setVolatile(strong_);
      } else {
        llvm::LoadInst* load = b_.CreateAlignedLoad(element, here, alignment());
        load->setVolatile(strong_);
        b_.CreateStore(load, slot);
      }
    }
  };
  call_lane_function(emitter_, function, addresses, values);
}

std::vector<Value*> MemoryAccess::load_lanes() {
  ScratchSlots scratch(emitter_);
  llvm::Type* lanes = emitter_.int_type(element_bits_, false);
  const auto bytes = static_cast<std::uint64_t>(kWarpLanes * element_bytes_);
  Value* values = scratch.take(bytes * static_cast<std::uint64_t>(elements_));
  access_lanes(false, values, scratch);
  std::vector<Value*> results;
  for (int k = 0; k < elements_; ++k) {
    results.push_back(b_.CreateLoad(
        lanes, b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), values, bytes * static_cast<unsigned>(k))));
  }
  return results;
}

void MemoryAccess::store_lanes(const std::vector<Value*>& lanes) {
  ScratchSlots scratch(emitter_);
  const auto bytes = static_cast<std::uint64_t>(kWarpLanes * element_bytes_);
  Value* values = scratch.take(bytes * static_cast<std::uint64_t>(elements_));
  for (int k = 0; k < elements_; ++k) {
    b_.CreateStore(emitter_.splat(lanes[static_cast<std::size_t>(k)]),
                   b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), values, bytes * static_cast<unsigned>(k)));
  }
  access_lanes(true, values, scratch);
}

bool MemoryAccess::storable(const AccessPlan& plan) const {
  if (plan.segments.size() == 1) return true;
  for (const AccessSegment& segment : plan.segments) {
    if (segment.broadcast || segment.same_as >= 0) return false;
  }
  return true;
}

void MemoryAccess::store(const std::vector<Value*>& values) {
  const std::optional<AccessPlan> plan =
      plan_access(emitter_, address_, offset_, window_, element_bytes_ * elements_);
  const bool planned = plan && storable(*plan);
  note(planned ? &*plan : nullptr);
  if (!planned) {
    store_each(values);
    return;
  }
  if (plan->valid == nullptr) {
    store_planned(*plan, values);
    return;
  }
  llvm::Function* into = b_.GetInsertBlock()->getParent();
  llvm::BasicBlock* fast = llvm::BasicBlock::Create(emitter_.context(), "fast", into);
  llvm::BasicBlock* slow = llvm::BasicBlock::Create(emitter_.context(), "slow", into);
  llvm::BasicBlock* done = llvm::BasicBlock::Create(emitter_.context(), "stored", into);
  emitter_.lanes().mask_vector();
  b_.CreateCondBr(plan->valid, fast, slow, emitter_.likely());
  b_.SetInsertPoint(fast);
  store_planned(*plan, values);
  b_.CreateBr(done);
  b_.SetInsertPoint(slow);
  addresses_ = nullptr;
  store_lanes(values);
  b_.CreateBr(done);
  b_.SetInsertPoint(done);
  addresses_ = nullptr;
}

void MemoryAccess::store_planned(const AccessPlan& plan, const std::vector<Value*>& values) {
  begin(kAccessStore, &plan);
  const auto finish = [&](llvm::StoreInst* store) { store->setVolatile(strong_); };
  if (plan.segments[0].broadcast) {
    // One address for all: one lane's value stays, the ISA does not say whose. It is the last one's, as if
    // they went in order.
    llvm::Function* into = b_.GetInsertBlock()->getParent();
    llvm::BasicBlock* done = nullptr;
    if (emitter_.lanes().may_be_empty()) {
      llvm::BasicBlock* some = llvm::BasicBlock::Create(emitter_.context(), "some", into);
      done = llvm::BasicBlock::Create(emitter_.context(), "stored", into);
      b_.CreateCondBr(b_.CreateICmpNE(emitter_.lanes().mask(), emitter_.i32(0)), some, done);
      b_.SetInsertPoint(some);
    }
    Value* leading = b_.CreateBinaryIntrinsic(llvm::Intrinsic::ctlz, emitter_.lanes().mask(), b_.getFalse());
    Value* last = b_.CreateSub(emitter_.i32(31), leading);
    for (int k = 0; k < elements_; ++k) {
      Value* value = values[static_cast<std::size_t>(k)];
      if (value->getType()->isVectorTy()) value = b_.CreateExtractElement(value, last);
      Value* at = pointer(plan.segments[0].address, plan.segments[0].offset + k * element_bytes_);
      finish(b_.CreateAlignedStore(value, at, alignment()));
    }
    if (done != nullptr) {
      b_.CreateBr(done);
      b_.SetInsertPoint(done);
    }
    return;
  }
  for (const AccessSegment& segment : plan.segments) {
    // Interleaves the elements: lane by lane, as they lie in memory.
    std::vector<Value*> rows;
    for (Value* value : values) rows.push_back(emitter_.splat(value));
    Value* whole = rows[0];
    if (plan.width != kWarpLanes || elements_ > 1) {
      while (rows.size() > 1) {
        std::vector<Value*> joined;
        for (std::size_t i = 0; i < rows.size(); i += 2) {
          const int width =
              static_cast<int>(llvm::cast<llvm::FixedVectorType>(rows[i]->getType())->getNumElements());
          std::vector<int> both;
          for (int lane = 0; lane < 2 * width; ++lane) both.push_back(lane);
          joined.push_back(b_.CreateShuffleVector(rows[i], rows[i + 1], both));
        }
        rows = std::move(joined);
      }
      std::vector<int> order;
      for (int lane = 0; lane < plan.width; ++lane) {
        for (int k = 0; k < elements_; ++k) order.push_back(k * kWarpLanes + segment.first_lane + lane);
      }
      whole = b_.CreateShuffleVector(rows[0], order);
    }
    if (emitter_.lanes().all()) {
      finish(b_.CreateAlignedStore(whole, pointer(segment.address, segment.offset), alignment()));
    } else {
      b_.CreateMaskedStore(whole, pointer(segment.address, segment.offset), alignment(),
                           segment_mask(segment.first_lane, plan.width));
    }
  }
}

void MemoryAccess::store_each(const std::vector<Value*>& values) {
  if ((element_bits_ != 32 && element_bits_ != 64) || !emitter_.module().wide_vectors || strong_ ||
      elements_ > 1) {
    store_lanes(values);
    return;
  }
  Value* pointers = b_.CreateIntToPtr(addresses(), emitter_.vector_of(b_.getPtrTy()));
  begin(kAccessStore, nullptr);
  b_.CreateMaskedScatter(emitter_.splat(values[0]), pointers, alignment(), emitter_.lanes().mask_vector());
}

}  // namespace doppel::jit
