// SPDX-License-Identifier: Apache-2.0
// Stream-ordered memory and its pools.
#include <fmt/format.h>

#include "device/device.h"
#include "device/memory_pool.h"
#include "driver/call.h"
#include "driver/objects.h"

namespace doppel::driver {
namespace {

CUresult allocate(CUdeviceptr* address, std::size_t bytes,
                  const Result<std::shared_ptr<device::MemoryPool>>& pool, CUstream stream) {
  if (address == nullptr || bytes == 0) return CUDA_ERROR_INVALID_VALUE;
  return answer(pool.and_then([&](const auto& from) {
    return find_stream(stream).and_then([&](const auto& found) { return found->allocate(bytes, from); });
  }),
                address);
}

Result<device::Device*> device_at(const CUmemLocation& location) {
  if (location.type != CU_MEM_LOCATION_TYPE_DEVICE)
    return fail(Error::Kind::NotSupported, "memory pools of the host are not supported yet");
  return find_device(location.id);
}

CUresult create(CUmemoryPool* pool, const CUmemPoolProps* wanted) {
  if (pool == nullptr || wanted == nullptr || wanted->allocType != CU_MEM_ALLOCATION_TYPE_PINNED)
    return CUDA_ERROR_INVALID_VALUE;
  if (wanted->handleTypes != CU_MEM_HANDLE_TYPE_NONE) {
    log().error("cuMemPoolCreate: pools shared between processes are not supported yet");
    return CUDA_ERROR_NOT_SUPPORTED;
  }
  return answer(device_at(wanted->location).map([](device::Device* device) {
    return objects().pools.add(std::make_shared<device::MemoryPool>(*device));
  }),
                pool);
}

CUresult get_attribute(const device::MemoryPool& pool, CUmemPool_attribute attribute, void* value) {
  const auto usage = pool.usage();
  const auto store_flag = [&](bool flag) { *static_cast<int*>(value) = flag ? 1 : 0; };
  const auto store_bytes = [&](std::uint64_t bytes) { *static_cast<cuuint64_t*>(value) = bytes; };
  switch (attribute) {
    case CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES:
      store_flag(pool.reuse_follow_event_dependencies);
      break;
    case CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC:
      store_flag(pool.reuse_allow_opportunistic);
      break;
    case CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES:
      store_flag(pool.reuse_allow_internal_dependencies);
      break;
    case CU_MEMPOOL_ATTR_RELEASE_THRESHOLD:
      store_bytes(pool.release_threshold());
      break;
    case CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT:
      store_bytes(usage.reserved);
      break;
    case CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH:
      store_bytes(usage.reserved_high);
      break;
    case CU_MEMPOOL_ATTR_USED_MEM_CURRENT:
      store_bytes(usage.used);
      break;
    case CU_MEMPOOL_ATTR_USED_MEM_HIGH:
      store_bytes(usage.used_high);
      break;
    default:
      return CUDA_ERROR_INVALID_VALUE;
  }
  return CUDA_SUCCESS;
}

CUresult set_attribute(device::MemoryPool& pool, CUmemPool_attribute attribute, const void* value) {
  const auto flag = [&] { return *static_cast<const int*>(value) != 0; };
  const auto bytes = [&] { return *static_cast<const cuuint64_t*>(value); };
  switch (attribute) {
    case CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES:
      pool.reuse_follow_event_dependencies = flag();
      break;
    case CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC:
      pool.reuse_allow_opportunistic = flag();
      break;
    case CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES:
      pool.reuse_allow_internal_dependencies = flag();
      break;
    case CU_MEMPOOL_ATTR_RELEASE_THRESHOLD:
      pool.set_release_threshold(bytes());
      break;
    // High-water marks can only be reset.
    case CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH:
      if (bytes() != 0) return CUDA_ERROR_INVALID_VALUE;
      pool.reset_reserved_high();
      break;
    case CU_MEMPOOL_ATTR_USED_MEM_HIGH:
      if (bytes() != 0) return CUDA_ERROR_INVALID_VALUE;
      pool.reset_used_high();
      break;
    default:
      return CUDA_ERROR_INVALID_VALUE;
  }
  return CUDA_SUCCESS;
}

// Access to a pool's memory can be widened, not withdrawn.
CUresult set_access(device::MemoryPool& pool, const CUmemAccessDesc* descriptions, std::size_t count) {
  if (count != 0 && descriptions == nullptr) return CUDA_ERROR_INVALID_VALUE;
  for (std::size_t i = 0; i < count; ++i) {
    const auto known = device_at(descriptions[i].location);
    if (!known) return to_result(known.error());
    if (descriptions[i].flags != CU_MEM_ACCESS_FLAGS_PROT_NONE) pool.device().share_with((*known)->ordinal());
  }
  return CUDA_SUCCESS;
}

}  // namespace
}  // namespace doppel::driver

