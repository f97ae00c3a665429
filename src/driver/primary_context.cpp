// SPDX-License-Identifier: Apache-2.0
// The primary context of each card, which the runtime and most libraries share.
#include "driver/api.h"
#include "driver/call.h"
#include "driver/context_storage.h"
#include "driver/objects.h"

namespace doppel::driver {
namespace {

CUresult retain(CUcontext* context, CUdevice device) {
  if (context == nullptr) return CUDA_ERROR_INVALID_VALUE;
  const auto found = find_device(device);
  if (!found) return to_result(found.error());
  if (const auto retained = (*found)->retain_primary(); !retained) return without_context(retained.error());
  *context = primary_handle(**found);
  return CUDA_SUCCESS;
}

// What stays of a primary context that ends: its handle; its objects and the values kept with it go.
void clean_up(device::Device& device, const std::shared_ptr<device::Context>& before) {
  if (!before || device.primary() == before) return;
  forget_context_objects(*before);
}

CUresult release(CUdevice device) {
  return answer(find_device(device).and_then([](device::Device* found) {
    const auto before = found->primary();
    return found->release_primary().map([&] { clean_up(*found, before); });
  }));
}

CUresult reset(CUdevice device) {
  return answer(find_device(device).and_then([](device::Device* found) {
    drop_context_values(primary_handle(*found));
    const auto before = found->primary();
    return found->reset_primary().map([&] { clean_up(*found, before); });
  }));
}

CUresult set_flags(CUdevice device, unsigned flags) {
  if ((flags & ~static_cast<unsigned>(CU_CTX_FLAGS_MASK)) != 0) return CUDA_ERROR_INVALID_VALUE;
  return answer(
      find_device(device).and_then([&](device::Device* found) { return found->set_primary_flags(flags); }));
}

}  // namespace

CUresult primary_context_handle(CUcontext* context, CUdevice device) {
  return call(__func__, std::tuple(context, device), [&] {
    if (context == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_device(device).map([](device::Device* found) { return primary_handle(*found); }),
                  context);
  });
}

CUcontext current_context_handle() { return current_handle(); }

}  // namespace doppel::driver

extern "C" {
using namespace doppel::driver;

CUresult cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice device) {
  return call(__func__, std::tuple(context, device), [&] { return retain(context, device); });
}

CUresult cuDevicePrimaryCtxRelease(CUdevice device) {
  return call(__func__, std::tuple(device), [&] { return release(device); });
}
CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  return call(__func__, std::tuple(device), [&] { return release(device); });
}

CUresult cuDevicePrimaryCtxReset(CUdevice device) {
  return call(__func__, std::tuple(device), [&] { return reset(device); });
}
CUresult cuDevicePrimaryCtxReset_v2(CUdevice device) {
  return call(__func__, std::tuple(device), [&] { return reset(device); });
}

CUresult cuDevicePrimaryCtxSetFlags(CUdevice device, unsigned flags) {
  return call(__func__, std::tuple(device, flags), [&] { return set_flags(device, flags); });
}
CUresult cuDevicePrimaryCtxSetFlags_v2(CUdevice device, unsigned flags) {
  return call(__func__, std::tuple(device, flags), [&] { return set_flags(device, flags); });
}

CUresult cuDevicePrimaryCtxGetState(CUdevice device, unsigned* flags, int* active) {
  return call(__func__, std::tuple(device, flags, active), [&] {
    if (flags == nullptr || active == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_device(device).map([&](const auto* found) {
      *flags = found->primary_flags();
      *active = found->primary_active() ? 1 : 0;
    }));
  });
}

}  // extern "C"
