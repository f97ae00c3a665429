// SPDX-License-Identifier: Apache-2.0
#include "driver/texture_resource.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "device/array.h"
#include "device/context.h"
#include "device/platform.h"
#include "driver/objects.h"
#include "driver/process.h"
#include "driver/texture_formats.h"
#include "texture/fast_fetch.h"
#include "texture/sample.h"

namespace doppel::driver {
namespace {

using texture::Image;
using texture::Sampler;

// What memory that the program allocates is aligned to here; CU_DEVICE_ATTRIBUTE_TEXTURE_ALIGNMENT is what a
// card's driver gives it.
constexpr std::uint64_t kAlignment = 256;

Result<void> wrong(std::string why) { return fail(Error::Kind::InvalidArgument, std::move(why)); }

Result<Image> image_of_array(const std::shared_ptr<device::Array>& array, const device::Context& context) {
  const device::Device& own = context.device();
  const device::Device& other = array->context().device();
  // Arrays are reached over NVLink (CU_DEVICE_P2P_ATTRIBUTE_CUDA_ARRAY_ACCESS_SUPPORTED).
  if (&other != &own && !(own.linked_by_nvlink(other) && context.enabled_peer(other)))
    return fail(Error::Kind::InvalidArgument, "the array is of another device");
  return array->image();
}

// Bytes from an address on that the card may read without an end of an allocation between.
Result<void> check_memory(CUdeviceptr address, std::uint64_t bytes, const device::Context& context) {
  const device::PointerInfo info = platform().classify(address);
  if (info.kind == device::PointerInfo::Kind::PageableHost || !info.allocation)
    return wrong(fmt::format("{:#x} is no memory of a device", address));
  if (info.kind == device::PointerInfo::Kind::Device && info.device != &context.device() &&
      !context.reaches(address, 1))
    return wrong(fmt::format("{:#x} is memory of another device", address));
  if (address % kAlignment != 0)
    return wrong(fmt::format("{:#x} is not aligned to {} bytes", address, kAlignment));
  const std::uint64_t left = info.allocation->address + info.allocation->size - address;
  if (bytes == 0 || bytes > left)
    return wrong(fmt::format("{} bytes from {:#x} on, of which {} are allocated", bytes, address, left));
  return {};
}

Result<Image> linear_image(const CUDA_RESOURCE_DESC& from, const device::Context& context) {
  const auto& linear = from.res.linear;
  const auto format = format_of(linear.format, linear.numChannels);
  if (!format) return tl::unexpected(format.error());
  if (format->is_compressed()) return fail(Error::Kind::InvalidArgument, "compressed texels in plain memory");
  const std::uint64_t width = linear.sizeInBytes / static_cast<std::uint64_t>(format->bytes());
  if (width == 0 || width > static_cast<std::uint64_t>(context.device().card().textures.max_1d_linear))
    return fail(Error::Kind::InvalidArgument, fmt::format("a texture of {} elements in plain memory", width));
  if (auto good = check_memory(linear.devPtr, linear.sizeInBytes, context); !good)
    return tl::unexpected(good.error());
  Image image;
  image.format = *format;
  image.shape = texture::Shape::D1;
  image.buffer = true;
  image.levels[0].base = linear.devPtr;
  image.levels[0].width = static_cast<std::int32_t>(width);
  image.levels[0].pitch = image.levels[0].slice = linear.sizeInBytes;
  return image;
}

Result<Image> pitched_image(const CUDA_RESOURCE_DESC& from, const device::Context& context) {
  const auto& plane = from.res.pitch2D;
  const auto format = format_of(plane.format, plane.numChannels);
  if (!format) return tl::unexpected(format.error());
  if (format->is_compressed()) return fail(Error::Kind::InvalidArgument, "compressed texels in plain memory");
  const card::Textures& limit = context.device().card().textures;
  const auto most = [&](std::size_t i) { return static_cast<std::uint64_t>(limit.max_2d_linear[i]); };
  const std::uint64_t row = plane.width * static_cast<std::uint64_t>(format->bytes());
  if (plane.width == 0 || plane.height == 0 || plane.width > most(0) || plane.height > most(1) ||
      plane.pitchInBytes > most(2) || plane.pitchInBytes < row)
    return fail(Error::Kind::InvalidArgument, fmt::format("a texture of {} by {} elements, {} bytes a row",
                                                          plane.width, plane.height, plane.pitchInBytes));
  if (plane.pitchInBytes % static_cast<std::uint64_t>(limit.pitch_alignment_bytes) != 0)
    return fail(Error::Kind::InvalidArgument,
                fmt::format("a pitch of {} bytes is not aligned", plane.pitchInBytes));
  if (auto good = check_memory(plane.devPtr, plane.pitchInBytes * (plane.height - 1) + row, context); !good)
    return tl::unexpected(good.error());
  Image image;
  image.format = *format;
  image.shape = texture::Shape::D2;
  image.pitched = true;
  image.levels[0].base = plane.devPtr;
  image.levels[0].width = static_cast<std::int32_t>(plane.width);
  image.levels[0].height = static_cast<std::int32_t>(plane.height);
  image.levels[0].pitch = plane.pitchInBytes;
  image.levels[0].slice = plane.pitchInBytes * plane.height;
  return image;
}

}  // namespace

Result<Image> image_of(const CUDA_RESOURCE_DESC& resource, const device::Context& context) {
  if (resource.flags != 0) return fail(Error::Kind::InvalidArgument, "a resource has no flags");
  switch (resource.resType) {
    case CU_RESOURCE_TYPE_ARRAY:
      return find_array(resource.res.array.hArray).and_then([&](const auto& array) {
        return image_of_array(array, context);
      });
    case CU_RESOURCE_TYPE_MIPMAPPED_ARRAY:
      return find_mipmapped_array(resource.res.mipmap.hMipmappedArray).and_then([&](const auto& array) {
        return image_of_array(array, context);
      });
    case CU_RESOURCE_TYPE_LINEAR:
      return linear_image(resource, context);
    case CU_RESOURCE_TYPE_PITCH2D:
      return pitched_image(resource, context);
    default:
      return fail(Error::Kind::InvalidArgument, "there is no such type of a resource");
  }
}

Result<Sampler> sampler_of(const CUDA_TEXTURE_DESC& from, const CUDA_RESOURCE_DESC& resource,
                           const Image& image) {
  const auto refused = [](const char* why) { return fail(Error::Kind::InvalidArgument, why); };
  constexpr unsigned kKnown = CU_TRSF_READ_AS_INTEGER | CU_TRSF_NORMALIZED_COORDINATES | CU_TRSF_SRGB |
                              CU_TRSF_DISABLE_TRILINEAR_OPTIMIZATION | CU_TRSF_SEAMLESS_CUBEMAP;
  if ((from.flags & ~kKnown) != 0) return refused("unknown flags of a texture");
  Sampler sampler;
  sampler.normalized_coordinates = (from.flags & CU_TRSF_NORMALIZED_COORDINATES) != 0;
  sampler.as_integers = (from.flags & CU_TRSF_READ_AS_INTEGER) != 0;
  sampler.srgb = (from.flags & CU_TRSF_SRGB) != 0;
  sampler.seamless = (from.flags & CU_TRSF_SEAMLESS_CUBEMAP) != 0;
  static constexpr std::array kModes{texture::AddressMode::Wrap, texture::AddressMode::Clamp,
                                     texture::AddressMode::Mirror, texture::AddressMode::Border};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto mode = static_cast<unsigned>(from.addressMode[i]);
    if (mode >= kModes.size()) return refused("there is no such address mode");
    sampler.modes[i] = kModes[mode];
    // Without normalised coordinates there is nothing to repeat (cuTexObjectCreate).
    const bool repeats = mode == CU_TR_ADDRESS_MODE_WRAP || mode == CU_TR_ADDRESS_MODE_MIRROR;
    if (!sampler.normalized_coordinates && repeats) sampler.modes[i] = texture::AddressMode::Clamp;
  }
  const auto is_filter = [](CUfilter_mode mode) {
    return mode == CU_TR_FILTER_MODE_POINT || mode == CU_TR_FILTER_MODE_LINEAR;
  };
  if (!is_filter(from.filterMode) || !is_filter(from.mipmapFilterMode))
    return refused("there is no such filter");
  const bool linear_memory = resource.resType == CU_RESOURCE_TYPE_LINEAR;
  sampler.linear = from.filterMode == CU_TR_FILTER_MODE_LINEAR && !linear_memory;
  sampler.linear_levels = from.mipmapFilterMode == CU_TR_FILTER_MODE_LINEAR;
  if (sampler.linear && texture::reads_integers(image.format, sampler))
    return refused("whole numbers cannot be filtered");
  // sRGB is of unsigned texels of 8 bits.
  sampler.srgb =
      sampler.srgb && (image.format.element == texture::Element::U8 || image.format.is_compressed());
  if (sampler.seamless && image.shape != texture::Shape::Cube)
    return refused("only cubes have edges to filter across");
  if (resource.resType == CU_RESOURCE_TYPE_MIPMAPPED_ARRAY && !sampler.normalized_coordinates)
    return refused("mip levels need normalised coordinates");
  sampler.most_anisotropy = static_cast<int>(std::clamp(from.maxAnisotropy, 1U, 16U));
  sampler.level_bias = from.mipmapLevelBias;
  sampler.least_level = from.minMipmapLevelClamp;
  sampler.most_level = from.maxMipmapLevelClamp;
  for (std::size_t i = 0; i < 4; ++i) sampler.border[i] = from.borderColor[i];
  return sampler;
}

