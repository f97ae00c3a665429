// SPDX-License-Identifier: Apache-2.0
#include "engine/tensor_box.h"

#include <fmt/format.h>

#include <algorithm>

namespace doppel::engine {

using ir::TensorMode;
using ir::TensorType;

namespace {

constexpr std::uint32_t kLine = 128;
constexpr std::uint32_t kRowsOfGather = 4;

// In steps of the element stride, all that begin in the box.
std::uint32_t count_of(const TensorBox& box, std::size_t dimension) {
  const std::uint32_t step = dimension == 0 ? 1 : box.map.element_strides[dimension];
  return (box.map.box[dimension] + step - 1) / step;
}

std::string problem_of_mode(const TensorBox& box) {
  const bool tiled = box.mode == TensorMode::Tile || box.mode == TensorMode::Gather4;
  const bool wide = box.mode == TensorMode::Im2colW;
  const ir::TensorAccess wanted = tiled  ? ir::TensorAccess::Tiled
                                  : wide ? ir::TensorAccess::Im2colW
                                         : ir::TensorAccess::Im2col;
  if (box.map.access != wanted) return "the map was made for another mode than the instruction's";
  if (box.map.dimensions() != box.dimensions)
    return fmt::format("a map of {} dimensions, an instruction of {}", box.map.dimensions(), box.dimensions);
  if (box.mode == TensorMode::Gather4 && box.map.box[1] != 1)
    return fmt::format("rows are gathered with a box of one, not of {}", box.map.box[1]);
  if (!wide) return {};
  if (box.map.swizzle == ir::TensorSwizzle::None || box.map.atom == ir::SwizzleAtom::Of32BytesFlipped)
    return "im2col::w needs swizzling, and not with flips";
  if (box.offsets[0] != 0)
    return "im2col::w with a halo is not implemented: where its pixels come from stands in no text";
  return {};
}

std::string problem_of_type(const TensorBox& box) {
  const TensorType type = box.map.type;
  if (ir::is_packed(type)) {
    if (box.to_cluster) return "elements of less than a byte are loaded to .shared::cta only";
    if (box.move == TensorMove::Store && type == TensorType::B4x16P64)
      return "elements of 4 bits with gaps are only loaded";
    if (box.move == TensorMove::Reduce) return "elements of less than a byte are not reduced";
    const std::int32_t group = ir::is_spread(type) ? 128 : 16;
    if (box.start[0] % group != 0)
      return fmt::format("coordinate 0 is {}, no multiple of {}", box.start[0], group);
  }
  if (box.map.atom != ir::SwizzleAtom::Of16Bytes && box.to_cluster)
    return "parts of more than 16 bytes are swizzled in .shared::cta only";
  if (box.map.atom == ir::SwizzleAtom::Of32BytesFlipped && box.move != TensorMove::Load)
    return "what is flipped is only loaded";
  return {};
}

// 9.7.9.25.5.3: which elements an operation is of.
bool reduces(ir::AtomicOp operation, TensorType type) {
  const bool words = type == TensorType::U32 || type == TensorType::S32;
  const bool longs = type == TensorType::U64 || type == TensorType::S64;
  const bool halves = type == TensorType::F16 || type == TensorType::BF16;
  switch (operation) {
    case ir::AtomicOp::Add:
      return words || halves || type == TensorType::U64 || type == TensorType::F32;
    case ir::AtomicOp::Min:
    case ir::AtomicOp::Max:
      return words || longs || halves;
    case ir::AtomicOp::Inc:
    case ir::AtomicOp::Dec:
      return type == TensorType::U32;
    default:
      return words || longs;
  }
}

std::string problem_of_start(const TensorBox& box) {
  if (box.move != TensorMove::Load) {
    for (std::uint32_t i = 0; i < box.dimensions; ++i) {
      if (box.start[i] < 0)
        return fmt::format("coordinate {} is {}; only loads begin in front of a tensor", i, box.start[i]);
    }
  }
  if (!box.map.is_im2col()) return {};
  const std::uint32_t corners = box.mode == TensorMode::Im2colW ? 1 : box.dimensions - 2;
  for (std::uint32_t i = 0; i < corners; ++i) {
    const std::int64_t lower = box.map.lower_corner(i),
                       upper = box.map.size(1 + i) - 1 + box.map.upper_corner(i);
    if (box.move != TensorMove::Load && (lower < 0 || box.map.upper_corner(i) > 0))
      return "what is stored has a bounding box within the tensor";
    const bool before = box.start[1 + i] < lower && box.mode != TensorMode::Im2colW;
    if (before || box.start[1 + i] > upper)
      return fmt::format("coordinate {} is {}, outside of the bounding box from {} to {}", 1 + i,
                         box.start[1 + i], lower, upper);
  }
  return {};
}

// Where a tensor's elements are along a row, from its start on.
class RowFinder {
 public:
  explicit RowFinder(const TensorBox& box) : box_(box), elements_(row_elements(box)) {
    const std::int64_t start = box.start[0], end = std::min(start + elements_, box.map.size(0));
    inside_.first = static_cast<std::uint32_t>(std::clamp<std::int64_t>(-start, 0, elements_));
    const std::int64_t count = end - start - inside_.first;
    inside_.count = static_cast<std::uint32_t>(std::max<std::int64_t>(count, 0));
    first_ = box.map.address +
             global_bytes(box, static_cast<std::uint32_t>(std::max<std::int64_t>(start + inside_.first, 0)));
  }

