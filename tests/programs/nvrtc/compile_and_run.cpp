// SPDX-License-Identifier: Apache-2.0
// Compiles a kernel at run time to PTX, loads it through the driver and checks what it computes.
#include <cuda.h>
#include <nvrtc.h>

#include <cstdio>
#include <string>
#include <vector>

static const char* const kSource = R"cuda(
template <typename T, int Factor>
__global__ void scale(T* data, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) data[i] = data[i] * Factor + (T)sqrt((double)i);
}
)cuda";

static bool good(CUresult result, const char* call) {
  if (result == CUDA_SUCCESS) return true;
  const char* name = "?";
  cuGetErrorName(result, &name);
  std::printf("FAILED: %s: %s\n", call, name);
  return false;
}

int main() {
  nvrtcProgram program;
  const char* name = "scale<float, 3>";
  if (nvrtcCreateProgram(&program, kSource, "scale.cu", 0, nullptr, nullptr) != NVRTC_SUCCESS) return 1;
  nvrtcAddNameExpression(program, name);
  const char* options[] = {"--gpu-architecture=compute_80"};
  if (nvrtcCompileProgram(program, 1, options) != NVRTC_SUCCESS) {
    std::printf("FAILED: nvrtcCompileProgram\n");
    return 1;
  }
  const char* lowered = nullptr;
  nvrtcGetLoweredName(program, name, &lowered);
  const std::string symbol = lowered;
  size_t size = 0;
  nvrtcGetPTXSize(program, &size);
  std::string ptx(size, '\0');
  nvrtcGetPTX(program, ptx.data());
  nvrtcDestroyProgram(&program);

  constexpr int kCount = 1000;
  CUdevice device;
  CUcontext context;
  CUmodule module;
  CUfunction kernel;
  CUdeviceptr data;
  if (!good(cuInit(0), "cuInit") || !good(cuDeviceGet(&device, 0), "cuDeviceGet") ||
      !good(cuDevicePrimaryCtxRetain(&context, device), "cuDevicePrimaryCtxRetain") ||
      !good(cuCtxSetCurrent(context), "cuCtxSetCurrent") ||
      !good(cuModuleLoadData(&module, ptx.c_str()), "cuModuleLoadData") ||
      !good(cuModuleGetFunction(&kernel, module, symbol.c_str()), "cuModuleGetFunction") ||
      !good(cuMemAlloc(&data, kCount * sizeof(float)), "cuMemAlloc")) {
    return 1;
  }
  std::vector<float> values(kCount);
  for (int i = 0; i < kCount; ++i) values[i] = i;
  int n = kCount;
  void* arguments[] = {&data, &n};
  if (!good(cuMemcpyHtoD(data, values.data(), kCount * sizeof(float)), "cuMemcpyHtoD") ||
      !good(cuLaunchKernel(kernel, 8, 1, 1, 128, 1, 1, 0, nullptr, arguments, nullptr), "cuLaunchKernel") ||
      !good(cuMemcpyDtoH(values.data(), data, kCount * sizeof(float)), "cuMemcpyDtoH")) {
    return 1;
  }
  for (int i = 0; i * i < kCount; ++i) {
    const int square = i * i;
    if (values[square] != 3.0f * square + i) {
      std::printf("FAILED: element %d is %g\n", square, values[square]);
      return 1;
    }
  }
  std::printf("all as expected\n");
  return 0;
}
