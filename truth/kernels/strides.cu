// Loads that hit L1, by stride and by shape of the block, as truth/a40/strides.txt describes them.
#include "device.h"

__device__ inline float multiply_add(float x, float y, float z) { return __builtin_fmaf(x, y, z); }
__device__ inline double multiply_add(double x, double y, double z) { return __builtin_fma(x, y, z); }

template <class Element>
__device__ inline void load_again(const Element* from, Element* out, unsigned loads, int zero) {
  Element sum = 0;
#pragma unroll 1
  for (unsigned n = 0; n < loads; n += 8) {
    from += zero;  // keeps the loads in the loop
    sum = multiply_add(from[0], from[4], sum);
    sum = multiply_add(from[8], from[12], sum);
    sum = multiply_add(from[20], from[16], sum);
    sum = multiply_add(from[24], from[28], sum);
  }
  if (sum == static_cast<Element>(123123.23)) out[threadIdx.x] = sum;
}

extern "C" __global__ void stride_float(const float* a, float* b, unsigned loads, int zero, int stride) {
  load_again(a + static_cast<int>(threadIdx.x % 64) * stride, b, loads, zero);
}
extern "C" __global__ void stride_double(const double* a, double* b, unsigned loads, int zero, int stride) {
  load_again(a + static_cast<int>(threadIdx.x % 64) * stride, b, loads, zero);
}
extern "C" __global__ void shape_float(const float* a, float* b, unsigned loads, int zero, int pitch) {
  load_again(a + threadIdx.x % 64 + static_cast<int>(threadIdx.y % 32) * pitch + pitch, b, loads, zero);
}
extern "C" __global__ void shape_double(const double* a, double* b, unsigned loads, int zero, int pitch) {
  load_again(a + threadIdx.x % 64 + static_cast<int>(threadIdx.y % 32) * pitch + pitch, b, loads, zero);
}
