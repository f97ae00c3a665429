// C = alpha*A*B + beta*C in single precision, row major and square, in six steps of optimisation. What each
// step is comes from the descriptions in truth/sgemm-a6000.csv, which holds what it reached on an RTX A6000.
// n is a multiple of 128.
#include "device.h"

__device__ inline void store(float* c, float alpha, float product, float beta) {
  *c = __builtin_fmaf(alpha, product, beta * *c);
}

// 1: one element a thread; neighbouring threads take neighbouring rows, so their accesses lie a row apart.
extern "C" __global__ void sgemm_step_1(const float* a, const float* b, float* c, int n, float alpha,
                                        float beta) {
  const int row = blockIdx.x * blockDim.x + threadIdx.x;
  const int column = blockIdx.y * blockDim.y + threadIdx.y;
  float sum = 0;
  for (int k = 0; k < n; ++k) sum = __builtin_fmaf(a[row * n + k], b[k * n + column], sum);
  store(&c[row * n + column], alpha, sum, beta);
}

// 2: neighbouring threads take neighbouring columns, so a warp's accesses coalesce.
extern "C" __global__ void sgemm_step_2(const float* a, const float* b, float* c, int n, float alpha,
                                        float beta) {
  const int row = blockIdx.x * 32 + threadIdx.x / 32;
  const int column = blockIdx.y * 32 + threadIdx.x % 32;
  float sum = 0;
  for (int k = 0; k < n; ++k) sum = __builtin_fmaf(a[row * n + k], b[k * n + column], sum);
  store(&c[row * n + column], alpha, sum, beta);
}

// 3: 32x32 tiles of both matrices in shared memory, one element of each a thread.
extern "C" __global__ void sgemm_step_3(const float* a, const float* b, float* c, int n, float alpha,
                                        float beta) {
  __shared__ float tile_a[32 * 32];
  __shared__ float tile_b[32 * 32];
  const int tr = threadIdx.x / 32;
  const int tc = threadIdx.x % 32;
  const int row = blockIdx.x * 32 + tr;
  const int column = blockIdx.y * 32 + tc;
  float sum = 0;
  for (int k = 0; k < n; k += 32) {
    tile_a[tr * 32 + tc] = a[row * n + k + tc];
    tile_b[tr * 32 + tc] = b[(k + tr) * n + column];
    __syncthreads();
#pragma unroll
    for (int i = 0; i < 32; ++i) sum = __builtin_fmaf(tile_a[tr * 32 + i], tile_b[i * 32 + tc], sum);
    __syncthreads();
  }
  store(&c[row * n + column], alpha, sum, beta);
}

// 4: a 64x64 tile of C a block, eight rows of one column a thread.
extern "C" __global__ void __launch_bounds__(512)
    sgemm_step_4(const float* a, const float* b, float* c, int n, float alpha, float beta) {
  constexpr int kBlock = 64;
  constexpr int kDepth = 8;
  constexpr int kRows = 8;
  __shared__ float tile_a[kBlock * kDepth];
  __shared__ float tile_b[kDepth * kBlock];
  const int tc = threadIdx.x % kBlock;
  const int tr = threadIdx.x / kBlock;
  const int first_row = blockIdx.y * kBlock;
  const int first_column = blockIdx.x * kBlock;
  const int a_row = threadIdx.x / kDepth;
  const int a_column = threadIdx.x % kDepth;
  float sum[kRows] = {};
  for (int k = 0; k < n; k += kDepth) {
    tile_a[a_row * kDepth + a_column] = a[(first_row + a_row) * n + k + a_column];
    tile_b[tr * kBlock + tc] = b[(k + tr) * n + first_column + tc];
    __syncthreads();
#pragma unroll
    for (int i = 0; i < kDepth; ++i) {
      const float from_b = tile_b[i * kBlock + tc];
#pragma unroll
      for (int r = 0; r < kRows; ++r) {
        sum[r] = __builtin_fmaf(tile_a[(tr * kRows + r) * kDepth + i], from_b, sum[r]);
      }
    }
    __syncthreads();
  }
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    store(&c[(first_row + tr * kRows + r) * n + first_column + tc], alpha, sum[r], beta);
  }
}

// What steps 5 and 6 share: a 128x128 tile of C a block, 8x8 elements a thread, 256 threads.
constexpr int kBlock = 128;
constexpr int kDepth = 8;
constexpr int kPatch = 8;
constexpr int kThreads = kBlock * kBlock / (kPatch * kPatch);

