// SPDX-License-Identifier: Apache-2.0
#include "jit/register_file.h"

#include <llvm/IR/Module.h>

#include <algorithm>

#include "ir/operation.h"
#include "jit/opaque_copy.h"
#include "jit/unsupported.h"

namespace doppel::jit {

using analysis::BlockId;
using analysis::LanePattern;
using ir::Operation;
using llvm::Value;

namespace {

constexpr std::uint64_t kAlignment = 64;  // of the widest vector

}  // namespace

RegisterFile::RegisterFile(const analysis::AnalysedFunction& analysed, const EmissionPlan& plan,
                           LaneBuilder& builder, ActiveLanes& lanes)
    : analysed_(analysed),
      function_(analysed.function),
      plan_(plan),
      builder_(builder),
      b_(builder.b()),
      lanes_(lanes) {}

void RegisterFile::find_uses() {
  read_.assign(function_.registers.size(), false);
  for (const Operation& operation : function_.operations)
    ir::for_each_use(operation, [&](ir::RegisterId reg) { read_[reg] = true; });
  used_ = read_;
  for (const Operation& operation : function_.operations)
    ir::for_each_definition(operation, [&](ir::RegisterId reg) { used_[reg] = true; });
  // Only parameters in register space have a register; the others' entries mean nothing.
  for (std::size_t i = 0; i < function_.parameter_registers.size(); ++i) {
    if (function_.parameters[i].space == ir::Space::Reg) used_[function_.parameter_registers[i]] = true;
  }
  for (std::size_t i = 0; i < function_.return_registers.size(); ++i) {
    if (function_.return_parameters[i].space == ir::Space::Reg)
      used_[function_.return_registers[i]] = read_[function_.return_registers[i]] = true;
  }
}

// The parts of widened terms have the width of the inner value; multipliers that of the outer.
std::vector<llvm::Type*> RegisterFile::types_of(ir::RegisterId reg) {
  const LanePattern& pattern = analysed_.lanes.pattern(reg);
  const int bits = function_.width(reg);
  if (!pattern.is_parts()) return {builder_.int_type(bits, false)};
  std::vector<llvm::Type*> types(1 + pattern.linear.factors.size(), builder_.int_type(bits));
  for (const analysis::WidenedPattern& term : pattern.widened) {
    if (term.has_multiplier) types.push_back(builder_.int_type(64));
    types.insert(types.end(), 1 + term.inner.factors.size(), builder_.int_type(32));
  }
  return types;
}

// All of its lanes differ, and its bits are what the program sees.
bool RegisterFile::can_be_of_fragment(const ir::Operand& operand) const {
  return operand.is_register() && !analysed_.lanes.pattern(operand.reg).is_parts() &&
         !analysed_.deferred_nans[operand.reg];
}

void RegisterFile::place_fragments() {
  const FragmentPlaces places(function_, plan_.of_block,
                              [&](const ir::Operand& operand) { return can_be_of_fragment(operand); });
  for (const auto& [reg, place] : places.places()) slots_[reg].fragment = place;
  if (places.bytes() == 0) return;
  fragments_ = builder_.stack_slot(llvm::ArrayType::get(b_.getInt8Ty(), places.bytes()), "fragments");
  fragments_->setAlignment(llvm::Align(kAlignment));
}

std::optional<std::uint64_t> RegisterFile::fragment_offset(std::span<const ir::Operand> registers) const {
  std::optional<std::uint64_t> next;
  for (const ir::Operand& operand : registers) {
    if (!operand.is_register()) return std::nullopt;
    const Slot& slot = slots_[operand.reg];
    if (!slot.fragment || (next && *next != slot.fragment->offset)) return std::nullopt;
    next = slot.fragment->offset + slot.fragment->bytes;
  }
  return slots_[registers.front().reg].fragment->offset;
}

std::optional<FragmentPlace> RegisterFile::fragment_place_of(ir::RegisterId reg) const {
  return slots_[reg].fragment;
}

Value* RegisterFile::fragments() const { return fragments_; }

Value* RegisterFile::fragment(std::span<const ir::Operand> registers) {
  return fragment_offset(registers) ? fragment_place(slots_[registers.front().reg]) : nullptr;
}

bool RegisterFile::takes_all_lanes(ir::RegisterId reg) const {
  return lanes_.guard() == nullptr && (plan_.of_block[reg] || !analysed_.lanes.keeps_old_lanes(reg, block_));
}

Value* RegisterFile::fragment_place(const Slot& slot) {
  return b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), fragments_, slot.fragment->offset);
}

