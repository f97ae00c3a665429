// SPDX-License-Identifier: Apache-2.0
#include "analysis/lane_analysis.h"

#include <algorithm>
#include <bit>
#include <map>
#include <span>

#include "analysis/lane_transfer.h"
#include "ir/operation.h"

namespace doppel::analysis {
namespace {

using ir::Op;
using ir::Operand;
using ir::Operation;
using ir::SpecialRegister;

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

}  // namespace

bool only_leaves(const ir::Function& function, const BasicBlock& block) {
  const Operation& first = function.operations[block.first];
  return (first.op == Op::Return || first.op == Op::Exit) && !first.guard;
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
    case Operand::Kind::Function:
    case Operand::Kind::Sink:
      break;
  }
  return LanePattern::uniform(bits);
}

LanePattern LaneAnalysis::address_pattern(const ir::Address& address) const {
  return address.base == ir::Address::Base::Register ? patterns_[address.reg] : LanePattern::uniform(64);
}

// A value of memory that each thread has for itself, or that each call has.
bool LaneAnalysis::loads_own_memory(const Operation& operation) const {
  const ir::Access& access = operation.accesses[0];
  if (access.space == ir::Space::Local) return true;
  if (access.space != ir::Space::Param) return false;
  return !options_.is_kernel || (access.address.base == ir::Address::Base::Symbol &&
                                 access.address.symbol.scope == ir::SymbolRef::Scope::Function);
}

LanePattern LaneAnalysis::result_pattern(const Operation& operation, ir::RegisterId reg) const {
  const int bits = function_->width(reg);
  const ir::LaneEffect effect = ir::row(operation).lanes;
  if (effect == ir::LaneEffect::Varying || effect == ir::LaneEffect::Nothing)
    return LanePattern::varying(bits);
  bool unknown = false, uniform = true, parts = true;
  const auto see = [&](const LanePattern& pattern) {
    unknown |= pattern.kind == LanePattern::Kind::Unknown;
    uniform &= pattern.is_uniform();
    parts &= pattern.is_parts();
  };
  for (std::size_t i = 0; i < operation.sources.size(); ++i)
    see(operand_pattern(operation.sources[i], pattern_source_bits(operation, i)));
  for (const ir::Access& access : operation.accesses) see(address_pattern(access.address));
  if (unknown) return {};
  switch (effect) {
    case ir::LaneEffect::Shared:
      return LanePattern::uniform(bits);
    case ir::LaneEffect::Members:
      return operand_pattern(operation.sources.back(), 32).is_uniform() ? LanePattern::uniform(bits)
                                                                        : LanePattern::varying(bits);
    case ir::LaneEffect::Memory:
      if (loads_own_memory(operation)) return LanePattern::varying(bits);
      break;
    case ir::LaneEffect::Nothing:
    case ir::LaneEffect::Varying:
    case ir::LaneEffect::Uniform:
    case ir::LaneEffect::Pattern:
      break;
  }
  const bool own_window =
      ir::row(operation).attributes == ir::kSpace && operation.attributes.space == ir::Space::Local;
  if (parts && may_have_pattern(operation)) {
    NoScalars scalars;
    const auto operand = [&](std::size_t i) {
      return shape_of(operand_pattern(operation.sources[i], pattern_source_bits(operation, i)));
    };
    const auto window = [&](ir::Space space) {
      Shape base;
      base.pattern = LanePattern::uniform(64);
      if (space == ir::Space::Shared || space == ir::Space::Param) base.parts.resize(1);
      if (space == ir::Space::Local) {
        LaneConstants lane;
        for (int i = 0; i < kLanes; ++i) lane[i] = i;
        base.pattern.linear.factors.push_back(lane);
        base.parts.resize(2);
      }
      return base;
    };
    const auto result = transfer_pattern(scalars, operation, operand, window);
    if (result && result->pattern.bits == bits) return result->pattern;
  }
  return uniform && !own_window ? LanePattern::uniform(bits) : LanePattern::varying(bits);
}

bool LaneAnalysis::keeps_old_lanes(ir::RegisterId reg, BlockId block) const {
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
      const Operation& operation = function_->operations[i];
      for_each_definition(operation, [&](ir::RegisterId reg) {
        if (patterns_[reg].kind == LanePattern::Kind::Varying) return;
        const int bits = function_->width(reg);
        LanePattern result = result_pattern(operation, reg);
        if (result.kind == LanePattern::Kind::Unknown) return;
        if (operation.guard) {
          const LanePattern& guard = patterns_[operation.guard->predicate];
          if (guard.kind == LanePattern::Kind::Unknown) return;
          if (!guard.is_uniform()) result = LanePattern::varying(bits);
        }
        if (keeps_old_lanes(reg, id)) result = LanePattern::varying(bits);
        LanePattern merged = meet(patterns_[reg], result);
        if (bits == 1 && !merged.is_uniform()) merged = LanePattern::varying(1);
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
    const Operation& last = function_->operations[block.last - 1];
    const auto varies = [&](ir::RegisterId reg) {
      return patterns_[reg].kind != LanePattern::Kind::Unknown && !patterns_[reg].is_uniform();
    };
    if (last.guard && varies(last.guard->predicate)) fact.divergent = true;
    if (last.op == Op::BranchTable && last.sources[0].is_register() && varies(last.sources[0].reg))
      fact.divergent = true;
  }
}

LaneAnalysis LaneAnalysis::build(const ir::Function& function, const ControlFlowGraph& graph,
                                 const Liveness& liveness, const LaneAnalysisOptions& options) {
  LaneAnalysis result;
  result.function_ = &function;
  result.graph_ = &graph;
  result.liveness_ = &liveness;
  result.options_ = options;
  result.patterns_.assign(function.registers.size(), {});
  // Parameters of a device function in registers, and registers that are read before any write.
  for (std::size_t i = 0; i < function.parameters.size(); ++i) {
    if (function.parameters[i].space != ir::Space::Reg || i >= function.parameter_registers.size()) continue;
    const ir::RegisterId reg = function.parameter_registers[i];
    result.patterns_[reg] = LanePattern::varying(function.width(reg));
  }
  for (ir::RegisterId reg = 0; reg < result.patterns_.size() && !graph.blocks().empty(); ++reg) {
    if (liveness.live_in(0, reg) && result.patterns_[reg].kind == LanePattern::Kind::Unknown) {
      result.patterns_[reg] = LanePattern::uniform(function.width(reg));
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
  for (ir::RegisterId reg = 0; reg < result.patterns_.size(); ++reg) {
    if (result.patterns_[reg].kind == LanePattern::Kind::Unknown) {
      result.patterns_[reg] = LanePattern::uniform(function.width(reg));
    }
  }
  return result;
}

}  // namespace doppel::analysis
