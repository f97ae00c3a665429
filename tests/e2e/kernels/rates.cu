// Kernels that are bound by memory, and by multiply-adds.
#include "device.h"

extern "C" __global__ void triad(const float* a, const float* b, float* c, unsigned count) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) c[i] = a[i] + 3.0f * b[i];
}

// Eight chains a thread, so that none waits for itself.
extern "C" __global__ void multiply_add(float* out, float a, float b, int iterations) {
  float x[8];
  for (int k = 0; k < 8; ++k) x[k] = static_cast<float>(threadIdx.x + static_cast<unsigned>(k));
  for (int i = 0; i < iterations; ++i) {
#pragma unroll
    for (int step = 0; step < 8; ++step) {
#pragma unroll
      for (int k = 0; k < 8; ++k) x[k] = __builtin_fmaf(x[k], a, b);
    }
  }
  float sum = 0;
  for (int k = 0; k < 8; ++k) sum += x[k];
  out[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}
