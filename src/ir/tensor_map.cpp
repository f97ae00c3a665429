// SPDX-License-Identifier: Apache-2.0
#include "ir/tensor_map.h"

#include <fmt/format.h>

#include <algorithm>

namespace doppel::ir {

int bits_of(TensorType type) {
  switch (type) {
    case TensorType::U8:
      return 8;
    case TensorType::U16:
    case TensorType::F16:
    case TensorType::BF16:
      return 16;
    case TensorType::U32:
    case TensorType::S32:
    case TensorType::F32:
    case TensorType::F32Ftz:
    case TensorType::Tf32:
    case TensorType::Tf32Ftz:
      return 32;
    case TensorType::U64:
    case TensorType::S64:
    case TensorType::F64:
      return 64;
    case TensorType::B4x16:
    case TensorType::B4x16P64:
      return 4;
    case TensorType::B6x16:
      return 6;
  }
  return 8;
}

bool is_float(TensorType type) {
  switch (type) {
    case TensorType::F16:
    case TensorType::BF16:
    case TensorType::F32:
    case TensorType::F32Ftz:
    case TensorType::Tf32:
    case TensorType::Tf32Ftz:
    case TensorType::F64:
      return true;
    default:
      return false;
  }
}

bool is_packed(TensorType type) { return bits_of(type) < 8; }

std::uint32_t shared_bytes(TensorType type, std::uint32_t elements) {
  return is_spread(type) ? elements : elements * static_cast<std::uint32_t>(bits_of(type)) / 8;
}

namespace {

constexpr std::uint64_t kMostStride = (std::uint64_t{1} << 40) - 1;
constexpr std::uint32_t kMostBox = 256, kMostElementStride = 8, kMostPixels = 1024;
constexpr std::uint32_t kSpreadRow = 128;  // elements

template <typename Enumeration>
bool exceeds(Enumeration value, Enumeration last) {
  return value > last;
}

bool is_none(const TensorMap& map) {
  return exceeds(map.type, TensorType::B6x16) || exceeds(map.interleave, TensorInterleave::Of32Bytes) ||
         exceeds(map.swizzle, TensorSwizzle::Of128Bytes) || exceeds(map.atom, SwizzleAtom::Of64Bytes) ||
         exceeds(map.fill, TensorFill::Nan) || exceeds(map.access, TensorAccess::Im2colW128) ||
         map.l2_promotion > 3 || std::ranges::any_of(map.zeros, [](std::uint8_t each) { return each != 0; });
}

std::string problem_of_place(const TensorMap& map) {
  const std::uint64_t unit = is_spread(map.type) || map.interleave == TensorInterleave::Of32Bytes ? 32 : 16;
  if (map.address % unit != 0)
    return fmt::format("the tensor's address {:#x} is no multiple of {}", map.address, unit);
  for (std::size_t i = 0; i + 1 < map.dimensions(); ++i) {
    if (map.strides[i] % unit != 0 || map.strides[i] > kMostStride)
      return fmt::format("a stride of {} bytes; it is a multiple of {} below 2^40", map.strides[i], unit);
  }
  const std::int64_t elements = is_spread(map.type) ? kSpreadRow : map.type == TensorType::B4x16 ? 2 : 1;
  if (map.size(0) % elements != 0)
    return fmt::format("{} elements in dimension 0, no multiple of {}", map.size(0), elements);
  return {};
}

std::string problem_of_bounding_box(const TensorMap& map) {
  static constexpr std::array<std::int32_t, 3> kLargest = {32767, 127, 15};  // by dimensions
  const std::size_t dimensions = map.dimensions();
  if (dimensions < 3) return "im2col is of tensors of 3 to 5 dimensions";
  if (map.pixels() == 0 || map.pixels() > kMostPixels)
    return fmt::format("{} pixels in a column; {} are the most", map.pixels(), kMostPixels);
  const bool wide = map.access != TensorAccess::Im2col;
  const std::size_t corners = wide ? 1 : dimensions - 2;
  const std::int32_t most = wide ? kLargest[0] : kLargest[dimensions - 3];
  for (std::size_t i = 0; i < corners; ++i) {
    const std::int32_t lower = map.lower_corner(i), upper = map.upper_corner(i);
    if (std::max(lower, upper) > most || std::min(lower, upper) < -most - 1)
      return fmt::format("a corner of the bounding box at {}", std::abs(lower) > most ? lower : upper);
    if (lower > map.size(1 + i) - 1 + upper) return "a bounding box of no pixels";
  }
  return {};
}

std::string problem_of_box(const TensorMap& map) {
  const std::size_t dimensions = map.dimensions();
  for (std::size_t i = 0; i < (map.is_im2col() ? 1 : dimensions); ++i) {
    if (map.box[i] == 0 || map.box[i] > kMostBox)
      return fmt::format("a box of {} elements in dimension {}; {} are the most", map.box[i], i, kMostBox);
  }
  for (std::size_t i = map.interleave == TensorInterleave::None ? 1 : 0; i < dimensions; ++i) {
    if (map.element_strides[i] == 0 || map.element_strides[i] > kMostElementStride)
      return fmt::format("a step of {} elements in dimension {}; {} are the most", map.element_strides[i], i,
                         kMostElementStride);
  }
  if (is_spread(map.type) && map.box[0] != kSpreadRow)
    return fmt::format("a box of {} elements in dimension 0, where these have {}", map.box[0], kSpreadRow);
  return map.is_im2col() ? problem_of_bounding_box(map) : std::string{};
}

std::string problem_of_layout(const TensorMap& map) {
  if (map.atom != SwizzleAtom::Of16Bytes && map.swizzle != TensorSwizzle::Of128Bytes)
    return "parts of more than 16 bytes are swizzled within 128 bytes only";
  if (map.interleave != TensorInterleave::None) {
    if (map.dimensions() < 3) return "an interleaved tensor has 3 to 5 dimensions";
    if (map.type == TensorType::B6x16) return "elements of 6 bits are not interleaved";
    if (map.interleave == TensorInterleave::Of32Bytes && map.swizzle != TensorSwizzle::Of32Bytes)
      return "slices of 32 bytes are swizzled within 32 bytes";
    return {};
  }
  const std::uint32_t row = shared_bytes(map.type, map.box[0]);
  if (row % 16 != 0) return fmt::format("a box has rows of {} bytes, no multiple of 16", row);
  static constexpr std::array<std::uint32_t, 4> kSpans = {UINT32_MAX, 32, 64, 128};
  const std::uint32_t span = kSpans[static_cast<std::size_t>(map.swizzle)];
  if (row > span) return fmt::format("rows of {} bytes swizzled within {}", row, span);
  if (!is_spread(map.type) || map.swizzle == TensorSwizzle::None) return {};
  if (map.swizzle != TensorSwizzle::Of128Bytes || map.atom == SwizzleAtom::Of32BytesFlipped)
    return "these elements are swizzled within 128 bytes, and not flipped";
  return {};
}

}  // namespace

std::string problem_of(const TensorMap& map) {
  if (is_none(map)) return "these 128 bytes are no tensor map";
  if (map.last_dimension >= TensorMap::kMostDimensions)
    return fmt::format("a tensor of {} dimensions; 5 are the most", std::uint64_t{map.last_dimension} + 1);
  if (map.fill == TensorFill::Nan && !is_float(map.type)) return "only floats are filled with NaN";
  std::string why = problem_of_place(map);
  if (why.empty()) why = problem_of_box(map);
  if (why.empty()) why = problem_of_layout(map);
  return why;
}

}  // namespace doppel::ir
