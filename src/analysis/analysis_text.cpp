// SPDX-License-Identifier: Apache-2.0
// An analysed function as text.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "analysis/analysed_function.h"

namespace doppel::analysis {
namespace {

class Text {
 public:
  template <typename... Arguments>
  void add(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Arguments>(arguments)...);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

std::string multiple(std::int64_t of, const std::string& what) {
  return of == 1 ? what : fmt::format("{} * {}", of, what);
}

// k * lane, k * (lane mod m), k * (lane div m), or all of them.
std::string lane_text(const LaneConstants& values) {
  const auto all_are = [&](auto&& of_lane) {
    for (int lane = 0; lane < kLanes; ++lane) {
      if (values[lane] != of_lane(lane)) return false;
    }
    return true;
  };
  const std::int64_t k = values[1];
  if (all_are([&](int lane) { return k * lane; })) return multiple(k, "lane");
  for (int row = 2; row < kLanes; row *= 2) {
    if (all_are([&](int lane) { return k * (lane % row); }))
      return multiple(k, fmt::format("(lane mod {})", row));
    const std::int64_t of_row = values[row];
    if (all_are([&](int lane) { return of_row * (lane / row); }))
      return multiple(of_row, fmt::format("(lane div {})", row));
  }
  return fmt::format("[{}]", fmt::join(values, " "));
}

std::string linear_text(const LinearPattern& linear, bool has_base) {
  std::string text = has_base ? "base" : "0";
  if (linear.offset != LaneConstants{}) {
    if (all_equal(linear.offset)) {
      text += fmt::format(" + {}", linear.offset[0]);
    } else {
      text = has_base ? text + " + " + lane_text(linear.offset) : lane_text(linear.offset);
    }
  }
  for (const LaneConstants& factor : linear.factors) text += " + stride * " + lane_text(factor);
  return text;
}

std::string set_text(const BlockSet& blocks) {
  std::string text;
  for (BlockId id = 0; id < blocks.size(); ++id) {
    if (blocks[id]) text += fmt::format(" b{}", id);
  }
  return text;
}

}  // namespace

std::string_view to_string(SchedulerReason reason) {
  switch (reason) {
    case SchedulerReason::None:
      return "masked straight-line code";
    case SchedulerReason::Irreducible:
      return "lanes scheduled: a loop has two entries";
    case SchedulerReason::WaitsApart:
      return "lanes scheduled: some may wait for others of their warp where they have parted";
    case SchedulerReason::SpinsApart:
      return "lanes scheduled: a loop in which they have parted ends by what another lane may write";
  }
  return "";
}

std::string to_string(const LanePattern& pattern) {
  switch (pattern.kind) {
    case LanePattern::Kind::Unknown:
      return "never written";
    case LanePattern::Kind::Varying:
      return "varying";
    case LanePattern::Kind::Parts:
      break;
  }
  if (pattern.is_uniform()) return "uniform";
  std::string text = linear_text(pattern.linear, pattern.alignment < 64);
  for (const WidenedPattern& term : pattern.widened) {
    text += " + " + (term.coefficient == 1 ? std::string() : fmt::format("{} * ", term.coefficient));
    text += fmt::format("{}{}({})", term.has_multiplier ? "stride * " : "",
                        term.is_signed ? "signed" : "unsigned", linear_text(term.inner, true));
  }
  return text;
}

std::string to_string(const AnalysedFunction& analysed) {
  Text text;
  const PendingBlocks& pending = analysed.lanes.pending();
  text.add("{} \"{}\": {}\n", analysed.function.is_kernel ? "kernel" : "function", analysed.function.name,
           to_string(analysed.scheduler));
  for (BlockId id = 0; id < analysed.graph.blocks().size(); ++id) {
    const BasicBlock& block = analysed.graph.blocks()[id];
    text.add("b{}: operations {} to {}", id, block.first, block.last - 1);
    if (block.loop != kNoLoop) {
      const Loop& loop = analysed.graph.loops()[block.loop];
      text.add(", in the loop b{} to b{}", loop.header, loop.last);
    }
    text.add(", {}", pending.convergent(id) ? "all lanes that are left" : "some lanes");
    if (const std::string waiting = set_text(pending.during(id)); !waiting.empty())
      text.add(", others may wait at{}", waiting);
    if (analysed.lanes.branches()[id].divergent) text.add(", lanes part behind it");
    text.add("\n");
  }
  for (ir::RegisterId reg = 0; reg < analysed.function.registers.size(); ++reg)
    text.add("%{}:{} {}\n", reg, analysed.function.width(reg), to_string(analysed.lanes.pattern(reg)));
  return text.take();
}

}  // namespace doppel::analysis
