// SPDX-License-Identifier: Apache-2.0
#include "jit/access_plan.h"

#include <algorithm>
#include <cstdlib>

namespace doppel::jit {
namespace {

using analysis::LaneConstants;
using analysis::WidenedPattern;
using llvm::Value;

// The offset that is known when compiling: everything but the factors of run-time strides and multipliers.
LaneConstants known_offset(const analysis::LanePattern& pattern) {
  LaneConstants offset = pattern.linear.offset;
  for (const WidenedPattern& term : pattern.widened) {
    if (!term.has_multiplier) {
      offset = analysis::add(offset, analysis::scale(term.inner.offset, term.coefficient, 64), pattern.bits);
    }
  }
  return offset;
}

// What must be the same in all lanes of a segment.
std::vector<LaneConstants> row_constants(const analysis::LanePattern& pattern) {
  std::vector<LaneConstants> rows = pattern.linear.factors;
  for (const WidenedPattern& term : pattern.widened) {
    if (term.has_multiplier) rows.push_back(term.inner.offset);
    rows.insert(rows.end(), term.inner.factors.begin(), term.inner.factors.end());
  }
  return rows;
}

// The window's margins are for offsets of 32 bits with their sign, and so much more.
constexpr std::int64_t kMostWindowOffset = kSharedMarginBehind / 2;

struct Shape {
  int width = 0;
  std::vector<bool> broadcast;
};

std::optional<Shape> segment_shape(const analysis::LanePattern& pattern, int lane_bytes) {
  const LaneConstants offset = known_offset(pattern);
  const std::vector<LaneConstants> rows = row_constants(pattern);
  for (int width : {32, 16, 8, 4}) {
    Shape shape;
    shape.width = width;
    bool fits = true;
    for (int first = 0; first < kWarpLanes && fits; first += width) {
      bool same = true, contiguous = true;
      for (int lane = first + 1; lane < first + width; ++lane) {
        for (const LaneConstants& row : rows) fits &= row[lane] == row[first];
        same &= offset[lane] == offset[first];
        contiguous &= offset[lane] - offset[first] == static_cast<std::int64_t>(lane - first) * lane_bytes;
      }
      fits &= same || contiguous;
      shape.broadcast.push_back(same);
    }
    if (fits) return shape;
  }
  return std::nullopt;
}

}  // namespace

std::optional<AccessPlan> plan_access(FunctionEmitter& emitter, const Lanes& address,
                                      std::int64_t displacement, Value* window, int lane_bytes) {
  if (!address.pattern.is_parts()) return std::nullopt;
  const analysis::LanePattern& pattern = address.pattern;
  const std::optional<Shape> shape = segment_shape(pattern, lane_bytes);
  if (!shape) return std::nullopt;

  llvm::IRBuilder<>& b = emitter.b();
  AccessPlan plan;
  plan.width = shape->width;
  const std::vector<LaneConstants> rows = row_constants(pattern);
  const LaneConstants offset = known_offset(pattern);
  const auto add_scaled = [&](Value* sum, Value* by, std::int64_t factor) {
    if (factor == 0) return sum;
    Value* term = factor == 1 ? by
                              : b.CreateMul(by, llvm::ConstantInt::get(
                                                    by->getType(), static_cast<std::uint64_t>(factor), true));
    return b.CreateAdd(sum, term);
  };
  const auto require = [&](Value* condition) {
    plan.valid = plan.valid == nullptr ? condition : b.CreateAnd(plan.valid, condition);
  };

  for (int first = 0; first < kWarpLanes; first += plan.width) {
    AccessSegment segment;
    segment.first_lane = first;
    segment.broadcast = shape->broadcast[static_cast<std::size_t>(first / plan.width)];
    for (std::size_t earlier = 0; earlier < plan.segments.size() && segment.same_as < 0; ++earlier) {
      const int other = plan.segments[earlier].first_lane;
      bool same = offset[other] == offset[first] && plan.segments[earlier].broadcast == segment.broadcast;
      for (const LaneConstants& row : rows) same &= row[other] == row[first];
      for (const WidenedPattern& term : pattern.widened)
        same &= term.inner.offset[other] == term.inner.offset[first];
      same &= pattern.linear.offset[other] == pattern.linear.offset[first];
      if (same) segment.same_as = static_cast<int>(earlier);
    }
    if (segment.same_as >= 0) {
      segment.address = plan.segments[static_cast<std::size_t>(segment.same_as)].address;
      segment.offset = plan.segments[static_cast<std::size_t>(segment.same_as)].offset;
      segment.in_window = plan.segments[static_cast<std::size_t>(segment.same_as)].in_window;
      plan.segments.push_back(segment);
      continue;
    }
    Value* sum = address.parts[0];
    std::size_t from = 1;
    for (const LaneConstants& factor : pattern.linear.factors)
      sum = add_scaled(sum, address.parts[from++], factor[first]);
    segment.offset = pattern.linear.offset[first] + displacement;
    for (const WidenedPattern& term : pattern.widened) {
      Value* multiplier = term.has_multiplier ? address.parts[from++] : nullptr;
      Value* inner = address.parts[from++];
      for (const LaneConstants& factor : term.inner.factors)
        inner = add_scaled(inner, address.parts[from++], factor[first]);
      inner = add_scaled(inner, llvm::ConstantInt::get(inner->getType(), 1), term.inner.offset[first]);
      std::int64_t lowest = 0, highest = 0;
      for (int lane = first; lane < first + plan.width; ++lane) {
        lowest = std::min(lowest, term.inner.offset[lane] - term.inner.offset[first]);
        highest = std::max(highest, term.inner.offset[lane] - term.inner.offset[first]);
      }
      if (highest > 0) {
        const std::int64_t most =
            (term.is_signed ? std::int64_t{0x7fffffff} : std::int64_t{0xffffffff}) - highest;
        Value* bound = emitter.i32(static_cast<std::uint32_t>(most));
        require(term.is_signed ? b.CreateICmpSLE(inner, bound) : b.CreateICmpULE(inner, bound));
      }
      if (lowest < 0) {
        const std::int64_t least = (term.is_signed ? -std::int64_t{0x80000000} : 0) - lowest;
        Value* bound = emitter.i32(static_cast<std::uint32_t>(least));
        require(term.is_signed ? b.CreateICmpSGE(inner, bound) : b.CreateICmpUGE(inner, bound));
      }
      Value* wide = emitter.resize(inner, 64, term.is_signed);
      if (term.coefficient != 1)
        wide = b.CreateMul(wide, emitter.i64(static_cast<std::uint64_t>(term.coefficient)));
      if (multiplier != nullptr) wide = b.CreateMul(wide, multiplier);
      sum = b.CreateAdd(sum, wide);
    }
    if (pattern.bits == 32) {
      // An offset in the shared window. The window is small, so of all numbers that are the offset modulo
      // 2^32 only one lies near it: a sign extension before the known part is added finds it for every lane
      // that lies inside, even where others lie below the window.
      if (std::abs(segment.offset) > kMostWindowOffset) {
        sum = b.CreateAdd(sum, emitter.i32(static_cast<std::uint32_t>(segment.offset)));
        segment.offset = 0;
      }
      sum = emitter.resize(sum, 64, true);
    }
    segment.in_window = sum;
    segment.address = window == nullptr ? sum : b.CreateAdd(sum, window);
    plan.segments.push_back(segment);
  }
  return plan;
}

}  // namespace doppel::jit