extern "C" {
using namespace doppel::driver;

CUresult cuMemAllocAsync(CUdeviceptr* address, size_t bytes, CUstream stream) {
  return call(__func__, std::tuple(address, bytes, stream), [&] {
    return allocate(address, bytes, std::shared_ptr<doppel::device::MemoryPool>{}, stream);
  });
}
CUresult cuMemAllocFromPoolAsync(CUdeviceptr* address, size_t bytes, CUmemoryPool pool, CUstream stream) {
  return call(__func__, std::tuple(address, bytes, pool, stream),
              [&] { return allocate(address, bytes, find_pool(pool), stream); });
}
CUresult cuMemFreeAsync(CUdeviceptr address, CUstream stream) {
  return call(__func__, std::tuple(address, stream), [&] {
    if (address == 0) return CUDA_SUCCESS;
    return answer(find_stream(stream).and_then([&](const auto& found) { return found->free(address); }));
  });
}

CUresult cuMemPoolCreate(CUmemoryPool* pool, const CUmemPoolProps* properties) {
  return call(__func__, std::tuple(pool, properties), [&] { return create(pool, properties); });
}
CUresult cuMemPoolDestroy(CUmemoryPool pool) {
  return call(__func__, std::tuple(pool), [&] {
    const auto found = find_pool(pool);
    if (!found) return to_result(found.error());
    auto& device = (*found)->device();
    if (*found == device.default_pool()) return CUDA_ERROR_NOT_SUPPORTED;
    if (*found == device.current_pool()) device.set_current_pool(device.default_pool());
    objects().pools.remove(pool);
    return CUDA_SUCCESS;
  });
}
CUresult cuMemPoolTrimTo(CUmemoryPool pool, size_t keep_bytes) {
  return call(__func__, std::tuple(pool, keep_bytes), [&] {
    return answer(find_pool(pool).map([&](const auto& found) { found->trim(keep_bytes); }));
  });
}
CUresult cuMemPoolGetAttribute(CUmemoryPool pool, CUmemPool_attribute attribute, void* value) {
  return call(__func__, std::tuple(pool, attribute, value), [&] {
    const auto found = find_pool(pool);
    if (!found) return to_result(found.error());
    return value != nullptr ? get_attribute(**found, attribute, value) : CUDA_ERROR_INVALID_VALUE;
  });
}
CUresult cuMemPoolSetAttribute(CUmemoryPool pool, CUmemPool_attribute attribute, void* value) {
  return call(__func__, std::tuple(pool, attribute, value), [&] {
    const auto found = find_pool(pool);
    if (!found) return to_result(found.error());
    return value != nullptr ? set_attribute(**found, attribute, value) : CUDA_ERROR_INVALID_VALUE;
  });
}
CUresult cuMemPoolSetAccess(CUmemoryPool pool, const CUmemAccessDesc* descriptions, size_t count) {
  return call(__func__, std::tuple(pool, descriptions, count), [&] {
    const auto found = find_pool(pool);
    return found ? set_access(**found, descriptions, count) : to_result(found.error());
  });
}
CUresult cuMemPoolGetAccess(CUmemAccess_flags* flags, CUmemoryPool pool, CUmemLocation* location) {
  return call(__func__, std::tuple(flags, pool, location), [&] {
    if (flags == nullptr || location == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(
        find_pool(pool).and_then([&](const auto&) { return device_at(*location); }).map([](const auto*) {
          return CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
        }),
        flags);
  });
}

CUresult cuDeviceGetDefaultMemPool(CUmemoryPool* pool, CUdevice device) {
  return call(__func__, std::tuple(pool, device), [&] {
    if (pool == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(
        find_device(device).map([](auto* found) { return objects().pools.add(found->default_pool()); }),
        pool);
  });
}
CUresult cuDeviceGetMemPool(CUmemoryPool* pool, CUdevice device) {
  return call(__func__, std::tuple(pool, device), [&] {
    if (pool == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(
        find_device(device).map([](auto* found) { return objects().pools.add(found->current_pool()); }),
        pool);
  });
}
CUresult cuDeviceSetMemPool(CUdevice device, CUmemoryPool pool) {
  return call(__func__, std::tuple(device, pool), [&] {
    return answer(find_device(device).and_then([&](auto* found) {
      return find_pool(pool).map([&](const auto& chosen) { found->set_current_pool(chosen); });
    }));
  });
}
CUresult cuMemGetDefaultMemPool(CUmemoryPool* pool, CUmemLocation* location, CUmemAllocationType type) {
  return call(__func__, std::tuple(pool, location, type), [&] {
    if (pool == nullptr || location == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(
        device_at(*location).map([](auto* found) { return objects().pools.add(found->default_pool()); }),
        pool);
  });
}
CUresult cuMemGetMemPool(CUmemoryPool* pool, CUmemLocation* location, CUmemAllocationType type) {
  return call(__func__, std::tuple(pool, location, type), [&] {
    if (pool == nullptr || location == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(
        device_at(*location).map([](auto* found) { return objects().pools.add(found->current_pool()); }),
        pool);
  });
}

}  // extern "C"