void RegisterFile::make() {
  find_uses();
  slots_.resize(function_.registers.size());
  place_fragments();
  const llvm::DataLayout& layout = builder_.into().getParent()->getDataLayout();
  std::uint64_t bytes = 0;
  for (ir::RegisterId reg = 0; reg < slots_.size(); ++reg) {
    if (!used_[reg]) continue;
    Slot& slot = slots_[reg];
    slot.of_block = plan_.of_block[reg] && !slot.fragment;
    slot.types = types_of(reg);
    for (llvm::Type* type : slot.types) slot.values.push_back(llvm::Constant::getNullValue(type));
    if (slot.fragment && analysed_.liveness.live_in(0, reg)) store_part(slot, 0, slot.values[0]);
    if (slot.of_block || slot.fragment) continue;
    for (std::size_t i = 0; i < slot.types.size(); ++i) {
      if (plan_.registers_in_memory) {
        slot.offsets.push_back(bytes);
        bytes += llvm::alignTo(layout.getTypeStoreSize(slot.types[i]), kAlignment);
      } else {
        slot.parts.push_back(builder_.stack_slot(slot.types[i], "r"));
        b_.CreateStore(slot.values[i], slot.parts[i]);
      }
    }
  }
  if (plan_.registers_in_memory) make_memory(bytes);
}

// What the first block may read before it is written reads as zero.
void RegisterFile::make_memory(std::uint64_t bytes) {
  llvm::AllocaInst* memory = builder_.stack_slot(llvm::ArrayType::get(b_.getInt8Ty(), bytes), "registers");
  memory->setAlignment(llvm::Align(kAlignment));
  memory_ = opaque_copy(b_, memory);
  for (ir::RegisterId reg = 0; reg < slots_.size(); ++reg) {
    Slot& slot = slots_[reg];
    for (std::size_t i = 0; i < slot.offsets.size() && analysed_.liveness.live_in(0, reg); ++i)
      store_part(slot, i, slot.values[i]);
  }
}

void RegisterFile::begin_block(BlockId block, llvm::BasicBlock* body) {
  block_ = block;
  body_ = body;
  ++emission_;
  // Its own registers hold nothing from an earlier time that its code was made.
  const analysis::BasicBlock& basic = analysed_.graph.blocks()[block];
  for (std::uint32_t i = basic.first; i < basic.last; ++i) {
    ir::for_each_definition(function_.operations[i], [&](ir::RegisterId reg) {
      Slot& slot = slots_[reg];
      for (std::size_t part = 0; slot.of_block && part < slot.types.size(); ++part)
        slot.values[part] = llvm::Constant::getNullValue(slot.types[part]);
    });
  }
}

void RegisterFile::drop_dead(BlockId header) {
  const analysis::Loop& loop = analysed_.graph.loops()[analysed_.graph.blocks()[header].loop];
  const analysis::BlockSet& waiting = analysed_.lanes.pending().during(header);
  const auto is_live = [&](ir::RegisterId reg) {
    if (analysed_.liveness.live_in(header, reg)) return true;
    for (BlockId other = 0; other < waiting.size(); ++other) {
      if (waiting[other] && analysed_.liveness.live_in(other, reg)) return true;
    }
    return false;
  };
  std::vector<bool> seen(slots_.size(), false);
  for (BlockId id = loop.header; id <= loop.last; ++id) {
    const analysis::BasicBlock& block = analysed_.graph.blocks()[id];
    for (std::uint32_t i = block.first; i < block.last; ++i) {
      ir::for_each_definition(function_.operations[i], [&](ir::RegisterId reg) {
        if (seen[reg]) return;
        seen[reg] = true;
        if (is_live(reg)) return;
        for (llvm::AllocaInst* part : slots_[reg].parts)
          b_.CreateStore(llvm::Constant::getNullValue(part->getAllocatedType()), part);
      });
    }
  }
}

