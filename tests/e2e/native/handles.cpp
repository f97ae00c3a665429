// SPDX-License-Identifier: Apache-2.0
// Wrong, freed and null handles and addresses get the driver's error, never a crash.
#include "card.h"
#include "expect.h"
#include "kernels.h"

int main() {
  int value = 0;
  CUdevice device = 0;
  e2e::expect_result(cuDeviceGet(&device, 0), CUDA_ERROR_NOT_INITIALIZED, "a call before cuInit");
  e2e::expect_result(cuInit(1), CUDA_ERROR_INVALID_VALUE, "cuInit with a flag");
  const doppel::host::Card card;
  e2e::expect_result(cuDeviceGet(&device, 99), CUDA_ERROR_INVALID_DEVICE, "card 99");
  e2e::expect_result(cuDeviceGet(nullptr, 0), CUDA_ERROR_INVALID_VALUE, "no place for the answer");
  e2e::expect_result(cuDeviceGetAttribute(&value, static_cast<CUdevice_attribute>(9999), 0),
                     CUDA_ERROR_INVALID_VALUE, "attribute 9999");

  const doppel::host::Module module(e2e::kFaultsPtx);
  CUfunction function = nullptr;
  CUmodule module_handle = nullptr;
  doppel::host::check(cuModuleLoadData(&module_handle, e2e::kFaultsPtx), "cuModuleLoadData");
  e2e::expect_result(cuModuleGetFunction(&function, module_handle, "no_such_kernel"), CUDA_ERROR_NOT_FOUND,
                     "a kernel that is not there");
  CUdeviceptr address = 0;
  std::size_t bytes = 0;
  e2e::expect_result(cuModuleGetGlobal(&address, &bytes, module_handle, "no_such_variable"),
                     CUDA_ERROR_NOT_FOUND, "a variable that is not there");
  e2e::expect_result(cuModuleUnload(module_handle), CUDA_SUCCESS, "unload");
  e2e::expect_result(cuModuleUnload(module_handle), CUDA_ERROR_INVALID_HANDLE, "unload again");
  e2e::expect_result(cuModuleGetFunction(&function, module_handle, "fill"), CUDA_ERROR_INVALID_HANDLE,
                     "a kernel of an unloaded module");

  CUstream stream = nullptr;
  doppel::host::check(cuStreamCreate(&stream, 0), "cuStreamCreate");
  e2e::expect_result(cuStreamDestroy(stream), CUDA_SUCCESS, "destroy a stream");
  e2e::expect_result(cuStreamSynchronize(stream), CUDA_ERROR_INVALID_HANDLE, "wait for a destroyed stream");
  CUevent event = nullptr;
  doppel::host::check(cuEventCreate(&event, 0), "cuEventCreate");
  float milliseconds = 0;
  e2e::expect_result(cuEventElapsedTime(&milliseconds, event, event), CUDA_ERROR_INVALID_HANDLE,
                     "time between events never recorded");
  e2e::expect_result(cuEventDestroy(event), CUDA_SUCCESS, "destroy an event");
  e2e::expect_result(cuEventSynchronize(event), CUDA_ERROR_INVALID_HANDLE, "wait for a destroyed event");

  doppel::host::check(cuMemAlloc(&address, 64), "cuMemAlloc");
  e2e::expect_result(cuMemFree(address), CUDA_SUCCESS, "free");
  e2e::expect_result(cuMemFree(address), CUDA_ERROR_INVALID_VALUE, "free again");
  e2e::expect_result(cuMemFree(0), CUDA_SUCCESS, "free nothing");
  std::array<char, 64> host{};
  e2e::expect_result(cuMemcpyDtoH(host.data(), address, host.size()), CUDA_ERROR_INVALID_VALUE,
                     "copy from freed memory");
  doppel::host::check(cuMemAlloc(&address, 64), "cuMemAlloc");
  e2e::expect_result(cuMemcpyHtoD(address, host.data(), 1UL << 20U), CUDA_ERROR_INVALID_VALUE,
                     "copy beyond the end of an allocation");
  return e2e::verdict();
}
