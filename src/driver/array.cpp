// SPDX-License-Identifier: Apache-2.0
// Arrays and mipmapped arrays.
#include "device/array.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "device/context.h"
#include "driver/call.h"
#include "driver/objects.h"
#include "driver/texture_formats.h"

namespace doppel::driver {
namespace {

using device::ArrayDescription;

constexpr unsigned kArrayFlags = CUDA_ARRAY3D_LAYERED | CUDA_ARRAY3D_SURFACE_LDST | CUDA_ARRAY3D_CUBEMAP |
                                 CUDA_ARRAY3D_TEXTURE_GATHER | CUDA_ARRAY3D_DEPTH_TEXTURE |
                                 CUDA_ARRAY3D_COLOR_ATTACHMENT;

// The card's limits by the kind of array (the table of cuArray3DCreate).
bool within_limits(const ArrayDescription& d, const card::Textures& limit, bool surface, bool gather) {
  const auto fits = [](std::uint64_t extent, int most) { return extent <= static_cast<std::uint64_t>(most); };
  const std::uint64_t w = d.width, h = d.height, z = d.depth;
  if (d.cube && d.layered) {
    const auto& most = surface ? limit.max_surface_cubemap_layered : limit.max_cubemap_layered;
    return fits(w, most[0]) && fits(z, most[1]);
  }
  if (d.cube) return fits(w, surface ? limit.max_surface_cubemap : limit.max_cubemap);
  if (d.layered && h == 0) {
    const auto& most = surface ? limit.max_surface_1d_layered : limit.max_1d_layered;
    return fits(w, most[0]) && fits(z, most[1]);
  }
  if (d.layered) {
    const auto& most = surface ? limit.max_surface_2d_layered : limit.max_2d_layered;
    return fits(w, most[0]) && fits(h, most[1]) && fits(z, most[2]);
  }
  if (h == 0)
    return fits(w, d.levels > 1 ? limit.max_1d_mipmapped : surface ? limit.max_surface_1d : limit.max_1d);
  if (z == 0) {
    const auto& most = gather         ? limit.max_2d_gather
                       : d.levels > 1 ? limit.max_2d_mipmapped
                       : surface      ? limit.max_surface_2d
                                      : limit.max_2d;
    return fits(w, most[0]) && fits(h, most[1]);
  }
  if (surface)
    return fits(w, limit.max_surface_3d[0]) && fits(h, limit.max_surface_3d[1]) &&
           fits(z, limit.max_surface_3d[2]);
  const auto in = [&](const std::array<int, 3>& most) {
    return fits(w, most[0]) && fits(h, most[1]) && fits(z, most[2]);
  };
  return in(limit.max_3d) || in(limit.max_3d_alternate);
}

// What is allocated for a descriptor.
Result<ArrayDescription> described(const CUDA_ARRAY3D_DESCRIPTOR& from, unsigned levels,
                                   const card::Textures& limits) {
  const auto wrong = [](const char* what) { return fail(Error::Kind::InvalidArgument, what); };
  if ((from.Flags & CUDA_ARRAY3D_SPARSE) != 0 || (from.Flags & CUDA_ARRAY3D_DEFERRED_MAPPING) != 0)
    return fail(Error::Kind::NotSupported,
                "sparse arrays and those that are mapped later (CUDA_ARRAY3D_SPARSE, "
                "CUDA_ARRAY3D_DEFERRED_MAPPING) are not supported yet");
  if ((from.Flags & ~kArrayFlags) != 0) return wrong("unknown flags of an array");
  const auto format = format_of(from.Format, from.NumChannels);
  if (!format) return tl::unexpected(format.error());
  ArrayDescription d;
  d.width = from.Width;
  d.height = from.Height;
  d.depth = from.Depth;
  d.format = *format;
  d.interface_format = static_cast<int>(from.Format);
  d.channels = from.NumChannels;
  d.flags = from.Flags;
  d.layered = (from.Flags & CUDA_ARRAY3D_LAYERED) != 0;
  d.cube = (from.Flags & CUDA_ARRAY3D_CUBEMAP) != 0;
  const bool gather = (from.Flags & CUDA_ARRAY3D_TEXTURE_GATHER) != 0;
  const bool surface = (from.Flags & CUDA_ARRAY3D_SURFACE_LDST) != 0;
  if (d.width == 0) return wrong("an array without a width");
  if (surface && d.format.is_compressed()) return wrong("surfaces are not compressed");
  if (d.has_layers() && d.depth == 0) return wrong("a layered array or a cube without layers");
  if (d.cube && (d.width != d.height || d.depth % 6 != 0 || (!d.layered && d.depth != 6)))
    return wrong("a cube has six square faces");
  if (!d.has_layers() && d.depth != 0 && d.height == 0) return wrong("an array with a depth and no height");
  if (gather && (d.height == 0 || d.depth != 0))
    return wrong("only two-dimensional arrays are gathered from");
  const std::uint64_t longest = std::max({d.width, d.height, d.has_layers() ? 0 : d.depth});
  const auto most_levels = static_cast<unsigned>(std::bit_width(longest));
  d.levels = std::clamp(levels, 1U, most_levels);
  if (!within_limits(d, limits, surface, gather)) return wrong("an array is larger than the card's are");
  return d;
}

Result<std::shared_ptr<device::Array>> make(const CUDA_ARRAY3D_DESCRIPTOR& from, unsigned levels) {
  return device::Stream::check_unsafe_call()
      .and_then([] { return current_context(); })
      .and_then([&](const auto& context) {
        return described(from, levels, context->device().card().textures).and_then([&](const auto& d) {
          return device::Array::create(*context, d);
        });
      });
}

CUresult create(CUarray* array, const CUDA_ARRAY3D_DESCRIPTOR& from) {
  return answer(make(from, 1).map([](auto made) { return objects().arrays.add(std::move(made)); }), array);
}

CUDA_ARRAY3D_DESCRIPTOR descriptor_of(const device::Array& array) {
  const ArrayDescription& d = array.description();
  return {d.width, d.height, d.depth, static_cast<CUarray_format>(d.interface_format), d.channels, d.flags};
}

CUDA_ARRAY_MEMORY_REQUIREMENTS requirements_of(const device::Array& array) {
  CUDA_ARRAY_MEMORY_REQUIREMENTS result{};
  result.size = array.bytes();
  result.alignment = 512;
  return result;
}

template <typename Table, typename Handle>
CUresult destroy(Table& table, Handle handle, const Result<std::shared_ptr<device::Array>>& array) {
  if (!array) return to_result(array.error());
  if ((*array)->is_level()) return CUDA_ERROR_INVALID_HANDLE;  // it goes with its whole
  (*array)->context().wait_for_work();
  table.remove(handle);
  (*array)->destroy();
  return CUDA_SUCCESS;
}

// Only arrays of video frames have planes, and those that are mapped later tiles.
CUresult refuse_part(const Result<std::shared_ptr<device::Array>>& array) {
  return array ? CUDA_ERROR_INVALID_VALUE : to_result(array.error());
}

}  // namespace
}  // namespace doppel::driver

