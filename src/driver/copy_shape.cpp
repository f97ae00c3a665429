// SPDX-License-Identifier: Apache-2.0
#include "driver/copy_shape.h"

#include <fmt/format.h>

#include <algorithm>

#include "device/array.h"
#include "device/platform.h"
#include "driver/objects.h"
#include "driver/process.h"

namespace doppel::driver {
namespace {

// One side of a copy as the interface's structures say it.
struct Place {
  CUmemorytype type;
  const void* host;
  CUdeviceptr device;
  CUarray array;
  std::size_t x_bytes, y, z;
  std::size_t pitch, height;
};

// Of a box that lies inside of the array.
Result<device::CopyWork::Side> array_side(const Place& place, std::size_t width, std::size_t height,
                                          std::size_t depth, const char* name) {
  const auto array = find_array(place.array);
  if (!array) return tl::unexpected(array.error());
  const device::ArrayDescription& d = (*array)->description();
  const auto outside = [](std::uint64_t first, std::uint64_t count, std::uint64_t all) {
    return first > all || count > all - first;
  };
  const std::uint64_t slices = std::max<std::uint64_t>(1, d.depth);
  if (width != 0 && height != 0 && depth != 0 &&
      (outside(place.x_bytes, width, (*array)->row_bytes()) || outside(place.y, height, (*array)->rows()) ||
       outside(place.z, depth, slices)))
    return fail(Error::Kind::InvalidArgument,
                fmt::format("the {} of a copy lies outside of its array of {} bytes, {} rows and {} slices",
                            name, (*array)->row_bytes(), (*array)->rows(), slices));
  const auto texel = static_cast<std::uint64_t>(d.format.bytes());
  if (place.x_bytes % texel != 0 || width % texel != 0)
    return fail(Error::Kind::InvalidArgument,
                fmt::format("the {} of a copy splits an array's element", name));
  const device::Array::Box box = (*array)->box(place.x_bytes, place.y, place.z);
  return device::CopyWork::Side{.address = box.address,
                                .pitch = box.pitch,
                                .slice_rows = box.slice_rows,
                                .array = *array,
                                .place = {place.x_bytes, place.y, place.z}};
}

Result<device::CopyWork::Side> to_side(const Place& place, std::size_t width, std::size_t height,
                                       std::size_t depth, const char* name) {
  const std::size_t rows = height * depth;
  std::uint64_t address = 0;
  switch (place.type) {
    case CU_MEMORYTYPE_HOST:
      address = reinterpret_cast<std::uintptr_t>(place.host);
      break;
    case CU_MEMORYTYPE_DEVICE:
      // Swapped arguments are found by this.
      if (width != 0 && rows != 0 &&
          platform().classify(place.device).kind == device::PointerInfo::Kind::PageableHost)
        return fail(Error::Kind::InvalidArgument,
                    fmt::format("the {} of a copy, {:#x}, is no memory of a device", name, place.device));
      address = place.device;
      break;
    case CU_MEMORYTYPE_UNIFIED:
      address = place.device;
      break;
    case CU_MEMORYTYPE_ARRAY:
      return array_side(place, width, height, depth, name);
    default:
      return fail(Error::Kind::InvalidArgument, fmt::format("the {} of a copy has no memory type", name));
  }
  const std::size_t pitch = place.pitch != 0 ? place.pitch : place.x_bytes + width;
  if (rows > 1 && pitch < place.x_bytes + width)
    return fail(Error::Kind::InvalidArgument,
                fmt::format("the {}'s pitch of {} bytes is less than a row", name, pitch));
  const std::size_t slice_rows = place.height != 0 ? place.height : place.y + height;
  return device::CopyWork::Side{.address = address + (place.z * slice_rows + place.y) * pitch + place.x_bytes,
                                .pitch = pitch,
                                .slice_rows = slice_rows};
}

Result<device::CopyWork> box(const Place& destination, const Place& source, std::size_t width,
                             std::size_t height, std::size_t depth) {
  auto to = to_side(destination, width, height, depth, "destination");
  if (!to) return tl::unexpected(to.error());
  auto from = to_side(source, width, height, depth, "source");
  if (!from) return tl::unexpected(from.error());
  return device::CopyWork{*to, *from, width, height, depth};
}

template <typename Box>
Result<device::CopyWork> box_of(const Box& c) {
  if (c.srcLOD != 0 || c.dstLOD != 0)
    return fail(Error::Kind::InvalidArgument, "a copy names a level of detail of plain memory");
  return box({c.dstMemoryType, c.dstHost, c.dstDevice, c.dstArray, c.dstXInBytes, c.dstY, c.dstZ, c.dstPitch,
              c.dstHeight},
             {c.srcMemoryType, c.srcHost, c.srcDevice, c.srcArray, c.srcXInBytes, c.srcY, c.srcZ, c.srcPitch,
              c.srcHeight},
             c.WidthInBytes, c.Height, c.Depth);
}

}  // namespace

Result<device::CopyWork> to_work(const CUDA_MEMCPY2D& c) {
  return box({c.dstMemoryType, c.dstHost, c.dstDevice, c.dstArray, c.dstXInBytes, c.dstY, 0, c.dstPitch, 0},
             {c.srcMemoryType, c.srcHost, c.srcDevice, c.srcArray, c.srcXInBytes, c.srcY, 0, c.srcPitch, 0},
             c.WidthInBytes, c.Height, 1);
}

Result<device::CopyWork> array_copy(const LinearPlace& destination, const LinearPlace& source,
                                    std::size_t bytes) {
  // Both lie in rows of the array, which may be some of it or part of one.
  std::size_t row = bytes, height = 1;
  for (const LinearPlace* side : {&destination, &source}) {
    if (side->array == nullptr) continue;
    const auto array = find_array(side->array);
    if (!array) return tl::unexpected(array.error());
    const std::size_t own = (*array)->row_bytes();
    if (side->offset % own + bytes <= own) continue;
    if (side->offset % own != 0 || bytes % own != 0 || (height != 1 && row != own))
      return fail(Error::Kind::InvalidArgument,
                  fmt::format("a copy of {} bytes is no whole rows of {} bytes of its array", bytes, own));
    row = own;
    height = bytes / own;
  }
  const auto place = [&](const LinearPlace& side) -> Result<Place> {
    if (side.array == nullptr)
      return Place{CU_MEMORYTYPE_UNIFIED, nullptr, side.address, nullptr, 0, 0, 0, row, height};
    return find_array(side.array).map([&](const auto& array) {
      const std::size_t own = array->row_bytes();
      return Place{CU_MEMORYTYPE_ARRAY, nullptr, 0, side.array, side.offset % own,
                   side.offset / own,   0,       0, 0};
    });
  };
  return place(destination).and_then([&](const Place& to) {
    return place(source).and_then([&](const Place& from) { return box(to, from, row, height, 1); });
  });
}

Result<device::CopyWork> to_work(const CUDA_MEMCPY3D& copy) { return box_of(copy); }
Result<device::CopyWork> to_work(const CUDA_MEMCPY3D_PEER& copy) { return box_of(copy); }

}  // namespace doppel::driver
