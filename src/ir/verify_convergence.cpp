// SPDX-License-Identifier: Apache-2.0
#include "ir/verify_convergence.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace doppel::ir {
namespace {

// By barrier: is it set?
using Barriers = std::uint32_t;

bool is_of_barrier(const Operation& operation) {
  return operation.op == Op::ConvergeSet || operation.op == Op::ConvergeBreak ||
         operation.op == Op::ConvergeWait;
}

Barriers bit(const Operation& operation) { return 1u << operation.sources[0].immediate; }

Barriers behind(const Operation& operation, Barriers set) {
  if (operation.op == Op::ConvergeSet) return set | bit(operation);
  if (operation.op == Op::ConvergeWait) return set & ~bit(operation);
  return set;
}

std::string wrong_by_itself(const Function& function, const Block& block, std::uint32_t at) {
  const Operation& operation = function.operations[at];
  const Operand& barrier = operation.sources[0];
  if (!barrier.is_immediate() || barrier.immediate >= kConvergenceBarriers)
    return fmt::format("a barrier of lanes is a constant below {}", kConvergenceBarriers);
  if (operation.op == Op::ConvergeBreak) return {};
  if (operation.guard) return "all lanes that are here set a barrier, and wait for it";
  if (operation.op == Op::ConvergeWait && at != block.first) return "the lanes meet where a block begins";
  return {};
}

std::string wrong_behind(const Operation& operation, Barriers set) {
  const bool is_set = (set & bit(operation)) != 0;
  if (operation.op == Op::ConvergeSet)
    return is_set ? fmt::format("barrier {} is set already", operation.sources[0].immediate) : "";
  return is_set ? "" : fmt::format("barrier {} is not set on every way here", operation.sources[0].immediate);
}

// What is set where each block begins, whatever the way to it.
std::vector<Barriers> set_at_begin(const Function& function) {
  constexpr Barriers kNotReached = ~0u;
  std::vector<Barriers> begin(function.blocks.size(), kNotReached);
  begin[0] = 0;
  for (bool changed = true; changed;) {
    changed = false;
    for (BlockId id = 0; id < function.blocks.size(); ++id) {
      Barriers set = begin[id];
      const Block& block = function.blocks[id];
      if (set == kNotReached || block.first == block.last) continue;
      for (std::uint32_t i = block.first; i < block.last; ++i) set = behind(function.operations[i], set);
      const auto flow_to = [&](BlockId target) {
        if (target >= begin.size() || (begin[target] & set) == begin[target]) return;
        begin[target] &= set;
        changed = true;
      };
      const Operation& last = function.operations[block.last - 1];
      for (const BlockId target : last.targets) flow_to(target);
      if (!ends_block(last) || last.guard) flow_to(id + 1);
    }
  }
  return begin;
}

}  // namespace

std::optional<ConvergenceViolation> verify_convergence(const Function& function) {
  if (std::ranges::none_of(function.operations, is_of_barrier)) return std::nullopt;
  for (const Block& block : function.blocks) {
    for (std::uint32_t i = block.first; i < block.last; ++i) {
      if (!is_of_barrier(function.operations[i])) continue;
      if (std::string wrong = wrong_by_itself(function, block, i); !wrong.empty())
        return ConvergenceViolation{i, std::move(wrong)};
    }
  }
  const std::vector<Barriers> begin = set_at_begin(function);
  for (BlockId id = 0; id < function.blocks.size(); ++id) {
    Barriers set = begin[id];
    const bool reached = set != ~0u;
    for (std::uint32_t i = function.blocks[id].first; reached && i < function.blocks[id].last; ++i) {
      const Operation& operation = function.operations[i];
      if (!is_of_barrier(operation)) continue;
      if (std::string wrong = wrong_behind(operation, set); !wrong.empty())
        return ConvergenceViolation{i, std::move(wrong)};
      set = behind(operation, set);
    }
  }
  return std::nullopt;
}

}  // namespace doppel::ir
