// SPDX-License-Identifier: Apache-2.0
// Copies. Addresses are unique in the process, so every kind of copy is one: what lies at each address is
// looked up.
#include <fmt/format.h>

#include "device/platform.h"
#include "driver/call.h"
#include "driver/copy_shape.h"
#include "driver/objects.h"
#include "driver/process.h"

namespace doppel::driver {
namespace {

// As the forms without "Async": the program may use the result when it returns.
CUresult copy_now(const Result<device::CopyWork>& work) {
  return answer(work.and_then([](const device::CopyWork& copy) {
    return find_stream(nullptr).and_then([&](const auto& stream) { return stream->copy_and_wait(copy); });
  }));
}

CUresult copy_on(CUstream stream, const Result<device::CopyWork>& work) {
  return answer(work.and_then([&](const device::CopyWork& copy) {
    return find_stream(stream).and_then([&](const auto& found) { return found->enqueue(copy); });
  }));
}

template <typename Shape>
CUresult shape_now(const Shape* shape) {
  return shape == nullptr ? CUDA_ERROR_INVALID_VALUE : copy_now(to_work(*shape));
}

template <typename Shape>
CUresult shape_on(CUstream stream, const Shape* shape) {
  return shape == nullptr ? CUDA_ERROR_INVALID_VALUE : copy_on(stream, to_work(*shape));
}

enum class Side : std::uint8_t { Host, Device };

// A copy whose name says where its ends lie. The end on the device must be memory that the driver knows:
// swapped arguments are found by that.
Result<device::CopyWork> directed_copy(Side to, std::uint64_t destination, Side from, std::uint64_t source,
                                       std::size_t bytes) {
  const auto unknown = [](std::uint64_t address) {
    return platform().classify(address).kind == device::PointerInfo::Kind::PageableHost;
  };
  if (bytes != 0 &&
      ((to == Side::Device && unknown(destination)) || (from == Side::Device && unknown(source))))
    return fail(
        Error::Kind::InvalidArgument,
        fmt::format("a copy of {} bytes from {:#x} to {:#x}: its device side is no memory of a device", bytes,
                    source, destination));
  return plain_copy(destination, source, bytes);
}

// The contexts of a copy between two must be of this process; the addresses say the rest.
Result<device::CopyWork> peer_copy(CUdeviceptr destination, CUcontext destination_context, CUdeviceptr source,
                                   CUcontext source_context, std::size_t bytes) {
  return find_context(destination_context).and_then([&](const auto&) {
    return find_context(source_context).map([&](const auto&) {
      return plain_copy(destination, source, bytes);
    });
  });
}

}  // namespace
}  // namespace doppel::driver

extern "C" {
using namespace doppel::driver;

CUresult cuMemcpy(CUdeviceptr destination, CUdeviceptr source, size_t bytes) {
  return call(__func__, std::tuple(destination, source, bytes),
              [&] { return copy_now(plain_copy(destination, source, bytes)); });
}
CUresult cuMemcpyAsync(CUdeviceptr destination, CUdeviceptr source, size_t bytes, CUstream stream) {
  return call(__func__, std::tuple(destination, source, bytes, stream),
              [&] { return copy_on(stream, plain_copy(destination, source, bytes)); });
}

CUresult cuMemcpyHtoD_v2(CUdeviceptr destination, const void* source, size_t bytes) {
  return call(__func__, std::tuple(destination, source, bytes), [&] {
    return copy_now(directed_copy(Side::Device, destination, Side::Host, address_of(source), bytes));
  });
}
CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr destination, const void* source, size_t bytes, CUstream stream) {
  return call(__func__, std::tuple(destination, source, bytes, stream), [&] {
    return copy_on(stream, directed_copy(Side::Device, destination, Side::Host, address_of(source), bytes));
  });
}

