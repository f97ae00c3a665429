// SPDX-License-Identifier: Apache-2.0
#include "texture/query.h"

namespace doppel::texture {
namespace {

using ir::TextureQuery;

// PTX ISA 5.3.2, channel data type.
std::uint32_t channel_type(const Format& format) {
  switch (format.element) {
    case Element::S8:
      return format.normalized ? 0x10d0 : 0x10d7;
    case Element::S16:
      return format.normalized ? 0x10d1 : 0x10d8;
    case Element::U8:
      return format.normalized ? 0x10d2 : 0x10da;
    case Element::U16:
      return format.normalized ? 0x10d3 : 0x10db;
    case Element::U10:
      return 0x10d6;
    case Element::S32:
      return 0x10d9;
    case Element::U32:
      return 0x10dc;
    case Element::F16:
      return 0x10dd;
    case Element::F32:
      return 0x10de;
    default:
      return 0x10d2;  // blocks are read as UNORM_INT8 at best
  }
}

// PTX ISA 5.3.2, channel order.
std::uint32_t channel_order(const Format& format) {
  return format.channels == 1 ? 0x10b0 : format.channels == 2 ? 0x10b2 : 0x10b5;
}

std::uint32_t address_mode(AddressMode mode) {
  switch (mode) {
    case AddressMode::Wrap:
      return 0;
    case AddressMode::Mirror:
      return 1;
    case AddressMode::Clamp:
      return 3;
    case AddressMode::Border:
      return 4;
  }
  return 0;
}

}  // namespace

bool asks_sampler(TextureQuery query) {
  return query >= TextureQuery::ForceUnnormalized && query <= TextureQuery::AddressMode2;
}

std::uint32_t query_sampler(const Sampler& sampler, TextureQuery query) {
  switch (query) {
    case TextureQuery::ForceUnnormalized:
      return sampler.normalized_coordinates ? 0 : 1;
    case TextureQuery::FilterMode:
      return sampler.linear ? 1 : 0;
    case TextureQuery::AddressMode0:
      return address_mode(sampler.modes[0]);
    case TextureQuery::AddressMode1:
      return address_mode(sampler.modes[1]);
    case TextureQuery::AddressMode2:
      return address_mode(sampler.modes[2]);
    default:
      return 0;
  }
}

std::uint32_t query_image(const Image& image, const Sampler* sampler, TextureQuery query,
                          std::int32_t level) {
  if (level < 0 || level >= image.level_count) return 0;
  const Level& at = image.levels[static_cast<std::size_t>(level)];
  switch (query) {
    case TextureQuery::Width:
      return static_cast<std::uint32_t>(at.width);
    case TextureQuery::Height:
      return image.shape == Shape::D1 ? 0 : static_cast<std::uint32_t>(at.height);
    case TextureQuery::Depth:
      return image.shape == Shape::D3 ? static_cast<std::uint32_t>(at.depth) : 0;
    case TextureQuery::ChannelType:
      return channel_type(image.format);
    case TextureQuery::ChannelOrder:
      return channel_order(image.format);
    case TextureQuery::NormalizedCoordinates:
      return sampler != nullptr && sampler->normalized_coordinates ? 1 : 0;
    case TextureQuery::ArraySize:
      return image.layered ? static_cast<std::uint32_t>(image.layers) : 0;
    case TextureQuery::MipmapLevels:
      return static_cast<std::uint32_t>(image.level_count);
    case TextureQuery::Samples:
      return 1;
    case TextureQuery::MemoryLayout:
      return image.pitched || image.buffer ? 1 : 0;
    default:
      return sampler != nullptr ? query_sampler(*sampler, query) : 0;
  }
}

}  // namespace doppel::texture
