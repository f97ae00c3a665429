// SPDX-License-Identifier: Apache-2.0
// Access of one card to another's memory.
#include "device/context.h"
#include "device/device.h"
#include "driver/call.h"
#include "driver/objects.h"

namespace doppel::driver {
namespace {

Result<int> peer_attribute(CUdevice_P2PAttribute attribute, const device::Device& from,
                           const device::Device& to) {
  const bool reaches = from.can_access_peer(to);
  switch (attribute) {
    case CU_DEVICE_P2P_ATTRIBUTE_PERFORMANCE_RANK:
      return from.linked_by_nvlink(to) ? 0 : 1;
    case CU_DEVICE_P2P_ATTRIBUTE_ACCESS_SUPPORTED:
      return reaches ? 1 : 0;
    case CU_DEVICE_P2P_ATTRIBUTE_NATIVE_ATOMIC_SUPPORTED:
    case CU_DEVICE_P2P_ATTRIBUTE_CUDA_ARRAY_ACCESS_SUPPORTED:
      return from.linked_by_nvlink(to) ? 1 : 0;
    case CU_DEVICE_P2P_ATTRIBUTE_ONLY_PARTIAL_NATIVE_ATOMIC_SUPPORTED:
      return 0;
    default:
      return fail(Error::Kind::InvalidArgument, "there is no such attribute of two devices");
  }
}

template <typename Change>
CUresult change_access(CUcontext peer, Change change, CUresult already) {
  const auto changed = current_context().and_then([&](const auto& context) {
    return find_context(peer).and_then([&](const auto& other) { return change(*context, *other); });
  });
  if (changed) return CUDA_SUCCESS;
  switch (changed.error().kind) {
    case Error::Kind::NotPermitted:
      return CUDA_ERROR_PEER_ACCESS_UNSUPPORTED;
    case Error::Kind::AlreadyDone:
    case Error::Kind::NotEnabled:
      return already;
    case Error::Kind::LimitExceeded:
      return CUDA_ERROR_TOO_MANY_PEERS;
    default:
      return to_result(changed.error());
  }
}

}  // namespace
}  // namespace doppel::driver

extern "C" {
using namespace doppel::driver;

CUresult cuDeviceCanAccessPeer(int* can, CUdevice device, CUdevice peer) {
  return call(__func__, std::tuple(can, device, peer), [&] {
    if (can == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_device(device).and_then([&](const auto* from) {
      return find_device(peer).map(
          [&](const auto* to) { return from != to && from->can_access_peer(*to) ? 1 : 0; });
    }),
                  can);
  });
}

CUresult cuDeviceGetP2PAttribute(int* value, CUdevice_P2PAttribute attribute, CUdevice device,
                                 CUdevice peer) {
  return call(__func__, std::tuple(value, attribute, device, peer), [&] {
    if (value == nullptr || device == peer) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_device(device).and_then([&](const auto* from) {
      return find_device(peer).and_then(
          [&](const auto* to) { return peer_attribute(attribute, *from, *to); });
    }),
                  value);
  });
}

CUresult cuCtxEnablePeerAccess(CUcontext peer, unsigned flags) {
  return call(__func__, std::tuple(peer, flags), [&] {
    if (flags != 0) return CUDA_ERROR_INVALID_VALUE;
    return change_access(
        peer, [](auto& context, auto& other) { return context.enable_peer(other); },
        CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED);
  });
}
CUresult cuCtxDisablePeerAccess(CUcontext peer) {
  return call(__func__, std::tuple(peer), [&] {
    return change_access(
        peer, [](auto& context, auto& other) { return context.disable_peer(other); },
        CUDA_ERROR_PEER_ACCESS_NOT_ENABLED);
  });
}

}  // extern "C"
