// SPDX-License-Identifier: Apache-2.0
// The tensor map (PTX ISA 5.5.8): 128 bytes of a layout of our own. Programs get it from the driver, and
// change single fields of it (tensormap.replace), also of one that is all zeros; the engine reads it where a
// copy begins.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>

namespace doppel::ir {

// The numbers are those of tensormap.replace (PTX ISA 9.7.9.28).
enum class TensorType : std::uint8_t {
  U8,
  U16,
  U32,
  S32,
  U64,
  S64,
  F16,
  F32,
  F32Ftz,
  F64,
  BF16,
  Tf32,
  Tf32Ftz,
  B4x16,
  B4x16P64,  // in shared memory with a gap of 8 bytes behind every 8
  B6x16      // .b6x16_p32, a gap of 4 bytes behind every 12, of loads; .b6p2x16, bytes, of stores
};
enum class TensorInterleave : std::uint8_t { None, Of16Bytes, Of32Bytes };
enum class TensorSwizzle : std::uint8_t { None, Of32Bytes, Of64Bytes, Of128Bytes };
enum class SwizzleAtom : std::uint8_t { Of16Bytes, Of32Bytes, Of32BytesFlipped, Of64Bytes };
enum class TensorFill : std::uint8_t { Zero, Nan };
enum class TensorAccess : std::uint8_t { Tiled, Im2col, Im2colW, Im2colW128 };

// In place of the mask of a copy to several blocks of a cluster, which has 16 bits.
inline constexpr std::uint64_t kOwnBlock = std::uint64_t{1} << 16;

struct TensorMap {
  static constexpr std::size_t kMostDimensions = 5;
  static constexpr std::size_t kAlignment = 64;

  std::uint64_t address;
  // In bytes, from an element to the next of dimension 1, 2, ...; those of dimension 0 lie side by side. The
  // last of them has no dimension.
  std::array<std::uint64_t, kMostDimensions> strides;
  std::array<std::uint32_t, kMostDimensions> sizes;  // in elements; 0: 2^32
  // Tiled: the box in elements. Else the channels of a pixel, the pixels of a column, and for W, H and D the
  // corners of the bounding box, the lower one in the low 16 bits.
  std::array<std::uint32_t, kMostDimensions> box;
  std::array<std::uint32_t, kMostDimensions> element_strides;
  std::uint32_t last_dimension;  // dimensions less one
  TensorType type;
  TensorInterleave interleave;
  TensorSwizzle swizzle;
  SwizzleAtom atom;
  TensorFill fill;
  TensorAccess access;
  std::uint8_t l2_promotion;  // a hint
  std::array<std::uint8_t, 9> zeros;

  std::uint32_t dimensions() const { return last_dimension + 1; }
  std::int64_t size(std::size_t dimension) const {
    return sizes[dimension] == 0 ? std::int64_t{1} << 32 : std::int64_t{sizes[dimension]};
  }
  bool is_im2col() const { return access != TensorAccess::Tiled; }
  std::uint32_t channels() const { return box[0]; }
  std::uint32_t pixels() const { return access == TensorAccess::Im2colW128 ? 128 : box[1]; }
  // Of W, H, D: 0, 1, 2.
  std::int32_t lower_corner(std::size_t i) const { return static_cast<std::int16_t>(box[2 + i] & 0xffff); }
  std::int32_t upper_corner(std::size_t i) const { return static_cast<std::int16_t>(box[2 + i] >> 16); }
};
static_assert(sizeof(TensorMap) == 128 && std::is_trivial_v<TensorMap> &&
              std::is_standard_layout_v<TensorMap>);

// Of an element in global memory.
int bits_of(TensorType type);
bool is_float(TensorType type);
bool is_packed(TensorType type);  // elements of less than a byte
// Of which groups of 16 elements are spread in shared memory.
inline bool is_spread(TensorType type) { return type == TensorType::B4x16P64 || type == TensorType::B6x16; }
// Of a row of so many elements in shared memory.
std::uint32_t shared_bytes(TensorType type, std::uint32_t elements);

// Why no copy can follow the map, in words; empty: one can (PTX ISA 5.5, 9.7.9.25.5.1).
std::string problem_of(const TensorMap& map);

}  // namespace doppel::ir