// 5: scalar loads, A's tile as it lies in memory.
extern "C" __global__ void __launch_bounds__(kThreads)
    sgemm_step_5(const float* a, const float* b, float* c, int n, float alpha, float beta) {
  __shared__ float tile_a[kBlock * kDepth];
  __shared__ float tile_b[kDepth * kBlock];
  const int t = threadIdx.x;
  const int tc = t % (kBlock / kPatch);
  const int tr = t / (kBlock / kPatch);
  const int first_row = blockIdx.y * kBlock;
  const int first_column = blockIdx.x * kBlock;
  float sum[kPatch][kPatch] = {};
  for (int k = 0; k < n; k += kDepth) {
#pragma unroll
    for (int i = t; i < kBlock * kDepth; i += kThreads) {
      tile_a[i] = a[(first_row + i / kDepth) * n + k + i % kDepth];
      tile_b[i] = b[(k + i / kBlock) * n + first_column + i % kBlock];
    }
    __syncthreads();
#pragma unroll
    for (int i = 0; i < kDepth; ++i) {
      float from_a[kPatch];
      float from_b[kPatch];
#pragma unroll
      for (int r = 0; r < kPatch; ++r) from_a[r] = tile_a[(tr * kPatch + r) * kDepth + i];
#pragma unroll
      for (int q = 0; q < kPatch; ++q) from_b[q] = tile_b[i * kBlock + tc * kPatch + q];
#pragma unroll
      for (int r = 0; r < kPatch; ++r) {
#pragma unroll
        for (int q = 0; q < kPatch; ++q) sum[r][q] = __builtin_fmaf(from_a[r], from_b[q], sum[r][q]);
      }
    }
    __syncthreads();
  }
#pragma unroll
  for (int r = 0; r < kPatch; ++r) {
#pragma unroll
    for (int q = 0; q < kPatch; ++q) {
      store(&c[(first_row + tr * kPatch + r) * n + first_column + tc * kPatch + q], alpha, sum[r][q], beta);
    }
  }
}

__device__ inline float4 load4(const float* p) { return *reinterpret_cast<const float4*>(p); }

// 6: as 5, A's tile transposed in shared memory so that both tiles are read along rows, every access 128 bits
// wide.
extern "C" __global__ void __launch_bounds__(kThreads)
    sgemm_step_6(const float* a, const float* b, float* c, int n, float alpha, float beta) {
  __shared__ __attribute__((aligned(16))) float tile_a[kDepth * kBlock];
  __shared__ __attribute__((aligned(16))) float tile_b[kDepth * kBlock];
  const int t = threadIdx.x;
  const int tc = t % (kBlock / kPatch);
  const int tr = t / (kBlock / kPatch);
  const int first_row = blockIdx.y * kBlock;
  const int first_column = blockIdx.x * kBlock;
  const int a_row = t / (kDepth / 4);
  const int a_column = t % (kDepth / 4) * 4;
  const int b_row = t / (kBlock / 4);
  const int b_column = t % (kBlock / 4) * 4;
  float sum[kPatch][kPatch] = {};
  for (int k = 0; k < n; k += kDepth) {
    const float4 four_of_a = load4(&a[(first_row + a_row) * n + k + a_column]);
#pragma unroll
    for (int i = 0; i < 4; ++i) tile_a[(a_column + i) * kBlock + a_row] = four_of_a[i];
    *reinterpret_cast<float4*>(&tile_b[b_row * kBlock + b_column]) =
        load4(&b[(k + b_row) * n + first_column + b_column]);
    __syncthreads();
#pragma unroll
    for (int i = 0; i < kDepth; ++i) {
      const float4 a_low = load4(&tile_a[i * kBlock + tr * kPatch]);
      const float4 a_high = load4(&tile_a[i * kBlock + tr * kPatch + 4]);
      const float4 b_low = load4(&tile_b[i * kBlock + tc * kPatch]);
      const float4 b_high = load4(&tile_b[i * kBlock + tc * kPatch + 4]);
#pragma unroll
      for (int r = 0; r < kPatch; ++r) {
        const float from_a = r < 4 ? a_low[r & 3] : a_high[r & 3];
#pragma unroll
        for (int q = 0; q < kPatch; ++q) {
          const float from_b = q < 4 ? b_low[q & 3] : b_high[q & 3];
          sum[r][q] = __builtin_fmaf(from_a, from_b, sum[r][q]);
        }
      }
    }
    __syncthreads();
  }
#pragma unroll
  for (int r = 0; r < kPatch; ++r) {
#pragma unroll
    for (int q = 0; q < kPatch; q += 4) {
      float* place = &c[(first_row + tr * kPatch + r) * n + first_column + tc * kPatch + q];
      float4 four = load4(place);
#pragma unroll
      for (int i = 0; i < 4; ++i) four[i] = __builtin_fmaf(alpha, sum[r][q + i], beta * four[i]);
      *reinterpret_cast<float4*>(place) = four;
    }
  }
}