Result<Image> viewed(Image image, const CUDA_RESOURCE_VIEW_DESC& view) {
  const auto refused = [](const char* why) { return fail(Error::Kind::InvalidArgument, why); };
  if (image.buffer || image.pitched) return refused("plain memory has no views");
  if (view.format != CU_RES_VIEW_FORMAT_NONE) {
    const auto format = format_of(view.format);
    if (!format) return tl::unexpected(format.error());
    if (!texture::Format(*format).is_compressed() && image.format.is_compressed())
      return refused("blocks are not read as plain texels");
    if (!may_view(image.format, *format)) return refused("a view of texels of another size");
    const int scale = format->block() / image.format.block();
    if (view.width != static_cast<std::uint64_t>(image.levels[0].width) * static_cast<unsigned>(scale))
      return refused("a view's width is not that of its array");
    const bool flat = image.shape == texture::Shape::D1;
    if (!flat &&
        view.height != static_cast<std::uint64_t>(image.levels[0].height) * static_cast<unsigned>(scale))
      return refused("a view's height is not that of its array");
    for (int i = 0; i < image.level_count; ++i) {
      auto& level = image.levels[static_cast<std::size_t>(i)];
      level.width *= scale;
      if (!flat) level.height *= scale;
    }
    const bool was_normalized = image.format.normalized && !format->is_compressed();
    image.format = *format;
    image.format.normalized = image.format.normalized || was_normalized;
  }
  const auto levels = static_cast<unsigned>(image.level_count);
  if (view.firstMipmapLevel > view.lastMipmapLevel || view.firstMipmapLevel >= levels)
    return refused("a view of levels that are not there");
  const unsigned last = std::min(view.lastMipmapLevel, levels - 1);
  std::move(image.levels.begin() + view.firstMipmapLevel, image.levels.begin() + last + 1,
            image.levels.begin());
  image.level_count = static_cast<int>(last - view.firstMipmapLevel + 1);
  if (image.layered) {
    if (view.firstLayer > view.lastLayer || view.lastLayer >= static_cast<unsigned>(image.layers))
      return refused("a view of layers that are not there");
    const std::uint64_t skipped =
        view.firstLayer * image.layer_bytes * (image.shape == texture::Shape::Cube ? 6U : 1U);
    for (auto& level : image.levels) level.base += skipped;
    image.layers = static_cast<std::int32_t>(view.lastLayer - view.firstLayer + 1);
  } else if (view.firstLayer != 0 || view.lastLayer != 0) {
    return refused("a view of layers of what has none");
  }
  return image;
}

texture::Texture texture_of(Image image, const Sampler& sampler) {
  texture::Texture made{std::move(image), sampler, nullptr};
  made.fast = texture::fast_fetch_for(made.image, sampler);
  return made;
}

}  // namespace doppel::driver
