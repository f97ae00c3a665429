// Texture filtering: each thread reads between texels, again and again near its own place, so that the
// texture units and not the memory behind them limit it.
#include "device.h"

namespace {

struct Texel {
  float x, y, z, w;
};

__device__ inline Texel fetch(unsigned long long texture, float x, float y) {
  Texel t;
  asm("tex.2d.v4.f32.f32 {%0, %1, %2, %3}, [%4, {%5, %6}];"
      : "=f"(t.x), "=f"(t.y), "=f"(t.z), "=f"(t.w)
      : "l"(texture), "f"(x), "f"(y));
  return t;
}

}  // namespace

// Four fetches an iteration, in sums of their own; `shift` is where between the texels they lie.
__device__ inline void sample(float* out, unsigned long long texture, float shift, int iterations) {
  const float x = static_cast<float>(threadIdx.x % 16) + shift;
  const float y = static_cast<float>(threadIdx.x / 16) + shift;
  float sum[4] = {0, 0, 0, 0};
  for (int i = 0; i < iterations; ++i) {
    const float dx = static_cast<float>(i % 8);
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      const Texel t = fetch(texture, x + dx, y + static_cast<float>(k));
      sum[k] = sum[k] + (t.x + t.y) + (t.z + t.w);
    }
  }
  out[blockIdx.x * blockDim.x + threadIdx.x] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

// Each filter under a name of its own: records tell kernels by it.
extern "C" __global__ void sample_bilinear(float* out, unsigned long long texture, float shift,
                                           int iterations) {
  sample(out, texture, shift, iterations);
}

extern "C" __global__ void sample_nearest(float* out, unsigned long long texture, float shift,
                                          int iterations) {
  sample(out, texture, shift, iterations);
}
