// SPDX-License-Identifier: Apache-2.0
// What an address is.
#include "device/platform.h"
#include "driver/call.h"
#include "driver/objects.h"
#include "driver/process.h"

namespace doppel::driver {
namespace {

using Kind = device::PointerInfo::Kind;

template <typename T>
void store(void* out, T value) {
  *static_cast<T*>(out) = value;
}

bool is_known(const device::PointerInfo& info) { return info.kind != Kind::PageableHost; }

// False: the attribute does not exist. Of memory that the driver does not know, `out` is left empty.
bool get_attribute(void* out, CUpointer_attribute attribute, CUdeviceptr address,
                   const device::PointerInfo& info) {
  const bool on_device = info.kind == Kind::Device || info.kind == Kind::Managed;
  switch (attribute) {
    case CU_POINTER_ATTRIBUTE_CONTEXT: {
      CUcontext context = nullptr;
      if (info.context != nullptr)
        context = handle_of(info.context->shared_from_this());
      else if (info.device != nullptr)
        context = primary_handle(*info.device);
      store(out, context);
      return true;
    }
    case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
      store<unsigned>(out, on_device ? CU_MEMORYTYPE_DEVICE : is_known(info) ? CU_MEMORYTYPE_HOST : 0);
      return true;
    case CU_POINTER_ATTRIBUTE_DEVICE_POINTER:
      store<CUdeviceptr>(out, is_known(info) ? address : 0);
      return true;
    case CU_POINTER_ATTRIBUTE_HOST_POINTER:
      store<CUdeviceptr>(out, info.kind == Kind::PinnedHost || info.kind == Kind::Managed ? address : 0);
      return true;
    case CU_POINTER_ATTRIBUTE_SYNC_MEMOPS:
      store<unsigned>(out, 0);
      return true;
    case CU_POINTER_ATTRIBUTE_BUFFER_ID:
    case CU_POINTER_ATTRIBUTE_MEMORY_BLOCK_ID:
      store<unsigned long long>(out, info.allocation ? info.allocation->serial : 0);
      return true;
    case CU_POINTER_ATTRIBUTE_IS_MANAGED:
      store<unsigned>(out, info.kind == Kind::Managed ? 1 : 0);
      return true;
    case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL:
      store<int>(out, info.device != nullptr ? info.device->ordinal() : -2);
      return true;
    case CU_POINTER_ATTRIBUTE_RANGE_START_ADDR:
    case CU_POINTER_ATTRIBUTE_MAPPING_BASE_ADDR:
      store<CUdeviceptr>(out, info.allocation ? info.allocation->address : 0);
      return true;
    case CU_POINTER_ATTRIBUTE_RANGE_SIZE:
    case CU_POINTER_ATTRIBUTE_MAPPING_SIZE:
      store<std::size_t>(out, info.allocation ? info.allocation->size : 0);
      return true;
    case CU_POINTER_ATTRIBUTE_MAPPED:
      store<unsigned>(out, is_known(info) ? 1 : 0);
      return true;
    case CU_POINTER_ATTRIBUTE_ALLOWED_HANDLE_TYPES:
      store<unsigned long long>(out, CU_MEM_HANDLE_TYPE_NONE);
      return true;
    case CU_POINTER_ATTRIBUTE_IS_LEGACY_CUDA_IPC_CAPABLE:
      store<unsigned>(out, info.allocation && (info.allocation->kind == memory::AllocationKind::Device ||
                                               info.allocation->kind == memory::AllocationKind::Pitched)
                               ? 1
                               : 0);
      return true;
    case CU_POINTER_ATTRIBUTE_IS_GPU_DIRECT_RDMA_CAPABLE:
    case CU_POINTER_ATTRIBUTE_IS_HW_DECOMPRESS_CAPABLE:
      store<unsigned>(out, 0);
      return true;
    case CU_POINTER_ATTRIBUTE_ACCESS_FLAGS:
      store<unsigned>(out, is_known(info) ? CU_MEM_ACCESS_FLAGS_PROT_READWRITE : 0);
      return true;
    case CU_POINTER_ATTRIBUTE_MEMPOOL_HANDLE: {
      const bool pooled =
          info.allocation && info.allocation->kind == memory::AllocationKind::Pool && info.device != nullptr;
      store<CUmemoryPool>(out, pooled ? objects().pools.add(info.device->default_pool()) : nullptr);
      return true;
    }
    default:
      return false;
  }
}

}  // namespace
}  // namespace doppel::driver

extern "C" {
using namespace doppel::driver;

CUresult cuPointerGetAttribute(void* value, CUpointer_attribute attribute, CUdeviceptr address) {
  return call(__func__, std::tuple(value, attribute, address), [&] {
    if (value == nullptr) return CUDA_ERROR_INVALID_VALUE;
    const auto info = platform().classify(address);
    // One attribute of memory that is not the driver's is an error; a list of them is not.
    if (!is_known(info)) return CUDA_ERROR_INVALID_VALUE;
    return get_attribute(value, attribute, address, info) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult cuPointerGetAttributes(unsigned count, CUpointer_attribute* attributes, void** values,
                                CUdeviceptr address) {
  return call(__func__, std::tuple(count, attributes, values, address), [&] {
    if (attributes == nullptr || values == nullptr) return CUDA_ERROR_INVALID_VALUE;
    const auto info = platform().classify(address);
    for (unsigned i = 0; i < count; ++i)
      if (values[i] == nullptr || !get_attribute(values[i], attributes[i], address, info))
        return CUDA_ERROR_INVALID_VALUE;
    return CUDA_SUCCESS;
  });
}

// Copies of such memory would have to be synchronous: they are never less ordered than that to the program's
// eye.
CUresult cuPointerSetAttribute(const void* value, CUpointer_attribute attribute, CUdeviceptr address) {
  return call(__func__, std::tuple(value, attribute, address), [&] {
    if (value == nullptr || attribute != CU_POINTER_ATTRIBUTE_SYNC_MEMOPS) return CUDA_ERROR_INVALID_VALUE;
    return is_known(platform().classify(address)) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
  });
}

}  // extern "C"
