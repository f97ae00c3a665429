// SPDX-License-Identifier: Apache-2.0
// What an operation on a texture or surface says beside its operands (PTX ISA 9.7.10, 9.7.11).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace doppel::ir {

enum class TextureGeometry : std::uint8_t { None, D1, D2, D3, A1, A2, Cube, ACube };
// How the mip level of a fetch is chosen: the base level, by an operand, by the coordinates' gradients.
enum class TextureLevel : std::uint8_t { Base, Level, Gradient };
enum class TextureComponent : std::uint8_t { None, Red, Green, Blue, Alpha };
// What txq, suq and istypep ask.
enum class TextureQuery : std::uint8_t {
  None,
  Width,
  Height,
  Depth,
  ChannelType,
  ChannelOrder,
  NormalizedCoordinates,
  ForceUnnormalized,
  FilterMode,
  AddressMode0,
  AddressMode1,
  AddressMode2,
  ArraySize,
  MipmapLevels,
  Samples,
  MemoryLayout,
  IsTexture,
  IsSampler,
  IsSurface,
};
// What a surface's access outside of it does: the launch ends, the nearest element is meant, or nothing is
// written and zero read.
enum class SurfaceBounds : std::uint8_t { None, Trap, Clamp, Zero };

struct TextureForm {
  TextureGeometry geometry = TextureGeometry::None;
  TextureLevel level = TextureLevel::Base;
  TextureComponent component = TextureComponent::None;  // of a gather
  TextureQuery query = TextureQuery::None;
  SurfaceBounds bounds = SurfaceBounds::None;
  bool texels = false;     // coordinates are whole numbers of texels (.s32)
  bool sampler = false;    // a sampler follows the texture
  bool offsets = false;    // texels that are added to the coordinates
  bool compare = false;    // a reference for depth comparison
  bool resident = false;   // a predicate: whether all texels were there
  bool formatted = false;  // of a surface: by elements and their format, not by bytes
  bool operator==(const TextureForm&) const = default;

  bool is_layered() const {
    return geometry == TextureGeometry::A1 || geometry == TextureGeometry::A2 ||
           geometry == TextureGeometry::ACube;
  }
  // Without the layer.
  int dimensions() const;
  // Elements of the vector of coordinates: the last of four is not read but of .acube.
  int coordinates() const;
  int gradient_coordinates() const;  // of each of the two gradients
  int offset_coordinates() const;
  // Operands of 32 bits behind the texture and the sampler: coordinates, level, offsets, reference.
  int words() const;
};

// "2d_level_offsets"; each word says one thing.
std::string text_of(const TextureForm& form);
std::optional<TextureForm> find_texture_form(std::string_view text);

// As 64 bits, for generated code.
std::uint64_t packed(const TextureForm& form);
TextureForm unpacked_texture_form(std::uint64_t bits);

}  // namespace doppel::ir
