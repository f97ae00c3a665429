// SPDX-License-Identifier: Apache-2.0
// Advice and prefetching of managed memory. Host and doubles share one memory, so where a page "lies" changes
// no result, and only times (device/residence.h).
#include "device/execute.h"
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

int ordinal_of(const CUmemLocation& place) {
  return place.type == CU_MEM_LOCATION_TYPE_DEVICE ? place.id : device::kHostPlace;
}

CUresult prefetch(CUdeviceptr address, std::size_t bytes, const CUmemLocation& place, CUstream stream) {
  if (bytes == 0 || !is_managed(address)) return CUDA_ERROR_INVALID_VALUE;
  if (!is_place(place)) return CUDA_ERROR_INVALID_DEVICE;
  const device::PrefetchWork work{address, bytes, ordinal_of(place)};
  return answer(find_stream(stream).and_then([&](const auto& found) { return found->enqueue(work); }));
}

device::Advice kind_of(CUmem_advise advice) {
  switch (advice) {
    case CU_MEM_ADVISE_SET_READ_MOSTLY:
    case CU_MEM_ADVISE_UNSET_READ_MOSTLY:
      return device::Advice::ReadMostly;
    case CU_MEM_ADVISE_SET_PREFERRED_LOCATION:
    case CU_MEM_ADVISE_UNSET_PREFERRED_LOCATION:
      return device::Advice::PreferredLocation;
    default:
      return device::Advice::AccessedBy;
  }
}

CUresult advise(CUdeviceptr address, std::size_t bytes, CUmem_advise advice, const CUmemLocation& place) {
  if (bytes == 0 || !is_managed(address)) return CUDA_ERROR_INVALID_VALUE;
  if (advice < CU_MEM_ADVISE_SET_READ_MOSTLY || advice > CU_MEM_ADVISE_UNSET_ACCESSED_BY)
    return CUDA_ERROR_INVALID_VALUE;
  const bool places = advice == CU_MEM_ADVISE_SET_PREFERRED_LOCATION ||
                      advice == CU_MEM_ADVISE_SET_ACCESSED_BY || advice == CU_MEM_ADVISE_UNSET_ACCESSED_BY;
  if (places && !is_place(place)) return CUDA_ERROR_INVALID_DEVICE;
  const bool set = advice == CU_MEM_ADVISE_SET_READ_MOSTLY ||
                   advice == CU_MEM_ADVISE_SET_PREFERRED_LOCATION || advice == CU_MEM_ADVISE_SET_ACCESSED_BY;
  const device::AdviceWork work{address, bytes, kind_of(advice), set, places ? ordinal_of(place) : 0};
  return answer(current_context().map([&](const auto& context) { device::submit_advice(work, context); }));
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
