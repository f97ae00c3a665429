// SPDX-License-Identifier: Apache-2.0
// Loaded into a program before NVIDIA's run-time compiler. Programs that compile for the card they run on
// (--gpu-architecture= sm_86) ask for machine code; Doppel runs PTX, and the compiler keeps it for every
// compilation. So the two functions that hand out machine code hand out the PTX, which the driver interface
// takes in its place.
#include <dlfcn.h>

#include <cstddef>

namespace {

using Program = void*;
constexpr int kInternalError = 11;  // NVRTC_ERROR_INTERNAL_ERROR

template <class Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

// The names and signatures are the compiler's interface.
extern "C" __attribute__((visibility("default"))) int nvrtcGetCUBINSize(Program program, std::size_t* size) {
  const auto ptx_size = real<int (*)(Program, std::size_t*)>("nvrtcGetPTXSize");
  return ptx_size != nullptr ? ptx_size(program, size) : kInternalError;
}

extern "C" __attribute__((visibility("default"))) int nvrtcGetCUBIN(Program program, char* image) {
  const auto ptx = real<int (*)(Program, char*)>("nvrtcGetPTX");
  return ptx != nullptr ? ptx(program, image) : kInternalError;
}
