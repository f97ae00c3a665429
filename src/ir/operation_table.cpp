// SPDX-License-Identifier: Apache-2.0
#include "ir/operation_table.h"

#include <algorithm>
#include <cstddef>
#include <unordered_map>

namespace doppel::ir {
namespace {

// "T w? P": compile-time only, so that a signature that makes no sense does not compile.
consteval OperandRoles roles(std::string_view text) {
  OperandRoles result;
  for (std::size_t at = 0; at < text.size();) {
    OperandRole role;
    switch (text[at]) {
      case 'T':
        role.width = OperandRole::Width::Type;
        break;
      case 'S':
        role.width = OperandRole::Width::SourceType;
        break;
      case 'W':
        role.width = OperandRole::Width::Product;
        break;
      case 'w':
        role.width = OperandRole::Width::Word;
        break;
      case 'd':
        role.width = OperandRole::Width::Long;
        break;
      case 'P':
        role.width = OperandRole::Width::Predicate;
        break;
      case 'x':
        role.width = OperandRole::Width::Any;
        break;
      default:
        throw "no such width";
    }
    for (++at; at < text.size() && text[at] != ' '; ++at) {
      if (text[at] == '~') {
        role.relaxed = true;
      } else if (text[at] == '?') {
        role.optional = true;
      } else if (text[at] == '*') {
        role.many = true;
      } else {
        throw "no such mark";
      }
    }
    if (at < text.size()) ++at;
    result.roles.at(result.count++) = role;
  }
  return result;
}

#define OPERATION(name, text, results, sources, accesses, attributes, lanes, wait, flow, clock, memory, nan, \
                  issue, flops, summary)                                                                     \
  OperationRow{Op::name,                                                                                     \
               text,                                                                                         \
               roles(results),                                                                               \
               roles(sources),                                                                               \
               accesses,                                                                                     \
               attributes,                                                                                   \
               LaneEffect::lanes,                                                                            \
               Wait::wait,                                                                                   \
               Flow::flow,                                                                                   \
               Clock::clock,                                                                                 \
               MemoryEffect::memory,                                                                         \
               NanRule::nan,                                                                                 \
               IssueRules::issue,                                                                            \
               flops,                                                                                        \
               summary},
constexpr OperationRow kRows[] = {
#include "ir/operations.def"
};
#undef OPERATION

// What has results says how they depend on the lane, and what has none says so.
constexpr bool is_consistent(const OperationRow& row) {
  const bool has_results = row.results.count != 0;
  return has_results == (row.lanes != LaneEffect::Nothing) && !row.summary.empty() && !row.name.empty();
}
static_assert(std::ranges::all_of(kRows, is_consistent));

}  // namespace

const OperationRow& row(Op op) { return kRows[static_cast<std::size_t>(op)]; }

std::span<const OperationRow> all_operations() { return kRows; }

std::optional<Op> find_operation(std::string_view name) {
  static const auto* const by_name = [] {
    auto* made = new std::unordered_map<std::string_view, Op>();
    for (const OperationRow& each : kRows) made->emplace(each.name, each.op);
    return made;
  }();
  const auto found = by_name->find(name);
  return found == by_name->end() ? std::nullopt : std::optional(found->second);
}

}  // namespace doppel::ir
