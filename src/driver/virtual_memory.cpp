// SPDX-License-Identifier: Apache-2.0
// Address ranges, physical memory, and the mapping of one into the other.
#include "device/virtual_memory.h"

#include "device/device.h"
#include "device/platform.h"
#include "driver/call.h"
#include "driver/objects.h"
#include "driver/process.h"

namespace doppel::driver {
namespace {

// What it can be shared by.
constexpr auto kHandleTypes = CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR;

Result<device::Device*> device_for(const CUmemAllocationProp* wanted) {
  if (wanted == nullptr || wanted->type != CU_MEM_ALLOCATION_TYPE_PINNED)
    return fail(Error::Kind::InvalidArgument, "physical memory is of the pinned type");
  if (wanted->location.type != CU_MEM_LOCATION_TYPE_DEVICE)
    return fail(Error::Kind::NotSupported, "physical memory of the host is not supported yet");
  return find_device(wanted->location.id);
}

CUresult create(CUmemGenericAllocationHandle* memory, std::size_t bytes, const CUmemAllocationProp* wanted,
                unsigned long long flags) {
  if (memory == nullptr || flags != 0) return CUDA_ERROR_INVALID_VALUE;
  if (wanted != nullptr && (wanted->requestedHandleTypes & ~kHandleTypes) != 0) {
    log().error("cuMemCreate: memory is shared between processes by file descriptors alone");
    return CUDA_ERROR_NOT_SUPPORTED;
  }
  const bool shareable = wanted != nullptr && wanted->requestedHandleTypes == kHandleTypes;
  return answer(
      device_for(wanted)
          .and_then([&](auto* device) { return device::PhysicalMemory::create(*device, bytes, shareable); })
          .map([](const auto& made) { return objects().physical_memories.add(made); }),
      memory);
}

// The device whose range an address lies in; ranges do not overlap.
Result<device::VirtualMemory*> range_of(CUdeviceptr address) {
  if (auto* device = platform().classify(address).range) return &device->virtual_memory();
  return fail(Error::Kind::InvalidArgument, "the address lies in no reserved range");
}

Result<device::MemoryAccess> access_of(const CUmemAccessDesc& description) {
  switch (description.flags) {
    case CU_MEM_ACCESS_FLAGS_PROT_NONE:
      return device::MemoryAccess::None;
    case CU_MEM_ACCESS_FLAGS_PROT_READ:
      return device::MemoryAccess::Read;
    case CU_MEM_ACCESS_FLAGS_PROT_READWRITE:
      return device::MemoryAccess::ReadWrite;
    default:
      return fail(Error::Kind::InvalidArgument, "there is no such access");
  }
}

Result<void> set_access(CUdeviceptr address, std::size_t bytes, const CUmemAccessDesc* descriptions,
                        std::size_t count) {
  if (descriptions == nullptr || count == 0)
    return fail(Error::Kind::InvalidArgument, "no access is described");
  return range_of(address).and_then([&](auto* range) -> Result<void> {
    for (std::size_t i = 0; i < count; ++i) {
      const auto set = access_of(descriptions[i]).and_then([&](auto access) {
        return range->set_access(address, bytes, access);
      });
      if (!set) return set;
      const CUmemLocation& location = descriptions[i].location;
      if (location.type == CU_MEM_LOCATION_TYPE_DEVICE)
        platform().classify(address).device->share_with(location.id);
    }
    return {};
  });
}

int flags_of(device::MemoryAccess access) {
  switch (access) {
    case device::MemoryAccess::Read:
      return CU_MEM_ACCESS_FLAGS_PROT_READ;
    case device::MemoryAccess::ReadWrite:
      return CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
    case device::MemoryAccess::None:
      break;
  }
  return CU_MEM_ACCESS_FLAGS_PROT_NONE;
}

Result<std::shared_ptr<device::PhysicalMemory>> find_memory(CUmemGenericAllocationHandle handle) {
  auto found = objects().physical_memories.find(handle);
  if (!found)
    return fail(Error::Kind::InvalidArgument, "this is no memory of this process, or it was released");
  return found;
}

CUresult export_memory(void* handle, CUmemGenericAllocationHandle memory, CUmemAllocationHandleType type,
                       unsigned long long flags) {
  if (handle == nullptr || flags != 0 || type != kHandleTypes) return CUDA_ERROR_INVALID_VALUE;
  return answer(find_memory(memory).and_then([](const auto& found) { return found->share(); }),
                static_cast<int*>(handle));
}

CUresult import_memory(CUmemGenericAllocationHandle* memory, void* handle, CUmemAllocationHandleType type) {
  if (memory == nullptr || type != kHandleTypes) return CUDA_ERROR_INVALID_VALUE;
  const auto file = static_cast<int>(reinterpret_cast<std::intptr_t>(handle));
  return answer(device::PhysicalMemory::import(platform(), file).map([](const auto& made) {
    return objects().physical_memories.add(made);
  }),
                memory);
}

}  // namespace
}  // namespace doppel::driver