extern "C" {
using namespace doppel::driver;

CUresult cuArrayCreate_v2(CUarray* array, const CUDA_ARRAY_DESCRIPTOR* descriptor) {
  return call(__func__, std::tuple(array, descriptor), [&] {
    if (array == nullptr || descriptor == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return create(array,
                  {descriptor->Width, descriptor->Height, 0, descriptor->Format, descriptor->NumChannels, 0});
  });
}
CUresult cuArray3DCreate_v2(CUarray* array, const CUDA_ARRAY3D_DESCRIPTOR* descriptor) {
  return call(__func__, std::tuple(array, descriptor), [&] {
    if (array == nullptr || descriptor == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return create(array, *descriptor);
  });
}
CUresult cuArrayDestroy(CUarray array) {
  return call(__func__, std::tuple(array),
              [&] { return destroy(objects().arrays, array, find_array(array)); });
}
CUresult cuArrayGetDescriptor_v2(CUDA_ARRAY_DESCRIPTOR* descriptor, CUarray array) {
  return call(__func__, std::tuple(descriptor, array), [&] {
    if (descriptor == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_array(array).map([](const auto& found) {
      const CUDA_ARRAY3D_DESCRIPTOR all = descriptor_of(*found);
      return CUDA_ARRAY_DESCRIPTOR{all.Width, all.Height, all.Format, all.NumChannels};
    }),
                  descriptor);
  });
}
CUresult cuArray3DGetDescriptor_v2(CUDA_ARRAY3D_DESCRIPTOR* descriptor, CUarray array) {
  return call(__func__, std::tuple(descriptor, array), [&] {
    if (descriptor == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_array(array).map([](const auto& found) { return descriptor_of(*found); }), descriptor);
  });
}
CUresult cuArrayGetMemoryRequirements(CUDA_ARRAY_MEMORY_REQUIREMENTS* requirements, CUarray array,
                                      CUdevice device) {
  return call(__func__, std::tuple(requirements, array, device), [&] {
    if (requirements == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_device(device)
                      .and_then([&](const auto*) { return find_array(array); })
                      .map([](const auto& found) { return requirements_of(*found); }),
                  requirements);
  });
}
CUresult cuArrayGetPlane(CUarray* plane, CUarray array, unsigned index) {
  return call(__func__, std::tuple(plane, array, index), [&] { return refuse_part(find_array(array)); });
}

CUresult cuMipmappedArrayCreate(CUmipmappedArray* array, const CUDA_ARRAY3D_DESCRIPTOR* descriptor,
                                unsigned levels) {
  return call(__func__, std::tuple(array, descriptor, levels), [&] {
    if (array == nullptr || descriptor == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(make(*descriptor, levels).map([](auto made) {
      return objects().mipmapped_arrays.add(std::move(made));
    }),
                  array);
  });
}
CUresult cuMipmappedArrayGetLevel(CUarray* level, CUmipmappedArray array, unsigned number) {
  return call(__func__, std::tuple(level, array, number), [&] {
    if (level == nullptr) return CUDA_ERROR_INVALID_VALUE;
    const auto found = find_mipmapped_array(array);
    if (!found) return to_result(found.error());
    auto one = (*found)->level(number);
    if (one == nullptr) return CUDA_ERROR_INVALID_VALUE;
    *level = objects().arrays.add(std::move(one));
    return CUDA_SUCCESS;
  });
}
CUresult cuMipmappedArrayDestroy(CUmipmappedArray array) {
  return call(__func__, std::tuple(array), [&] {
    const CUresult result = destroy(objects().mipmapped_arrays, array, find_mipmapped_array(array));
    if (result == CUDA_SUCCESS)
      objects().arrays.remove_if([](const doppel::device::Array& each) { return each.is_destroyed(); });
    return result;
  });
}
CUresult cuMipmappedArrayGetMemoryRequirements(CUDA_ARRAY_MEMORY_REQUIREMENTS* requirements,
                                               CUmipmappedArray array, CUdevice device) {
  return call(__func__, std::tuple(requirements, array, device), [&] {
    if (requirements == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_device(device)
                      .and_then([&](const auto*) { return find_mipmapped_array(array); })
                      .map([](const auto& found) { return requirements_of(*found); }),
                  requirements);
  });
}

}  // extern "C"
