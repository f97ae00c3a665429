// Transpose through a 32x32 tile; the 33rd column keeps the tile's columns out of one bank.
#include "device.h"

constexpr int kTile = 32;
constexpr int kRowsOfThreads = 8;

// n is a multiple of 32; blocks are 32x8 threads.
extern "C" __global__ void transpose(const float* in, float* out, int n) {
  __shared__ float tile[kTile][kTile + 1];
  const int tx = threadIdx.x;
  const int ty = threadIdx.y;
  const int from_row = blockIdx.y * kTile;
  const int from_column = blockIdx.x * kTile;
#pragma unroll
  for (int i = 0; i < kTile; i += kRowsOfThreads) {
    tile[ty + i][tx] = in[(from_row + ty + i) * n + from_column + tx];
  }
  __syncthreads();
#pragma unroll
  for (int i = 0; i < kTile; i += kRowsOfThreads) {
    out[(from_column + ty + i) * n + from_row + tx] = tile[tx][ty + i];
  }
}
