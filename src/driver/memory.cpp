// SPDX-License-Identifier: Apache-2.0
// Memory of the current context: on the card, managed, pitched; host memory that the card reaches.
#include "device/context.h"
#include "device/platform.h"
#include "driver/call.h"
#include "driver/objects.h"
#include "driver/process.h"

namespace doppel::driver {
namespace {

// A call that allocates may not happen while a stream of the process captures in its strict mode.
Result<std::shared_ptr<device::Context>> context_for_allocation() {
  return device::Stream::check_unsafe_call().and_then([] { return current_context(); });
}

template <typename Allocate>
CUresult allocate(CUdeviceptr* address, std::size_t bytes, Allocate allocate_in) {
  if (address == nullptr || bytes == 0) return CUDA_ERROR_INVALID_VALUE;
  return answer(context_for_allocation().and_then(allocate_in), address);
}

// What was never allocated, or is freed already, is a wrong argument.
CUresult answer_free(const Result<void>& freed) {
  if (!freed && freed.error().kind == Error::Kind::NotFound) {
    log().info("{}", freed.error().message);
    return CUDA_ERROR_INVALID_VALUE;
  }
  return answer(freed);
}

CUresult free_memory(CUdeviceptr address) {
  if (address == 0) return CUDA_SUCCESS;
  return answer_free(current_context().and_then([&](const auto& context) { return context->free(address); }));
}

CUresult allocate_host(void** host, std::size_t bytes) {
  if (host == nullptr || bytes == 0) return CUDA_ERROR_INVALID_VALUE;
  return answer(context_for_allocation()
                    .and_then([&](const auto& context) { return context->allocate_host(bytes); })
                    .map([](std::uint64_t address) { return reinterpret_cast<void*>(address); }),  // NOLINT
                host);
}

// Pinned or registered memory that the card reaches at its own host address.
Result<std::uint64_t> device_address(const void* host) {
  const device::PointerInfo info = platform().classify(address_of(host));
  using Kind = device::PointerInfo::Kind;
  if (info.kind != Kind::PinnedHost && info.kind != Kind::Managed)
    return fail(Error::Kind::InvalidArgument, "this host memory is neither pinned nor registered");
  return address_of(host);
}

CUresult register_host(void* host, std::size_t bytes, unsigned flags) {
  constexpr unsigned kKnown = CU_MEMHOSTREGISTER_PORTABLE | CU_MEMHOSTREGISTER_DEVICEMAP |
                              CU_MEMHOSTREGISTER_IOMEMORY | CU_MEMHOSTREGISTER_READ_ONLY;
  if (host == nullptr || bytes == 0 || (flags & ~kKnown) != 0) return CUDA_ERROR_INVALID_VALUE;
  if ((flags & CU_MEMHOSTREGISTER_IOMEMORY) != 0) return CUDA_ERROR_NOT_SUPPORTED;
  const auto registered = current_context().and_then(
      [&](const auto& context) { return context->register_host(address_of(host), bytes); });
  if (!registered && registered.error().kind == Error::Kind::AlreadyDone)
    return CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED;
  return answer(registered);
}

}  // namespace
}  // namespace doppel::driver

