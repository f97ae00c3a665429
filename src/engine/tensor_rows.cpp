// SPDX-License-Identifier: Apache-2.0
// Rows of a tensor's box between global and shared memory (PTX ISA 5.5.1, 5.5.7).
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <span>

#include "engine/bulk_reduction.h"
#include "engine/tensor_box.h"

namespace doppel::engine {
namespace {

using ir::SwizzleAtom;
using ir::TensorSwizzle;
using ir::TensorType;

constexpr std::uint32_t kPart = 16;       // bytes that are moved together
constexpr std::uint32_t kGroup = 16;      // packed elements that are
constexpr std::size_t kMostBytes = 2048;  // 256 elements of 8 bytes

using Row = std::array<std::byte, kMostBytes>;

// Where 16 bytes lie whose place without swizzling is `at`. The pattern is of addresses: it does not depend
// on where the box begins.
std::uint32_t swizzled(TensorSwizzle swizzle, SwizzleAtom atom, std::uint32_t at) {
  const std::uint32_t line = at >> 7;
  switch (swizzle) {
    case TensorSwizzle::None:
      return at;
    case TensorSwizzle::Of32Bytes:
      return at ^ (line & 1) << 4;
    case TensorSwizzle::Of64Bytes:
      return at ^ (line & 3) << 4;
    case TensorSwizzle::Of128Bytes:
      break;
  }
  if (atom == SwizzleAtom::Of16Bytes) return at ^ (line & 7) << 4;
  if (atom == SwizzleAtom::Of64Bytes) return at ^ (line & 1) << 6;
  return at ^ (line & 3) << 5;
}

// Halves of 16 bytes change places in every second line.
bool is_flipped(const ir::TensorMap& map, std::uint32_t at) {
  return map.atom == SwizzleAtom::Of32BytesFlipped && (at >> 7 & 1) != 0;
}

// used: of each part, those that have a value.
void to_shared(const TensorBox& box, std::byte* shared, std::uint32_t at, std::span<const std::byte> row,
               std::uint32_t used) {
  for (std::size_t i = 0; i < row.size(); i += kPart) {
    const auto place = at + static_cast<std::uint32_t>(i);
    std::byte* const to = shared + swizzled(box.map.swizzle, box.map.atom, place);
    if (is_flipped(box.map, place)) {
      std::memcpy(to, &row[i + kPart / 2], kPart / 2);
      std::memcpy(to + kPart / 2, &row[i], kPart / 2);
    } else {
      std::memcpy(to, &row[i], used);
    }
  }
}

void from_shared(const TensorBox& box, const std::byte* shared, std::uint32_t at, std::span<std::byte> row) {
  for (std::size_t i = 0; i < row.size(); i += kPart)
    std::memcpy(&row[i], shared + swizzled(box.map.swizzle, box.map.atom, at + static_cast<std::uint32_t>(i)),
                kPart);
}

// The NaN that fills, by the element's size: which one it is stands in no text.
void fill(const ir::TensorMap& map, std::span<std::byte> row) {
  std::ranges::fill(row, std::byte{0});
  if (map.fill != ir::TensorFill::Nan) return;
  const auto bytes = static_cast<std::size_t>(ir::bits_of(map.type)) / 8;
  std::ranges::fill(row, std::byte{0xff});
  for (std::size_t i = bytes - 1; i < row.size(); i += bytes) row[i] = std::byte{0x7f};
}

std::uint32_t without_subnormals(std::uint32_t bits) {
  return (bits & 0x7f800000) == 0 ? bits & 0x80000000 : bits;
}

// To the nearest of 10 bits behind the point, ties to even.
std::uint32_t rounded_to_tf32(std::uint32_t bits) {
  constexpr std::uint32_t kDropped = 13;
  if ((bits & 0x7fffffff) > 0x7f800000) return 0x7fffffff;
  bits += (1u << (kDropped - 1)) - 1 + (bits >> kDropped & 1);
  return bits >> kDropped << kDropped;
}

void convert(TensorType type, std::span<std::byte> row) {
  const bool flushes = type == TensorType::F32Ftz || type == TensorType::Tf32Ftz;
  const bool rounds = type == TensorType::Tf32 || type == TensorType::Tf32Ftz;
  if (!flushes && !rounds) return;
  for (std::size_t i = 0; i < row.size(); i += sizeof(std::uint32_t)) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, &row[i], sizeof bits);
    if (flushes) bits = without_subnormals(bits);
    if (rounds) bits = rounded_to_tf32(bits);
    std::memcpy(&row[i], &bits, sizeof bits);
  }
}

