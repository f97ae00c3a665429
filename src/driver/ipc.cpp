// SPDX-License-Identifier: Apache-2.0
// Memory and events that processes share by handles.
#include <algorithm>
#include <cstring>

#include "device/context.h"
#include "device/event.h"
#include "device/shared_event.h"
#include "driver/call.h"
#include "driver/objects.h"

namespace doppel::driver {
namespace {

constexpr unsigned kLazyPeerAccess = CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS;

template <typename To, typename From>
To bytes_of(const From& from) {
  To to{};
  std::memcpy(static_cast<void*>(&to), &from, std::min(sizeof(To), sizeof(From)));
  return to;
}

CUresult open_memory(CUdeviceptr* address, const CUipcMemHandle& handle, unsigned flags) {
  if (address == nullptr || flags != kLazyPeerAccess) return CUDA_ERROR_INVALID_VALUE;
  const auto opened = current_context().and_then(
      [&](const auto& context) { return context->open_memory(bytes_of<device::IpcMemoryHandle>(handle)); });
  if (opened) return *address = *opened, CUDA_SUCCESS;
  switch (opened.error().kind) {
    case Error::Kind::OutOfMemory:
      log().error("cuIpcOpenMemHandle: {}", opened.error().message);
      return CUDA_ERROR_MAP_FAILED;
    case Error::Kind::NotPermitted:
      return CUDA_ERROR_PEER_ACCESS_UNSUPPORTED;
    default:
      return to_result(opened.error());
  }
}

}  // namespace
}  // namespace doppel::driver

extern "C" {
using namespace doppel::driver;

CUresult cuIpcGetMemHandle(CUipcMemHandle* handle, CUdeviceptr address) {
  return call(__func__, std::tuple(handle, address), [&] {
    if (handle == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(current_context()
                      .and_then([&](const auto& context) { return context->export_memory(address); })
                      .map([](const auto& made) { return bytes_of<CUipcMemHandle>(made); }),
                  handle);
  });
}
CUresult cuIpcOpenMemHandle(CUdeviceptr* address, CUipcMemHandle handle, unsigned flags) {
  return call(__func__, std::tuple(address, flags), [&] { return open_memory(address, handle, flags); });
}
CUresult cuIpcOpenMemHandle_v2(CUdeviceptr* address, CUipcMemHandle handle, unsigned flags) {
  return call(__func__, std::tuple(address, flags), [&] { return open_memory(address, handle, flags); });
}
CUresult cuIpcCloseMemHandle(CUdeviceptr address) {
  return call(__func__, std::tuple(address), [&] {
    return answer(
        current_context().and_then([&](const auto& context) { return context->close_memory(address); }));
  });
}

CUresult cuIpcGetEventHandle(CUipcEventHandle* handle, CUevent event) {
  return call(__func__, std::tuple(handle, event), [&] {
    if (handle == nullptr) return CUDA_ERROR_INVALID_VALUE;
    const auto found = find_event(event);
    if (!found) return to_result(found.error());
    // Only one that was made for it, and by this process.
    const auto& shared = (*found)->shared();
    if (shared == nullptr) return CUDA_ERROR_INVALID_HANDLE;
    *handle = bytes_of<CUipcEventHandle>(shared->handle());
    return CUDA_SUCCESS;
  });
}
CUresult cuIpcOpenEventHandle(CUevent* event, CUipcEventHandle handle) {
  return call(__func__, std::tuple(event), [&] {
    if (event == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(current_context()
                      .and_then([&](const auto& context) {
                        return context->open_event(bytes_of<doppel::device::IpcEventHandle>(handle));
                      })
                      .map([](const auto& opened) { return objects().events.add(opened); }),
                  event);
  });
}

}  // extern "C"