extern "C" {
using namespace doppel::driver;
using doppel::Error;

CUresult cuMemGetInfo_v2(size_t* free_bytes, size_t* total_bytes) {
  return call(__func__, std::tuple(free_bytes, total_bytes), [&] {
    return answer(current_context().map([&](const auto& context) {
      std::uint64_t free_now = 0;
      std::uint64_t total = 0;
      context->memory_info(free_now, total);
      if (free_bytes != nullptr) *free_bytes = free_now;
      if (total_bytes != nullptr) *total_bytes = total;
    }));
  });
}

CUresult cuMemAlloc_v2(CUdeviceptr* address, size_t bytes) {
  return call(__func__, std::tuple(address, bytes), [&] {
    return allocate(address, bytes, [&](const auto& context) { return context->allocate(bytes); });
  });
}

CUresult cuMemAllocPitch_v2(CUdeviceptr* address, size_t* pitch, size_t width, size_t height,
                            unsigned element_bytes) {
  return call(__func__, std::tuple(address, pitch, width, height, element_bytes), [&] {
    if (pitch == nullptr || (element_bytes != 4 && element_bytes != 8 && element_bytes != 16))
      return CUDA_ERROR_INVALID_VALUE;
    return allocate(address, width * height, [&](const auto& context) {
      std::uint64_t chosen = 0;
      auto allocated = context->allocate_pitched(width, height, chosen);
      if (allocated) *pitch = chosen;
      return allocated;
    });
  });
}

CUresult cuMemAllocManaged(CUdeviceptr* address, size_t bytes, unsigned flags) {
  return call(__func__, std::tuple(address, bytes, flags), [&] {
    if (flags != CU_MEM_ATTACH_GLOBAL && flags != CU_MEM_ATTACH_HOST) return CUDA_ERROR_INVALID_VALUE;
    return allocate(address, bytes, [&](const auto& context) { return context->allocate_managed(bytes); });
  });
}

CUresult cuMemFree_v2(CUdeviceptr address) {
  return call(__func__, std::tuple(address), [&] { return free_memory(address); });
}

CUresult cuMemGetAddressRange_v2(CUdeviceptr* start, size_t* bytes, CUdeviceptr address) {
  return call(__func__, std::tuple(start, bytes, address), [&] {
    const auto allocation = platform().classify(address).allocation;
    if (!allocation) return CUDA_ERROR_NOT_FOUND;
    if (start != nullptr) *start = allocation->address;
    if (bytes != nullptr) *bytes = allocation->size;
    return CUDA_SUCCESS;
  });
}

CUresult cuMemAllocHost_v2(void** host, size_t bytes) {
  return call(__func__, std::tuple(host, bytes), [&] { return allocate_host(host, bytes); });
}

CUresult cuMemHostAlloc(void** host, size_t bytes, unsigned flags) {
  return call(__func__, std::tuple(host, bytes, flags), [&] {
    constexpr unsigned kKnown =
        CU_MEMHOSTALLOC_PORTABLE | CU_MEMHOSTALLOC_DEVICEMAP | CU_MEMHOSTALLOC_WRITECOMBINED;
    if ((flags & ~kKnown) != 0) return CUDA_ERROR_INVALID_VALUE;
    return allocate_host(host, bytes);
  });
}

CUresult cuMemFreeHost(void* host) {
  return call(__func__, std::tuple(host), [&] {
    return answer_free(current_context().and_then(
        [&](const auto& context) { return context->free_host(address_of(host)); }));
  });
}

CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr* address, void* host, unsigned flags) {
  return call(__func__, std::tuple(address, host, flags), [&] {
    if (address == nullptr || host == nullptr || flags != 0) return CUDA_ERROR_INVALID_VALUE;
    return answer(current_context().and_then([&](const auto&) { return device_address(host); }), address);
  });
}

// All pinned memory is portable and mapped.
CUresult cuMemHostGetFlags(unsigned* flags, void* host) {
  return call(__func__, std::tuple(flags, host), [&] {
    if (flags == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(device_address(host).map(
                      [](std::uint64_t) { return CU_MEMHOSTALLOC_PORTABLE | CU_MEMHOSTALLOC_DEVICEMAP; }),
                  flags);
  });
}

CUresult cuMemHostRegister(void* host, size_t bytes, unsigned flags) {
  return call(__func__, std::tuple(host, bytes, flags), [&] { return register_host(host, bytes, flags); });
}
CUresult cuMemHostRegister_v2(void* host, size_t bytes, unsigned flags) {
  return call(__func__, std::tuple(host, bytes, flags), [&] { return register_host(host, bytes, flags); });
}

CUresult cuMemHostUnregister(void* host) {
  return call(__func__, std::tuple(host), [&] {
    const auto done = current_context().and_then(
        [&](const auto& context) { return context->unregister_host(address_of(host)); });
    if (!done && done.error().kind != Error::Kind::InvalidContext &&
        done.error().kind != Error::Kind::DeviceFault)
      return CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED;
    return answer(done);
  });
}

}  // extern "C"
