// SPDX-License-Identifier: Apache-2.0
// Advice and prefetching of managed memory. Host and doubles share one memory, so where a page "lies" changes
// no result; what the program advised is checked, and prefetches keep stream order.
#include "device/platform.h"
#include "driver/call.h"
#include "driver/objects.h"
#include "driver/process.h"

namespace doppel::driver {
namespace {

bool is_managed(CUdeviceptr address) {
  return platform().classify(address).kind == device::PointerInfo::Kind::Managed;
}

bool is_place(const CUmemLocation& location) {
  switch (location.type) {
    case CU_MEM_LOCATION_TYPE_DEVICE:
      return location.id >= 0 && location.id < platform().device_count();
    case CU_MEM_LOCATION_TYPE_HOST:
    case CU_MEM_LOCATION_TYPE_HOST_NUMA:
    case CU_MEM_LOCATION_TYPE_HOST_NUMA_CURRENT:
      return true;
    default:
      return false;
  }
}

CUmemLocation place_of(CUdevice device) {
  return device == CU_DEVICE_CPU ? CUmemLocation{CU_MEM_LOCATION_TYPE_HOST, 0}
                                 : CUmemLocation{CU_MEM_LOCATION_TYPE_DEVICE, device};
}

CUresult prefetch(CUdeviceptr address, std::size_t bytes, const CUmemLocation& place, CUstream stream) {
  if (bytes == 0 || !is_managed(address)) return CUDA_ERROR_INVALID_VALUE;
  if (!is_place(place)) return CUDA_ERROR_INVALID_DEVICE;
  return answer(
      find_stream(stream).and_then([](const auto& found) { return found->enqueue(device::EmptyWork{}); }));
}

CUresult advise(CUdeviceptr address, std::size_t bytes, CUmem_advise advice, const CUmemLocation& place) {
  if (bytes == 0 || !is_managed(address)) return CUDA_ERROR_INVALID_VALUE;
  if (advice < CU_MEM_ADVISE_SET_READ_MOSTLY || advice > CU_MEM_ADVISE_UNSET_ACCESSED_BY)
    return CUDA_ERROR_INVALID_VALUE;
  const bool places = advice == CU_MEM_ADVISE_SET_PREFERRED_LOCATION ||
                      advice == CU_MEM_ADVISE_SET_ACCESSED_BY || advice == CU_MEM_ADVISE_UNSET_ACCESSED_BY;
  return places && !is_place(place) ? CUDA_ERROR_INVALID_DEVICE : CUDA_SUCCESS;
}

}  // namespace
}  // namespace doppel::driver

extern "C" {
using namespace doppel::driver;

CUresult cuMemPrefetchAsync(CUdeviceptr address, size_t bytes, CUdevice device, CUstream stream) {
  return call(__func__, std::tuple(address, bytes, device, stream),
              [&] { return prefetch(address, bytes, place_of(device), stream); });
}
CUresult cuMemPrefetchAsync_v2(CUdeviceptr address, size_t bytes, CUmemLocation place, unsigned flags,
                               CUstream stream) {
  return call(__func__, std::tuple(address, bytes, place, flags, stream), [&] {
    if (flags != 0) return CUDA_ERROR_INVALID_VALUE;
    return prefetch(address, bytes, place, stream);
  });
}
CUresult cuMemAdvise(CUdeviceptr address, size_t bytes, CUmem_advise advice, CUdevice device) {
  return call(__func__, std::tuple(address, bytes, advice, device),
              [&] { return advise(address, bytes, advice, place_of(device)); });
}
CUresult cuMemAdvise_v2(CUdeviceptr address, size_t bytes, CUmem_advise advice, CUmemLocation place) {
  return call(__func__, std::tuple(address, bytes, advice, place),
              [&] { return advise(address, bytes, advice, place); });
}

}  // extern "C"
