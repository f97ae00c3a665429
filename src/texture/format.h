// SPDX-License-Identifier: Apache-2.0
// Formats of texels: how many components, of what, in how many bytes.
#pragma once

#include <cstdint>

namespace doppel::texture {

// BC1 to BC5: blocks of four by four texels (Khronos Data Format 1.3, chapter 18).
enum class Element : std::uint8_t {
  U8,
  S8,
  U16,
  S16,
  U32,
  S32,
  F16,
  F32,
  U10,  // three of 10 bits and one of 2
  Bc1,
  Bc2,
  Bc3,
  Bc4U,
  Bc4S,
  Bc5U,
  Bc5S,
};

struct Format {
  Element element = Element::U8;
  std::uint8_t channels = 1;  // 1, 2 or 4
  bool normalized = false;    // of UNORM and SNORM formats: read as floats, whatever the texture says
  bool srgb = false;          // red, green and blue are
  bool operator==(const Format&) const = default;

  bool is_compressed() const { return element >= Element::Bc1; }
  bool is_float() const { return element == Element::F16 || element == Element::F32; }
  bool is_signed() const {
    return element == Element::S8 || element == Element::S16 || element == Element::S32;
  }
  // Of a texel; of a block of 16 where they are compressed.
  int bytes() const;
  // Texels of a block in one direction.
  int block() const { return is_compressed() ? 4 : 1; }
  // What 1.0 is in the whole numbers of a normalised format; 1 for floats.
  double one() const;
};

}  // namespace doppel::texture
