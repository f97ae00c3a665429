// SPDX-License-Identifier: Apache-2.0
#include "driver/copy_shape.h"

#include <fmt/format.h>

#include "device/platform.h"
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

Result<device::CopyWork::Side> to_side(const Place& place, std::size_t width, std::size_t rows,
                                       const char* name) {
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
      return fail(Error::Kind::NotSupported, "copies of arrays are not supported yet");
    default:
      return fail(Error::Kind::InvalidArgument, fmt::format("the {} of a copy has no memory type", name));
  }
  const std::size_t pitch = place.pitch != 0 ? place.pitch : place.x_bytes + width;
  if (rows > 1 && pitch < place.x_bytes + width)
    return fail(Error::Kind::InvalidArgument,
                fmt::format("the {}'s pitch of {} bytes is less than a row", name, pitch));
  const std::size_t slice_rows = place.height != 0 ? place.height : place.y + rows;
  return device::CopyWork::Side{.address = address + (place.z * slice_rows + place.y) * pitch + place.x_bytes,
                                .pitch = pitch,
                                .slice_rows = slice_rows};
}

Result<device::CopyWork> box(const Place& destination, const Place& source, std::size_t width,
                             std::size_t height, std::size_t depth) {
  const std::size_t rows = height * depth;
  auto to = to_side(destination, width, rows, "destination");
  if (!to) return tl::unexpected(to.error());
  auto from = to_side(source, width, rows, "source");
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

Result<device::CopyWork> to_work(const CUDA_MEMCPY3D& copy) { return box_of(copy); }
Result<device::CopyWork> to_work(const CUDA_MEMCPY3D_PEER& copy) { return box_of(copy); }

}  // namespace doppel::driver
