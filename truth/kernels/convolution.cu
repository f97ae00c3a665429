// A convolution of a picture with a small filter, as truth/conv-a6000.csv describes its space of
// configurations: each block of kBlockX x kBlockY threads makes kBlockX*kTileX x kBlockY*kTileY pixels from a
// tile of its input in shared memory; all loops have bounds known here. The macros come from doppel_truth, a
// configuration at a time.
#include "device.h"

constexpr int kImage = 4096;  // pixels, either way
constexpr int kFilterX = FILTER_WIDTH, kFilterY = FILTER_HEIGHT;
constexpr int kBlockX = BLOCK_SIZE_X, kBlockY = BLOCK_SIZE_Y;
constexpr int kTileX = TILE_SIZE_X, kTileY = TILE_SIZE_Y;
constexpr int kBorderX = kFilterX / 2 * 2, kBorderY = kFilterY / 2 * 2;
constexpr int kInputX = kImage + kBorderX, kInputY = kImage + kBorderY;
constexpr int kMadeX = kBlockX * kTileX, kMadeY = kBlockY * kTileY;  // pixels of a block
constexpr int kNeededX = kMadeX + kBorderX, kNeededY = kMadeY + kBorderY;
constexpr bool kWhole = kImage % kMadeX == 0 && kImage % kMadeY == 0;  // no block hangs over the edge

// Rows of the tile are padded so that the rows of a warp lie in banks of their own.
constexpr bool kPadded = USE_PADDING && kBlockX % 32 != 0 && (kNeededX - kBlockX) % 32 != 0;
constexpr int kPitch = kNeededX + (kPadded ? (32 - (kNeededX - kBlockX)) & 31 : 0);

__constant__ float filter[kFilterX * kFilterY];

__device__ inline float load_input(const float* from) {
#if READ_ONLY
  return __nvvm_ldg_f(from);
#else
  return *from;
#endif
}

extern "C" __global__ void convolution(float* output, const float* input) {
  __shared__ float tile[kNeededY][kPitch];
  const int tx = threadIdx.x, ty = threadIdx.y;
  const int bx = blockIdx.x * kMadeX, by = blockIdx.y * kMadeY;
#pragma unroll 1
  for (int i = ty; i < kNeededY; i += kBlockY) {
#pragma unroll 4
    for (int j = tx; j < kNeededX; j += kBlockX) {
      const int y = by + i, x = bx + j;
      if (kWhole || (y < kInputY && x < kInputX)) tile[i][j] = load_input(input + y * kInputX + x);
    }
  }
  __syncthreads();
  float sum[kTileY][kTileX] = {};
#pragma unroll
  for (int i = 0; i < kFilterY; ++i) {
#pragma unroll
    for (int j = 0; j < kFilterX; ++j) {
#pragma unroll
      for (int yi = 0; yi < kTileY; ++yi) {
#pragma unroll
        for (int xi = 0; xi < kTileX; ++xi)
          sum[yi][xi] = __builtin_fmaf(tile[ty + yi * kBlockY + i][tx + xi * kBlockX + j],
                                       filter[i * kFilterX + j], sum[yi][xi]);
      }
    }
  }
#pragma unroll
  for (int yi = 0; yi < kTileY; ++yi) {
#pragma unroll
    for (int xi = 0; xi < kTileX; ++xi)
      asm volatile("" : "+f"(sum[yi][xi]));  // not only where a pixel is stored
  }
#pragma unroll
  for (int yi = 0; yi < kTileY; ++yi) {
#pragma unroll
    for (int xi = 0; xi < kTileX; ++xi) {
      const int y = by + ty + yi * kBlockY, x = bx + tx + xi * kBlockX;
      if (kWhole || (y < kImage && x < kImage)) output[y * kImage + x] = sum[yi][xi];
    }
  }
}
