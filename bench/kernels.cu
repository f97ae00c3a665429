// Kernels whose speed on the host is compared with Doppel's peers; bench/opencl_twin.cpp has their OpenCL
// twins.
#include "device.h"

extern "C" __global__ void saxpy(float* y, const float* x, float a, unsigned count) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) y[i] = __builtin_fmaf(a, x[i], y[i]);
}

// Each lane reads where an index array says.
extern "C" __global__ void gather(float* y, const float* x, const unsigned* index, unsigned count) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) y[i] = x[index[i]];
}

extern "C" __global__ void matmul_naive(const float* a, const float* b, float* c, int n) {
  const int row = blockIdx.y * blockDim.y + threadIdx.y;
  const int column = blockIdx.x * blockDim.x + threadIdx.x;
  float sum = 0;
  for (int k = 0; k < n; ++k) sum = __builtin_fmaf(a[row * n + k], b[k * n + column], sum);
  c[row * n + column] = sum;
}

extern "C" __global__ void matmul_tiled(const float* a, const float* b, float* c, int n) {
  __shared__ float tile_a[16][16];
  __shared__ float tile_b[16][16];
  const int tx = threadIdx.x;
  const int ty = threadIdx.y;
  const int row = blockIdx.y * 16 + ty;
  const int column = blockIdx.x * 16 + tx;
  float sum = 0;
  for (int k = 0; k < n; k += 16) {
    tile_a[ty][tx] = a[row * n + k + tx];
    tile_b[ty][tx] = b[(k + ty) * n + column];
    __syncthreads();
#pragma unroll
    for (int i = 0; i < 16; ++i) sum = __builtin_fmaf(tile_a[ty][i], tile_b[i][tx], sum);
    __syncthreads();
  }
  c[row * n + column] = sum;
}

// Steps until |z| > 2, at most `limit`, over the frame -2 … 0.5 by -1.25 … 1.25.
extern "C" __global__ void mandelbrot(unsigned* steps_of, int size, int limit) {
  const int px = blockIdx.x * blockDim.x + threadIdx.x;
  const int py = blockIdx.y * blockDim.y + threadIdx.y;
  const float cx = -2.0F + 2.5F * static_cast<float>(px) / static_cast<float>(size);
  const float cy = -1.25F + 2.5F * static_cast<float>(py) / static_cast<float>(size);
  float x = 0;
  float y = 0;
  int steps = 0;
  while (steps < limit) {
    const float xx = x * x;
    const float yy = y * y;
    if (xx + yy > 4.0F) break;
    y = 2 * x * y + cy;
    x = xx - yy + cx;
    ++steps;
  }
  steps_of[py * size + px] = static_cast<unsigned>(steps);
}

extern "C" __global__ void nothing() {}