Value* RegisterFile::address(llvm::IRBuilder<>& at, std::uint64_t offset) {
  return at.CreateConstInBoundsGEP1_64(at.getInt8Ty(), memory_, offset);
}

void RegisterFile::know_in_this_block(Slot& slot) {
  if (slot.known_in != emission_) std::ranges::fill(slot.values, nullptr);
  slot.known_in = emission_;
}

Value* RegisterFile::load_part(Slot& slot, std::size_t part) {
  if (slot.of_block) return slot.values[part];
  if (slot.fragment)
    return b_.CreateAlignedLoad(slot.types[part], fragment_place(slot), llvm::Align(kAlignment));
  if (slot.offsets.empty()) return b_.CreateLoad(slot.types[part], slot.parts[part]);
  know_in_this_block(slot);
  if (slot.values[part] == nullptr) {
    // At the block's start, for all of it.
    llvm::IRBuilder<> at(body_, body_->getFirstInsertionPt());
    slot.values[part] =
        at.CreateAlignedLoad(slot.types[part], address(at, slot.offsets[part]), llvm::Align(kAlignment));
  }
  return slot.values[part];
}

void RegisterFile::store_part(Slot& slot, std::size_t part, Value* value) {
  if (slot.of_block) {
    slot.values[part] = value;
  } else if (slot.fragment) {
    b_.CreateAlignedStore(value, fragment_place(slot), llvm::Align(kAlignment));
  } else if (!slot.offsets.empty()) {
    know_in_this_block(slot);
    slot.values[part] = value;
    b_.CreateAlignedStore(value, address(b_, slot.offsets[part]), llvm::Align(kAlignment));
  } else {
    b_.CreateStore(value, slot.parts[part]);
  }
}

Lanes RegisterFile::load(ir::RegisterId reg) {
  Slot& slot = slots_[reg];
  Lanes result;
  result.pattern = analysed_.lanes.pattern(reg);
  for (std::size_t i = 0; i < slot.types.size(); ++i) result.parts.push_back(load_part(slot, i));
  return result;
}

void RegisterFile::store(ir::RegisterId reg, const Lanes& value) {
  const LanePattern& pattern = analysed_.lanes.pattern(reg);
  Slot& slot = slots_[reg];
  Value* guard = lanes_.guard();
  if (pattern.is_parts()) {
    Lanes parts = value;
    if (!value.pattern.same_shape(pattern)) {
      // Lowered lane by lane although every lane has the same value: take lane 0. An active lane is not
      // needed: operands were uniform.
      if (!pattern.is_uniform())
        throw Unsupported{"internal: lane patterns disagree in '" + function_.name + "'"};
      parts = builder_.uniform(b_.CreateExtractElement(builder_.materialize(value), std::uint64_t{0}));
    }
    for (std::size_t i = 0; i < slot.types.size(); ++i) {
      Value* part = parts.parts[i];
      if (guard != nullptr) part = b_.CreateSelect(guard, part, load_part(slot, i));
      store_part(slot, i, part);
    }
    return;
  }
  const bool keep = !plan_.of_block[reg] && analysed_.lanes.keeps_old_lanes(reg, block_);
  Value* vector = builder_.materialize(value);
  if (keep || guard != nullptr) {
    Value* old = load_part(slot, 0);
    vector = b_.CreateSelect(keep ? lanes_.mask_vector() : guard, vector, old);
  }
  store_part(slot, 0, vector);
}

}  // namespace doppel::jit
