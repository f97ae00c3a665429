// SPDX-License-Identifier: Apache-2.0
#include "driver/texture_formats.h"

#include <fmt/format.h>

namespace doppel::driver {
namespace {

using texture::Element;
using texture::Format;

Format plain(Element element, unsigned channels) {
  return {element, static_cast<std::uint8_t>(channels), false, false};
}
Format normalized(Element element, int channels) {
  return {element, static_cast<std::uint8_t>(channels), true, false};
}
Format blocks(Element element, int channels, bool srgb = false) {
  return {element, static_cast<std::uint8_t>(channels), true, srgb};
}

}  // namespace

Result<Format> format_of(CUarray_format format, unsigned channels) {
  const bool counted = channels == 1 || channels == 2 || channels == 4;
  const auto by_channels = [&](Element element) -> Result<Format> {
    if (!counted) return fail(Error::Kind::InvalidArgument, fmt::format("texels of {} channels", channels));
    return plain(element, channels);
  };
  switch (format) {
    case CU_AD_FORMAT_UNSIGNED_INT8:
      return by_channels(Element::U8);
    case CU_AD_FORMAT_UNSIGNED_INT16:
      return by_channels(Element::U16);
    case CU_AD_FORMAT_UNSIGNED_INT32:
      return by_channels(Element::U32);
    case CU_AD_FORMAT_SIGNED_INT8:
      return by_channels(Element::S8);
    case CU_AD_FORMAT_SIGNED_INT16:
      return by_channels(Element::S16);
    case CU_AD_FORMAT_SIGNED_INT32:
      return by_channels(Element::S32);
    case CU_AD_FORMAT_HALF:
      return by_channels(Element::F16);
    case CU_AD_FORMAT_FLOAT:
      return by_channels(Element::F32);
    case CU_AD_FORMAT_UNORM_INT8X1:
    case CU_AD_FORMAT_UNORM_INT8X2:
      return normalized(Element::U8, format == CU_AD_FORMAT_UNORM_INT8X1 ? 1 : 2);
    case CU_AD_FORMAT_UNORM_INT8X4:
      return normalized(Element::U8, 4);
    case CU_AD_FORMAT_UNORM_INT16X1:
    case CU_AD_FORMAT_UNORM_INT16X2:
      return normalized(Element::U16, format == CU_AD_FORMAT_UNORM_INT16X1 ? 1 : 2);
    case CU_AD_FORMAT_UNORM_INT16X4:
      return normalized(Element::U16, 4);
    case CU_AD_FORMAT_SNORM_INT8X1:
    case CU_AD_FORMAT_SNORM_INT8X2:
      return normalized(Element::S8, format == CU_AD_FORMAT_SNORM_INT8X1 ? 1 : 2);
    case CU_AD_FORMAT_SNORM_INT8X4:
      return normalized(Element::S8, 4);
    case CU_AD_FORMAT_SNORM_INT16X1:
    case CU_AD_FORMAT_SNORM_INT16X2:
      return normalized(Element::S16, format == CU_AD_FORMAT_SNORM_INT16X1 ? 1 : 2);
    case CU_AD_FORMAT_SNORM_INT16X4:
      return normalized(Element::S16, 4);
    case CU_AD_FORMAT_UNORM_INT_101010_2:
      return normalized(Element::U10, 4);
    case CU_AD_FORMAT_BC1_UNORM:
    case CU_AD_FORMAT_BC1_UNORM_SRGB:
      return blocks(Element::Bc1, 4, format == CU_AD_FORMAT_BC1_UNORM_SRGB);
    case CU_AD_FORMAT_BC2_UNORM:
    case CU_AD_FORMAT_BC2_UNORM_SRGB:
      return blocks(Element::Bc2, 4, format == CU_AD_FORMAT_BC2_UNORM_SRGB);
    case CU_AD_FORMAT_BC3_UNORM:
    case CU_AD_FORMAT_BC3_UNORM_SRGB:
      return blocks(Element::Bc3, 4, format == CU_AD_FORMAT_BC3_UNORM_SRGB);
    case CU_AD_FORMAT_BC4_UNORM:
      return blocks(Element::Bc4U, 1);
    case CU_AD_FORMAT_BC4_SNORM:
      return blocks(Element::Bc4S, 1);
    case CU_AD_FORMAT_BC5_UNORM:
      return blocks(Element::Bc5U, 2);
    case CU_AD_FORMAT_BC5_SNORM:
      return blocks(Element::Bc5S, 2);
    case CU_AD_FORMAT_BC6H_UF16:
    case CU_AD_FORMAT_BC6H_SF16:
    case CU_AD_FORMAT_BC7_UNORM:
    case CU_AD_FORMAT_BC7_UNORM_SRGB:
      return fail(Error::Kind::NotSupported,
                  "arrays compressed by BC6H (CU_AD_FORMAT_BC6H_*) and BC7 (CU_AD_FORMAT_BC7_*) are not "
                  "supported yet");
    case CU_AD_FORMAT_NV12:
    case CU_AD_FORMAT_P010:
    case CU_AD_FORMAT_P016:
    case CU_AD_FORMAT_NV16:
    case CU_AD_FORMAT_P210:
    case CU_AD_FORMAT_P216:
    case CU_AD_FORMAT_YUY2:
    case CU_AD_FORMAT_Y210:
    case CU_AD_FORMAT_Y216:
    case CU_AD_FORMAT_AYUV:
    case CU_AD_FORMAT_Y410:
    case CU_AD_FORMAT_Y416:
    case CU_AD_FORMAT_Y444_PLANAR8:
    case CU_AD_FORMAT_Y444_PLANAR10:
    case CU_AD_FORMAT_YUV444_8bit_SemiPlanar:
    case CU_AD_FORMAT_YUV444_16bit_SemiPlanar:
      return fail(Error::Kind::NotSupported,
                  fmt::format("arrays of video frames (format {}: NV12 and its like) are not supported yet",
                              static_cast<int>(format)));
    default:
      return fail(Error::Kind::InvalidArgument,
                  fmt::format("{} is no format of an array", static_cast<int>(format)));
  }
}

Result<Format> format_of(CUresourceViewFormat format) {
  if (format >= CU_RES_VIEW_FORMAT_UINT_1X8 && format <= CU_RES_VIEW_FORMAT_FLOAT_4X32) {
    static constexpr Element kElements[] = {Element::U8,  Element::S8,  Element::U16, Element::S16,
                                            Element::U32, Element::S32, Element::F16, Element::F32};
    static constexpr unsigned kChannels[] = {1, 2, 4};
    const unsigned number = static_cast<unsigned>(format) - CU_RES_VIEW_FORMAT_UINT_1X8;
    return plain(kElements[number / 3], kChannels[number % 3]);
  }
  switch (format) {
    case CU_RES_VIEW_FORMAT_UNSIGNED_BC1:
      return blocks(Element::Bc1, 4);
    case CU_RES_VIEW_FORMAT_UNSIGNED_BC2:
      return blocks(Element::Bc2, 4);
    case CU_RES_VIEW_FORMAT_UNSIGNED_BC3:
      return blocks(Element::Bc3, 4);
    case CU_RES_VIEW_FORMAT_UNSIGNED_BC4:
      return blocks(Element::Bc4U, 1);
    case CU_RES_VIEW_FORMAT_SIGNED_BC4:
      return blocks(Element::Bc4S, 1);
    case CU_RES_VIEW_FORMAT_UNSIGNED_BC5:
      return blocks(Element::Bc5U, 2);
    case CU_RES_VIEW_FORMAT_SIGNED_BC5:
      return blocks(Element::Bc5S, 2);
    case CU_RES_VIEW_FORMAT_UNSIGNED_BC6H:
    case CU_RES_VIEW_FORMAT_SIGNED_BC6H:
    case CU_RES_VIEW_FORMAT_UNSIGNED_BC7:
      return fail(Error::Kind::NotSupported,
                  "views of arrays as BC6H and BC7 (CU_RES_VIEW_FORMAT_*_BC6H, _BC7) are not supported yet");
    default:
      return fail(Error::Kind::InvalidArgument,
                  fmt::format("{} is no format of a view", static_cast<int>(format)));
  }
}

bool may_view(const Format& of_array, const Format& of_view) {
  if (of_view.is_compressed() && !of_array.is_compressed())
    return of_array.element == Element::U32 && of_array.bytes() == of_view.bytes();
  return of_array.is_compressed() == of_view.is_compressed() && of_array.bytes() == of_view.bytes();
}

}  // namespace doppel::driver