extern "C" {
using namespace doppel::driver;

CUresult cuMemAddressReserve(CUdeviceptr* address, size_t bytes, size_t alignment, CUdeviceptr wanted,
                             unsigned long long flags) {
  return call(__func__, std::tuple(address, bytes, alignment, wanted, flags), [&] {
    if (address == nullptr || bytes == 0 || flags != 0) return CUDA_ERROR_INVALID_VALUE;
    // Of the current context's card, or of the first one: reserving needs no context.
    const auto context = current_context();
    auto& device = context ? (*context)->device() : platform().device(0);
    return answer(device.virtual_memory().reserve(bytes, alignment, wanted), address);
  });
}
CUresult cuMemAddressFree(CUdeviceptr address, size_t bytes) {
  return call(__func__, std::tuple(address, bytes), [&] {
    return answer(range_of(address).and_then([&](auto* range) { return range->release(address, bytes); }));
  });
}

CUresult cuMemCreate(CUmemGenericAllocationHandle* memory, size_t bytes,
                     const CUmemAllocationProp* properties, unsigned long long flags) {
  return call(__func__, std::tuple(memory, bytes, properties, flags),
              [&] { return create(memory, bytes, properties, flags); });
}
// A file descriptor of the program's own: open for as long as it likes, and to be sent where it likes.
CUresult cuMemExportToShareableHandle(void* handle, CUmemGenericAllocationHandle memory,
                                      CUmemAllocationHandleType type, unsigned long long flags) {
  return call(__func__, std::tuple(handle, memory, type, flags),
              [&] { return export_memory(handle, memory, type, flags); });
}
// The descriptor itself stands in the place of the pointer.
CUresult cuMemImportFromShareableHandle(CUmemGenericAllocationHandle* memory, void* handle,
                                        CUmemAllocationHandleType type) {
  return call(__func__, std::tuple(memory, handle, type),
              [&] { return import_memory(memory, handle, type); });
}
// Mapped memory lives on until it is unmapped.
CUresult cuMemRelease(CUmemGenericAllocationHandle memory) {
  return call(__func__, std::tuple(memory), [&] {
    return objects().physical_memories.remove(memory) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult cuMemMap(CUdeviceptr address, size_t bytes, size_t offset, CUmemGenericAllocationHandle memory,
                  unsigned long long flags) {
  return call(__func__, std::tuple(address, bytes, offset, memory, flags), [&] {
    if (flags != 0) return CUDA_ERROR_INVALID_VALUE;
    return answer(range_of(address).and_then([&](auto* range) {
      return find_memory(memory).and_then(
          [&](const auto& found) { return range->map(address, bytes, offset, found); });
    }));
  });
}
CUresult cuMemUnmap(CUdeviceptr address, size_t bytes) {
  return call(__func__, std::tuple(address, bytes), [&] {
    return answer(range_of(address).and_then([&](auto* range) { return range->unmap(address, bytes); }));
  });
}

CUresult cuMemSetAccess(CUdeviceptr address, size_t bytes, const CUmemAccessDesc* descriptions,
                        size_t count) {
  return call(__func__, std::tuple(address, bytes, descriptions, count),
              [&] { return answer(set_access(address, bytes, descriptions, count)); });
}
CUresult cuMemGetAccess(unsigned long long* flags, const CUmemLocation* location, CUdeviceptr address) {
  return call(__func__, std::tuple(flags, location, address), [&] {
    if (flags == nullptr || location == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(
        range_of(address).and_then([&](auto* range) { return range->access(address); }).map(flags_of), flags);
  });
}

CUresult cuMemGetAllocationGranularity(size_t* bytes, const CUmemAllocationProp* properties,
                                       CUmemAllocationGranularity_flags flags) {
  return call(__func__, std::tuple(bytes, properties, flags), [&] {
    if (bytes == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(
        device_for(properties).map([](auto*) { return doppel::device::PhysicalMemory::granularity(); }),
        bytes);
  });
}
CUresult cuMemGetAllocationPropertiesFromHandle(CUmemAllocationProp* properties,
                                                CUmemGenericAllocationHandle memory) {
  return call(__func__, std::tuple(properties, memory), [&] {
    if (properties == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_memory(memory).map([&](const auto& found) {
      *properties = CUmemAllocationProp{};
      properties->type = CU_MEM_ALLOCATION_TYPE_PINNED;
      properties->location = {CU_MEM_LOCATION_TYPE_DEVICE, found->device().ordinal()};
      if (found->is_shareable()) properties->requestedHandleTypes = kHandleTypes;
    }));
  });
}
CUresult cuMemRetainAllocationHandle(CUmemGenericAllocationHandle* memory, void* address) {
  return call(__func__, std::tuple(memory, address), [&] {
    if (memory == nullptr) return CUDA_ERROR_INVALID_VALUE;
    const auto number = reinterpret_cast<CUdeviceptr>(address);
    const auto range = range_of(number);
    const auto found = range ? (*range)->mapped(number) : nullptr;
    if (!found) return CUDA_ERROR_INVALID_VALUE;
    *memory = objects().physical_memories.add(found);
    return CUDA_SUCCESS;
  });
}

}  // extern "C"