CUresult cuMemcpyDtoH_v2(void* destination, CUdeviceptr source, size_t bytes) {
  return call(__func__, std::tuple(destination, source, bytes), [&] {
    return copy_now(directed_copy(Side::Host, address_of(destination), Side::Device, source, bytes));
  });
}
CUresult cuMemcpyDtoHAsync_v2(void* destination, CUdeviceptr source, size_t bytes, CUstream stream) {
  return call(__func__, std::tuple(destination, source, bytes, stream), [&] {
    return copy_on(stream, directed_copy(Side::Host, address_of(destination), Side::Device, source, bytes));
  });
}

CUresult cuMemcpyDtoD_v2(CUdeviceptr destination, CUdeviceptr source, size_t bytes) {
  return call(__func__, std::tuple(destination, source, bytes), [&] {
    return copy_now(directed_copy(Side::Device, destination, Side::Device, source, bytes));
  });
}
CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr destination, CUdeviceptr source, size_t bytes, CUstream stream) {
  return call(__func__, std::tuple(destination, source, bytes, stream), [&] {
    return copy_on(stream, directed_copy(Side::Device, destination, Side::Device, source, bytes));
  });
}

CUresult cuMemcpyDtoA_v2(CUarray destination, size_t offset, CUdeviceptr source, size_t bytes) {
  return call(__func__, std::tuple(destination, offset, source, bytes), [&] {
    if (destination == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return copy_now(array_copy({destination, offset}, {nullptr, 0, source}, bytes));
  });
}
CUresult cuMemcpyAtoD_v2(CUdeviceptr destination, CUarray source, size_t offset, size_t bytes) {
  return call(__func__, std::tuple(destination, source, offset, bytes), [&] {
    if (source == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return copy_now(array_copy({nullptr, 0, destination}, {source, offset}, bytes));
  });
}
CUresult cuMemcpyHtoA_v2(CUarray destination, size_t offset, const void* source, size_t bytes) {
  return call(__func__, std::tuple(destination, offset, source, bytes), [&] {
    if (destination == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return copy_now(array_copy({destination, offset}, {nullptr, 0, address_of(source)}, bytes));
  });
}
CUresult cuMemcpyHtoAAsync_v2(CUarray destination, size_t offset, const void* source, size_t bytes,
                              CUstream stream) {
  return call(__func__, std::tuple(destination, offset, source, bytes, stream), [&] {
    if (destination == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return copy_on(stream, array_copy({destination, offset}, {nullptr, 0, address_of(source)}, bytes));
  });
}
CUresult cuMemcpyAtoH_v2(void* destination, CUarray source, size_t offset, size_t bytes) {
  return call(__func__, std::tuple(destination, source, offset, bytes), [&] {
    if (source == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return copy_now(array_copy({nullptr, 0, address_of(destination)}, {source, offset}, bytes));
  });
}
CUresult cuMemcpyAtoHAsync_v2(void* destination, CUarray source, size_t offset, size_t bytes,
                              CUstream stream) {
  return call(__func__, std::tuple(destination, source, offset, bytes, stream), [&] {
    if (source == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return copy_on(stream, array_copy({nullptr, 0, address_of(destination)}, {source, offset}, bytes));
  });
}
CUresult cuMemcpyAtoA_v2(CUarray destination, size_t destination_offset, CUarray source, size_t source_offset,
                         size_t bytes) {
  return call(__func__, std::tuple(destination, destination_offset, source, source_offset, bytes), [&] {
    if (destination == nullptr || source == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return copy_now(array_copy({destination, destination_offset}, {source, source_offset}, bytes));
  });
}

CUresult cuMemcpyPeer(CUdeviceptr destination, CUcontext destination_context, CUdeviceptr source,
                      CUcontext source_context, size_t bytes) {
  return call(__func__, std::tuple(destination, destination_context, source, source_context, bytes), [&] {
    return copy_now(peer_copy(destination, destination_context, source, source_context, bytes));
  });
}
CUresult cuMemcpyPeerAsync(CUdeviceptr destination, CUcontext destination_context, CUdeviceptr source,
                           CUcontext source_context, size_t bytes, CUstream stream) {
  return call(
      __func__, std::tuple(destination, destination_context, source, source_context, bytes, stream), [&] {
        return copy_on(stream, peer_copy(destination, destination_context, source, source_context, bytes));
      });
}

CUresult cuMemcpy2D_v2(const CUDA_MEMCPY2D* shape) {
  return call(__func__, std::tuple(shape), [&] { return shape_now(shape); });
}
CUresult cuMemcpy2DUnaligned_v2(const CUDA_MEMCPY2D* shape) {
  return call(__func__, std::tuple(shape), [&] { return shape_now(shape); });
}
CUresult cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D* shape, CUstream stream) {
  return call(__func__, std::tuple(shape, stream), [&] { return shape_on(stream, shape); });
}

CUresult cuMemcpy3D_v2(const CUDA_MEMCPY3D* shape) {
  return call(__func__, std::tuple(shape), [&] { return shape_now(shape); });
}
CUresult cuMemcpy3DAsync_v2(const CUDA_MEMCPY3D* shape, CUstream stream) {
  return call(__func__, std::tuple(shape, stream), [&] { return shape_on(stream, shape); });
}
CUresult cuMemcpy3DPeer(const CUDA_MEMCPY3D_PEER* shape) {
  return call(__func__, std::tuple(shape), [&] { return shape_now(shape); });
}
CUresult cuMemcpy3DPeerAsync(const CUDA_MEMCPY3D_PEER* shape, CUstream stream) {
  return call(__func__, std::tuple(shape, stream), [&] { return shape_on(stream, shape); });
}

// Attributes say when a source may be read and where memory should lie: stream order, which is always kept,
// satisfies all.
CUresult cuMemcpyWithAttributesAsync(CUdeviceptr destination, CUdeviceptr source, size_t bytes,
                                     CUmemcpyAttributes* attributes, CUstream stream) {
  return call(__func__, std::tuple(destination, source, bytes, attributes, stream),
              [&] { return copy_on(stream, plain_copy(destination, source, bytes)); });
}
CUresult cuMemcpyBatchAsync_v2(CUdeviceptr* destinations, CUdeviceptr* sources, size_t* sizes, size_t count,
                               CUmemcpyAttributes* attributes, size_t* attribute_starts,
                               size_t attribute_count, CUstream stream) {
  return call(
      __func__,
      std::tuple(destinations, sources, sizes, count, attributes, attribute_starts, attribute_count, stream),
      [&] {
        if (destinations == nullptr || sources == nullptr || sizes == nullptr)
          return CUDA_ERROR_INVALID_VALUE;
        for (size_t i = 0; i < count; ++i)
          if (const CUresult done = copy_on(stream, plain_copy(destinations[i], sources[i], sizes[i]));
              done != CUDA_SUCCESS)
            return done;
        return CUDA_SUCCESS;
      });
}
CUresult cuMemcpyBatchAsync(CUdeviceptr* destinations, CUdeviceptr* sources, size_t* sizes, size_t count,
                            CUmemcpyAttributes* attributes, size_t* attribute_starts, size_t attribute_count,
                            size_t* failed, CUstream stream) {
  return call(__func__,
              std::tuple(destinations, sources, sizes, count, attributes, attribute_starts, attribute_count,
                         failed, stream),
              [&] {
                if (destinations == nullptr || sources == nullptr || sizes == nullptr)
                  return CUDA_ERROR_INVALID_VALUE;
                for (size_t i = 0; i < count; ++i) {
                  const CUresult done = copy_on(stream, plain_copy(destinations[i], sources[i], sizes[i]));
                  if (done == CUDA_SUCCESS) continue;
                  if (failed != nullptr) *failed = i;
                  return done;
                }
                return CUDA_SUCCESS;
              });
}

}  // extern "C"
