// SPDX-License-Identifier: Apache-2.0
// A stencil in three dimensions, and Fourier transforms.
#include "device.h"

typedef float float2v __attribute__((ext_vector_type(2)));

// Seven points of a cube of n^3: a block walks down z over 32 by 8 columns, the middle ones in registers.
extern "C" __global__ void stencil(const float* in, float* out, int n, float middle, float beside) {
  const int x = blockIdx.x * 32 + threadIdx.x;
  const int y = blockIdx.y * 8 + threadIdx.y;
  if (x == 0 || y == 0 || x >= n - 1 || y >= n - 1) return;
  const int layer = n * n;
  int at = y * n + x;
  float below = in[at];
  float here = in[at + layer];
  for (int z = 1; z < n - 1; ++z) {
    at += layer;
    const float above = in[at + layer];
    const float around = in[at - 1] + in[at + 1] + in[at - n] + in[at + n];
    out[at] = __builtin_fmaf(middle, here, beside * (around + below + above));
    below = here;
    here = above;
  }
}

__device__ inline float2v multiply(float2v a, float2v b) {
  return float2v{__builtin_fmaf(a[0], b[0], -a[1] * b[1]), __builtin_fmaf(a[0], b[1], a[1] * b[0])};
}

constexpr int kPoints = 1024;

// Transforms of kPoints complex numbers, one a block, by Stockham's method with radix four: five passes
// through shared memory. turns: exp(-2 pi i k / kPoints).
extern "C" __global__ void __launch_bounds__(kPoints / 4)
    fft(const float2v* in, float2v* out, const float2v* turns) {
  __shared__ float2v data[2][kPoints];
  constexpr int kThreads = kPoints / 4;
  const int t = threadIdx.x;
  in += static_cast<long long>(blockIdx.x) * kPoints;
  out += static_cast<long long>(blockIdx.x) * kPoints;
  float2v x[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) x[i] = in[t + i * kThreads];
#pragma unroll
  for (int pass = 0; pass < 5; ++pass) {
    const int done = 1 << 2 * pass;  // points of the transforms made so far
    const int k = t & done - 1;
    if (pass > 0) {
#pragma unroll
      for (int i = 1; i < 4; ++i) x[i] = multiply(x[i], turns[i * k * (kThreads / done)]);
    }
    const float2v a = x[0] + x[2];
    const float2v b = x[0] - x[2];
    const float2v c = x[1] + x[3];
    const float2v d = float2v{x[1][1] - x[3][1], x[3][0] - x[1][0]};  // -i (x1 - x3)
    const int to = (t - k) * 4 + k;
    float2v* const half = data[pass % 2];
    half[to] = a + c;
    half[to + done] = b + d;
    half[to + 2 * done] = a - c;
    half[to + 3 * done] = b - d;
    __syncthreads();
#pragma unroll
    for (int i = 0; i < 4; ++i) x[i] = half[t + i * kThreads];
  }
#pragma unroll
  for (int i = 0; i < 4; ++i) out[t + i * kThreads] = x[i];
}