// Sixteen bytes with 6 bits each become twelve.
void pack_6_bits(const std::byte* from, std::byte* to) {
  std::array<std::uint8_t, 12> packed{};
  for (std::uint32_t i = 0; i < kGroup; ++i) {
    const std::uint32_t bits = std::to_integer<std::uint32_t>(from[i]) & 0x3f, at = 6 * i;
    packed[at / 8] = static_cast<std::uint8_t>(packed[at / 8] | bits << at % 8);
    if (at % 8 > 2) packed[at / 8 + 1] = static_cast<std::uint8_t>(bits >> (8 - at % 8));
  }
  std::memcpy(to, packed.data(), packed.size());
}

void load_row(const TensorBox& box, const TensorRow& from, std::byte* shared, std::uint32_t at) {
  Row memory;
  const std::span row(memory.data(), ir::shared_bytes(box.map.type, row_elements(box)));
  if (from.count < row_elements(box)) fill(box.map, row);
  const auto* const source = reinterpret_cast<const std::byte*>(from.address);
  if (ir::is_spread(box.map.type)) {
    // The tensor's elements are a whole number of groups, as is the row.
    const std::uint64_t used = global_bytes(box, kGroup);
    for (std::uint32_t i = 0; i < from.count; i += kGroup)
      std::memcpy(&row[from.first + i], source + global_bytes(box, i), used);
    to_shared(box, shared, at, row, static_cast<std::uint32_t>(used));
    return;
  }
  if (from.count != 0)
    std::memcpy(&row[global_bytes(box, from.first)], source, global_bytes(box, from.count));
  convert(box.map.type, row);
  to_shared(box, shared, at, row, kPart);
}

ir::Type type_of(TensorType type) {
  switch (type) {
    case TensorType::U32:
      return ir::Type::U32;
    case TensorType::S32:
      return ir::Type::S32;
    case TensorType::U64:
      return ir::Type::U64;
    case TensorType::S64:
      return ir::Type::S64;
    case TensorType::F16:
      return ir::Type::F16;
    case TensorType::BF16:
      return ir::Type::BF16;
    default:
      return ir::Type::F32;
  }
}

void store_row(const TensorBox& box, const TensorRow& to, const std::byte* shared, std::uint32_t at) {
  if (to.count == 0) return;
  Row memory;
  const std::span row(memory.data(), ir::shared_bytes(box.map.type, row_elements(box)));
  from_shared(box, shared, at, row);
  auto* const target = reinterpret_cast<std::byte*>(to.address);
  if (box.map.type == TensorType::B6x16) {
    for (std::uint32_t i = 0; i < to.count; i += kGroup)
      pack_6_bits(&row[to.first + i], target + global_bytes(box, i));
    return;
  }
  const std::byte* const source = &row[global_bytes(box, to.first)];
  const std::uint64_t bytes = global_bytes(box, to.count);
  if (box.move == TensorMove::Reduce) {
    reduce_elements(box.reduction, type_of(box.map.type), target, source, static_cast<std::uint32_t>(bytes));
    return;
  }
  convert(box.map.type, row);
  std::memcpy(target, source, bytes);
}

}  // namespace

void move_box(const TensorBox& box, std::byte* shared) {
  const std::uint32_t bytes = ir::shared_bytes(box.map.type, row_elements(box));
  std::uint32_t at = box.shared;
  for_each_row(box, [&](const TensorRow& row) {
    if (box.move == TensorMove::Load) {
      load_row(box, row, shared, at);
    } else {
      store_row(box, row, shared, at);
    }
    at += bytes;
  });
}

}  // namespace doppel::engine
