#include "kernel/lane_analysis.h"

#include <algorithm>
#include <bit>
#include <map>
#include <span>

#include "kernel/lane_transfer.h"
#include "kernel/operands.h"

namespace doppel::kernel {
namespace {

using ptx::Instruction;
using ptx::Opcode;
using ptx::Operand;
using ptx::SpecialRegister;

// The analysis tracks shapes only: a part has no value.
struct NoScalars {
  struct Value {};
  Value constant(std::int64_t, int) { return {}; }
  Value add(Value, Value) { return {}; }
  Value mul(Value, Value) { return {}; }
  Value extend(Value, bool) { return {}; }
  Value truncate(Value) { return {}; }
  Value bit_and(Value, Value) { return {}; }
  Value shift_right(Value, unsigned, bool) { return {}; }
};
using Shape = LaneParts<NoScalars::Value>;

Shape shape_of(const LanePattern& pattern) {
  Shape result;
  result.pattern = pattern;
  result.parts.resize(pattern.part_count());
  return result;
}

// Instructions whose result may differ between lanes although the operands do not.
bool makes_varying(const Instruction& instruction) {
  if (instruction.modifiers.carry_in || instruction.modifiers.carry_out)
    return true;  // the carry flag is one bit a lane
  switch (instruction.opcode) {
    case Opcode::Atom:
    case Opcode::Shfl:
    case Opcode::Match:
    case Opcode::Call:
    case Opcode::Elect:
    case Opcode::Stacksave:
    case Opcode::Alloca:
      return true;
    case Opcode::Ld:
    case Opcode::Ldu:
      return instruction.modifiers.space == ptx::Space::Local;
    default:
      return false;
  }
}

}  // namespace

bool only_leaves(const ptx::Function& function, const BasicBlock& block) {
  const Instruction& first = function.instructions[block.first];
  return (first.opcode == Opcode::Ret || first.opcode == Opcode::Exit) && !first.guard;
}

LanePattern LaneAnalysis::special_pattern(const Operand& operand) const {
  switch (operand.special) {
    case SpecialRegister::Tid:
      return operand.component < 3 ? options_.basis.tid[operand.component] : LanePattern::uniform(32, 64);
    case SpecialRegister::Ntid:
      return LanePattern::uniform(32, operand.component == 0 ? options_.basis.ntid_alignment : 0);
    case SpecialRegister::Laneid: {
      LanePattern lane = LanePattern::uniform(32, 64);
      for (int i = 0; i < kLanes; ++i) lane.linear.offset[i] = i;
      return lane;
    }
    case SpecialRegister::LanemaskEq:
    case SpecialRegister::LanemaskLe:
    case SpecialRegister::LanemaskLt:
    case SpecialRegister::LanemaskGe:
    case SpecialRegister::LanemaskGt:
      return LanePattern::varying(32);
    case SpecialRegister::Clock64:
    case SpecialRegister::Globaltimer:
    case SpecialRegister::Gridid:
    case SpecialRegister::CurrentGraphExec:
      return LanePattern::uniform(64);
    default:
      return LanePattern::uniform(32);
  }
}

LanePattern LaneAnalysis::operand_pattern(const Operand& operand, int bits) const {
  switch (operand.kind) {
    case Operand::Kind::Register:
      return patterns_[operand.reg];
    case Operand::Kind::Immediate:
      return LanePattern::uniform(
          bits, operand.immediate == 0 ? 64 : std::min(bits, std::countr_zero(operand.immediate)));
    case Operand::Kind::Special:
      return special_pattern(operand);
    case Operand::Kind::Symbol:
      // The address of a .param variable of the body is the caller's own memory, one a lane; no instruction
      // computes with it.
      return LanePattern::uniform(bits);
    case Operand::Kind::Address:
      if (operand.address_base == Operand::AddressBase::Register) return patterns_[operand.reg];
      return LanePattern::uniform(64);
    case Operand::Kind::Vector: {
      for (const Operand& element : operand.elements) {
        if (element.kind == Operand::Kind::Sink) continue;
        const LanePattern pattern = operand_pattern(element, bits);
        if (!pattern.is_uniform()) {
          return pattern.kind == LanePattern::Kind::Unknown ? pattern : LanePattern::varying(bits);
        }
      }
      return LanePattern::uniform(bits);
    }
    default:
      return LanePattern::uniform(bits);
  }
}

LanePattern LaneAnalysis::result_pattern(const Instruction& instruction, ptx::RegisterId reg) const {
  const int bits = ptx::bit_width(function_->registers[reg].type);
  if (makes_varying(instruction)) return LanePattern::varying(bits);
  bool unknown = false, uniform = true, parts = true;
  const auto see = [&](const LanePattern& pattern) {
    unknown |= pattern.kind == LanePattern::Kind::Unknown;
    uniform &= pattern.is_uniform();
    parts &= pattern.is_parts();
  };
  const int operand_bits =
      ptx::bit_width(instruction.opcode == Opcode::Cvt && instruction.source_type != ptx::Type::None
                         ? instruction.source_type
                         : instruction.type);
  const std::size_t destinations = destination_count(instruction);
  for (std::size_t i = destinations; i < instruction.operands.size(); ++i) {
    see(operand_pattern(instruction.operands[i], operand_bits));
  }
  if (unknown) return {};
  if ((instruction.opcode == Opcode::Ld || instruction.opcode == Opcode::Ldu) &&
      instruction.modifiers.space == ptx::Space::Param && !options_.is_kernel) {
    return LanePattern::varying(bits);
  }
  if (instruction.opcode == Opcode::Ld &&
      instruction.operands[1].symbol.scope == ptx::SymbolRef::Scope::Function &&
      instruction.modifiers.space == ptx::Space::Param) {
    return LanePattern::varying(bits);  // the result of a call
  }
  if (instruction.opcode == Opcode::Vote || instruction.opcode == Opcode::Redux ||
      instruction.opcode == Opcode::Bar) {
    // The member mask decides who takes part: where it is the same for all, so is the result.
    if (instruction.opcode == Opcode::Bar) return LanePattern::uniform(bits);
    const LanePattern members = operand_pattern(instruction.operands.back(), 32);
    return members.is_uniform() ? LanePattern::uniform(bits) : LanePattern::varying(bits);
  }
  const bool local = instruction.opcode == Opcode::Cvta && instruction.modifiers.space == ptx::Space::Local;
  if (uniform && !local) {
    // Alignment is worth keeping where the pattern arithmetic knows it.
    if (instruction.operands.size() <= destinations ||
        instruction.operands[0].kind != Operand::Kind::Register) {
      return LanePattern::uniform(bits);
    }
  }
  if (parts && instruction.operands.size() > destinations &&
      instruction.operands[0].kind == Operand::Kind::Register) {
    NoScalars scalars;
    const auto operand = [&](std::size_t i) {
      const int width =
          instruction.opcode == Opcode::Mad && i == 3 && instruction.modifiers.mul_part == ptx::MulPart::Wide
              ? 2 * operand_bits
              : operand_bits;
      return shape_of(operand_pattern(instruction.operands[i], width));
    };
    const auto window = [&](ptx::Space space) {
      Shape base;
      base.pattern = LanePattern::uniform(64);
      if (space == ptx::Space::Shared) base.parts.resize(1);
      if (space == ptx::Space::Local) {
        LaneConstants lane;
        for (int i = 0; i < kLanes; ++i) lane[i] = i;
        base.pattern.linear.factors.push_back(lane);
        base.parts.resize(2);
      }
      return base;
    };
    const auto result = transfer_pattern(scalars, instruction, operand, window);
    if (result && result->pattern.bits == bits) return result->pattern;
  }
  return uniform && !local ? LanePattern::uniform(bits) : LanePattern::varying(bits);
}

bool LaneAnalysis::keeps_old_lanes(ptx::RegisterId reg, BlockId block) const {
  return (kept_[kept_set_[block]][reg / 64] >> (reg % 64) & 1) != 0;
}

void LaneAnalysis::find_kept_registers() {
  const std::size_t words = (function_->registers.size() + 63) / 64;
  std::map<BlockSet, std::uint32_t> sets;
  kept_.clear();
  kept_set_.clear();
  for (BlockId block = 0; block < graph_->blocks().size(); ++block) {
    const BlockSet& waiting = pending_.during(block);
    const auto [set, is_new] = sets.emplace(waiting, static_cast<std::uint32_t>(kept_.size()));
    kept_set_.push_back(set->second);
    if (!is_new) continue;
    std::vector<std::uint64_t>& registers = kept_.emplace_back(words, 0);
    for (BlockId id = 0; id < waiting.size(); ++id) {
      if (!waiting[id]) continue;
      const std::span<const std::uint64_t> live = liveness_->live_in(id);
      for (std::size_t word = 0; word < words; ++word) registers[word] |= live[word];
    }
  }
}

bool LaneAnalysis::update_patterns() {
  bool changed = false;
  for (BlockId id = 0; id < graph_->blocks().size(); ++id) {
    const BasicBlock& block = graph_->blocks()[id];
    for (std::uint32_t i = block.first; i < block.last; ++i) {
      const Instruction& instruction = function_->instructions[i];
      for_each_definition(instruction, [&](ptx::RegisterId reg) {
        if (patterns_[reg].kind == LanePattern::Kind::Varying) return;
        const int bits = ptx::bit_width(function_->registers[reg].type);
        LanePattern result = result_pattern(instruction, reg);
        if (result.kind == LanePattern::Kind::Unknown) return;
        if (instruction.guard) {
          const LanePattern& guard = patterns_[instruction.guard->predicate];
          if (guard.kind == LanePattern::Kind::Unknown) return;
          if (!guard.is_uniform()) result = LanePattern::varying(bits);
        }
        if (keeps_old_lanes(reg, id)) result = LanePattern::varying(bits);
        LanePattern merged = meet(patterns_[reg], result);
        if (ptx::bit_width(function_->registers[reg].type) == 1 && !merged.is_uniform())
          merged = LanePattern::varying(1);
        if (!merged.same_shape(patterns_[reg]) || merged.alignment != patterns_[reg].alignment) {
          patterns_[reg] = std::move(merged);
          changed = true;
        }
      });
    }
  }
  return changed;
}

void LaneAnalysis::find_branches(bool first) {
  if (first) branches_.assign(graph_->blocks().size(), {});
  for (BlockId id = 0; id < graph_->blocks().size(); ++id) {
    const BasicBlock& block = graph_->blocks()[id];
    BranchFact& fact = branches_[id];
    if (first) {
      for (BlockId successor : block.successors) {
        if (!only_leaves(*function_, graph_->blocks()[successor])) fact.successors.push_back(successor);
      }
    }
    if (fact.successors.size() < 2) continue;
    const Instruction& last = function_->instructions[block.last - 1];
    const auto varies = [&](ptx::RegisterId reg) {
      return patterns_[reg].kind != LanePattern::Kind::Unknown && !patterns_[reg].is_uniform();
    };
    if (last.guard && varies(last.guard->predicate)) fact.divergent = true;
    if (last.opcode == Opcode::BrxIdx && last.operands[0].kind == Operand::Kind::Register &&
        varies(last.operands[0].reg)) {
      fact.divergent = true;
    }
  }
}

LaneAnalysis LaneAnalysis::build(const ptx::Function& function, const ControlFlowGraph& graph,
                                 const Liveness& liveness, const LaneAnalysisOptions& options) {
  LaneAnalysis result;
  result.function_ = &function;
  result.graph_ = &graph;
  result.liveness_ = &liveness;
  result.options_ = options;
  result.patterns_.assign(function.registers.size(), {});
  // Parameters of a device function in registers, and registers that are read before any write.
  for (std::size_t i = 0; i < function.parameters.size(); ++i) {
    if (function.parameters[i].space != ptx::Space::Reg || i >= function.parameter_registers.size()) continue;
    const ptx::RegisterId reg = function.parameter_registers[i];
    result.patterns_[reg] = LanePattern::varying(ptx::bit_width(function.registers[reg].type));
  }
  for (ptx::RegisterId reg = 0; reg < result.patterns_.size() && !graph.blocks().empty(); ++reg) {
    if (liveness.live_in(0, reg) && result.patterns_[reg].kind == LanePattern::Kind::Unknown) {
      result.patterns_[reg] = LanePattern::uniform(ptx::bit_width(function.registers[reg].type));
    }
  }
  result.find_branches(true);
  for (bool changed = true; changed;) {
    result.pending_ = options.scheduled ? PendingBlocks::scheduled(graph, result.branches_)
                                        : PendingBlocks::structured(graph, result.branches_);
    result.find_kept_registers();
    changed = false;
    while (result.update_patterns()) changed = true;
    const std::vector<BranchFact> before = result.branches_;
    result.find_branches(false);
    for (std::size_t i = 0; i < before.size(); ++i)
      changed |= before[i].divergent != result.branches_[i].divergent;
  }
  for (ptx::RegisterId reg = 0; reg < result.patterns_.size(); ++reg) {
    if (result.patterns_[reg].kind == LanePattern::Kind::Unknown) {
      result.patterns_[reg] = LanePattern::uniform(ptx::bit_width(function.registers[reg].type));
    }
  }
  return result;
}

}  // namespace doppel::kernel
