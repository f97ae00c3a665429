// SPDX-License-Identifier: Apache-2.0
// The functions of the interface that other files of this library call, and what the runtime's tables need
// beside them.
#pragma once

#include <doppel/cuda/types.h>

extern "C" {
CUresult cuCtxGetId(CUcontext context, unsigned long long* id);
CUresult cuDriverGetVersion(int* version);
CUresult cuDeviceGetCount(int* count);
CUresult cuDeviceGetUuid(CUuuid* uuid, CUdevice device);
CUresult cuDeviceGetAttribute(int* value, CUdevice_attribute attribute, CUdevice device);
CUresult cuModuleLoadData(CUmodule* module, const void* image);
}

namespace doppel::driver {

// The handle of a device's primary context, active or not.
CUresult primary_context_handle(CUcontext* context, CUdevice device);
// The calling thread's current context; null where there is none.
CUcontext current_context_handle();

}  // namespace doppel::driver
