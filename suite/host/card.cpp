// SPDX-License-Identifier: Apache-2.0
#include "card.h"

namespace doppel::host {

namespace {

std::string describe(CUresult result, const std::string& call) {
  const char* name = nullptr;
  const char* text = nullptr;
  if (cuGetErrorName(result, &name) != CUDA_SUCCESS) name = "an unknown error";
  if (cuGetErrorString(result, &text) != CUDA_SUCCESS) text = "no description";
  return call + ": " + name + " (" + text + ")";
}

}  // namespace

CudaError::CudaError(CUresult result, const std::string& call)
    : std::runtime_error(describe(result, call)), result_(result) {}

void check(CUresult result, const char* call) {
  if (result != CUDA_SUCCESS) throw CudaError(result, call);
}

Card::Card() {
  check(cuInit(0), "cuInit");
  check(cuDeviceGet(&device_, 0), "cuDeviceGet");
  std::array<char, 256> name{};
  check(cuDeviceGetName(name.data(), static_cast<int>(name.size()), device_), "cuDeviceGetName");
  name_ = name.data();
  check(cuDevicePrimaryCtxRetain(&context_, device_), "cuDevicePrimaryCtxRetain");
  check(cuCtxSetCurrent(context_), "cuCtxSetCurrent");
}

Card::~Card() { cuDevicePrimaryCtxRelease(device_); }

int Card::attribute(CUdevice_attribute attribute) const {
  int value = 0;
  check(cuDeviceGetAttribute(&value, attribute, device_), "cuDeviceGetAttribute");
  return value;
}

unsigned Card::multiprocessors() const {
  return static_cast<unsigned>(attribute(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT));
}

void Card::synchronize() const { check(cuCtxSynchronize(), "cuCtxSynchronize"); }

Module::Module(const char* ptx) {
  std::array<char, 4096> log{};
  std::array<CUjit_option, 2> options{CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  std::array<void*, 2> values{log.data(), reinterpret_cast<void*>(log.size())};
  const CUresult result =
      cuModuleLoadDataEx(&module_, ptx, static_cast<unsigned>(options.size()), options.data(), values.data());
  if (result != CUDA_SUCCESS) throw CudaError(result, std::string("cuModuleLoadDataEx: ") + log.data());
}

Module::~Module() { cuModuleUnload(module_); }

CUfunction Module::kernel(const char* name) const {
  CUfunction function = nullptr;
  const CUresult result = cuModuleGetFunction(&function, module_, name);
  if (result != CUDA_SUCCESS) throw CudaError(result, std::string("cuModuleGetFunction ") + name);
  return function;
}

Stopwatch::Stopwatch() {
  check(cuEventCreate(&begin_, CU_EVENT_DEFAULT), "cuEventCreate");
  check(cuEventCreate(&end_, CU_EVENT_DEFAULT), "cuEventCreate");
}

Stopwatch::~Stopwatch() {
  cuEventDestroy(begin_);
  cuEventDestroy(end_);
}

void Stopwatch::start() { check(cuEventRecord(begin_, nullptr), "cuEventRecord"); }

double Stopwatch::stop_us() {
  check(cuEventRecord(end_, nullptr), "cuEventRecord");
  check(cuEventSynchronize(end_), "cuEventSynchronize");
  float milliseconds = 0;
  check(cuEventElapsedTime(&milliseconds, begin_, end_), "cuEventElapsedTime");
  return static_cast<double>(milliseconds) * 1000.0;
}

}  // namespace doppel::host
