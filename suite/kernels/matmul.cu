// Matrix products in single precision, all matrices square and row major.
#include "device.h"

constexpr int kTile = 16;

// C = A * B through 16x16 tiles in shared memory; n is a multiple of 16.
extern "C" __global__ void sgemm_tiled(const float* a, const float* b, float* c, int n) {
  __shared__ float tile_a[kTile][kTile];
  __shared__ float tile_b[kTile][kTile];
  const int tx = threadIdx.x;
  const int ty = threadIdx.y;
  const int row = blockIdx.y * kTile + ty;
  const int column = blockIdx.x * kTile + tx;
  float sum = 0;
  for (int k = 0; k < n; k += kTile) {
    tile_a[ty][tx] = a[row * n + k + tx];
    tile_b[ty][tx] = b[(k + ty) * n + column];
    __syncthreads();
#pragma unroll
    for (int i = 0; i < kTile; ++i) sum = __builtin_fmaf(tile_a[ty][i], tile_b[i][tx], sum);
    __syncthreads();
  }
  c[row * n + column] = sum;
}

// C = A * B, every operand from global memory.
extern "C" __global__ void sgemm_naive(const float* a, const float* b, float* c, int n) {
  const int row = blockIdx.y * blockDim.y + threadIdx.y;
  const int column = blockIdx.x * blockDim.x + threadIdx.x;
  float sum = 0;
  for (int k = 0; k < n; ++k) sum = __builtin_fmaf(a[row * n + k], b[k * n + column], sum);
  c[row * n + column] = sum;
}