  // at: the coordinates of dimensions 1, 2, ...
  TensorRow row(const std::array<std::int64_t, 5>& at) const {
    TensorRow row = inside_;
    row.address = first_;
    for (std::uint32_t i = 1; i < box_.map.dimensions(); ++i) {
      if (at[i] < 0 || at[i] >= box_.map.size(i)) return {};
      row.address += static_cast<std::uint64_t>(at[i]) * box_.map.strides[i - 1];
    }
    if (row.count == 0) return {};
    return row;
  }

 private:
  const TensorBox& box_;
  std::int64_t elements_;
  TensorRow inside_;
  std::uint64_t first_ = 0;
};

using Visit = std::function<void(const TensorRow&)>;

void visit_tile(const TensorBox& box, const Visit& visit) {
  const RowFinder finder(box);
  std::array<std::uint32_t, 5> index{};
  const std::uint32_t dimensions = box.dimensions;
  for (;;) {
    std::array<std::int64_t, 5> at{};
    for (std::uint32_t i = 1; i < dimensions; ++i)
      at[i] = std::int64_t{box.start[i]} + std::int64_t{index[i]} * box.map.element_strides[i];
    visit(finder.row(at));
    std::uint32_t i = 1;
    while (i < dimensions && ++index[i] == count_of(box, i)) index[i++] = 0;
    if (i >= dimensions) return;
  }
}

// 5.5.4: from pixel to pixel of the bounding box, then on in the next image.
void visit_column(const TensorBox& box, const Visit& visit) {
  const RowFinder finder(box);
  const bool wide = box.mode == TensorMode::Im2colW;
  const std::uint32_t last = box.dimensions - 1, corners = wide ? 1 : box.dimensions - 2;
  std::array<std::int64_t, 5> pixel{}, offset{};
  for (std::uint32_t i = 1; i < box.dimensions; ++i) pixel[i] = box.start[i];
  for (std::uint32_t i = 0; box.mode == TensorMode::Im2col && i < corners; ++i)
    offset[1 + i] = box.offsets[i];
  if (wide) offset[1] = box.offsets[1];  // the bounding box moves with it (5.5.5.4)
  for (std::uint32_t n = 0; n < box.map.pixels(); ++n) {
    std::array<std::int64_t, 5> at = pixel;
    for (std::uint32_t i = 1; i < last; ++i) at[i] += offset[i];
    visit(finder.row(at));
    std::uint32_t i = 0;
    for (; i < corners; ++i) {
      pixel[1 + i] += box.map.element_strides[1 + i];
      if (pixel[1 + i] <= box.map.size(1 + i) - 1 + box.map.upper_corner(i)) break;
      pixel[1 + i] = box.map.lower_corner(i);
    }
    if (i == corners) ++pixel[last];
  }
}

}  // namespace

std::string problem_of(const TensorBox& box) {
  std::string why = ir::problem_of(box.map);
  if (!why.empty()) return why;
  if (box.map.interleave != ir::TensorInterleave::None)
    return "interleaved tensors are not implemented: where their slices lie stands in no text";
  why = problem_of_mode(box);
  if (why.empty()) why = problem_of_type(box);
  if (why.empty()) why = problem_of_start(box);
  if (why.empty() && box.move == TensorMove::Reduce && !reduces(box.reduction, box.map.type))
    why = "the reduction is none of elements of the tensor's type";
  return why;
}

std::uint32_t row_elements(const TensorBox& box) { return box.map.box[0]; }

std::uint64_t rows_of(const TensorBox& box) {
  if (box.mode == TensorMode::Gather4) return kRowsOfGather;
  if (box.map.is_im2col()) return box.map.pixels();
  std::uint64_t rows = 1;
  for (std::uint32_t i = 1; i < box.dimensions; ++i) rows *= count_of(box, i);
  return rows;
}

std::uint64_t bytes_of(const TensorBox& box) {
  return rows_of(box) * ir::shared_bytes(box.map.type, row_elements(box));
}

std::uint64_t shared_extent(const TensorBox& box) {
  const std::uint64_t bytes = bytes_of(box);
  return box.map.swizzle == ir::TensorSwizzle::None ? bytes : (bytes + kLine - 1) / kLine * kLine;
}

std::uint64_t global_bytes(const TensorBox& box, std::uint32_t elements) {
  return std::uint64_t{elements} * static_cast<std::uint64_t>(ir::bits_of(box.map.type)) / 8;
}

void for_each_row(const TensorBox& box, const Visit& visit) {
  if (box.mode == TensorMode::Gather4) {
    const RowFinder finder(box);
    for (std::uint32_t i = 0; i < kRowsOfGather; ++i) visit(finder.row({0, box.start[1 + i]}));
  } else if (box.map.is_im2col()) {
    visit_column(box, visit);
  } else {
    visit_tile(box, visit);
  }
}

}  // namespace doppel::engine
