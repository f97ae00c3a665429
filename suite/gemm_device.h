// SPDX-License-Identifier: Apache-2.0
// A product of matrices on the tensor cores, for every type whose mma takes 32 bytes of a row of A and of a
// column of B: C (m x n) = A (m x k, row after row) * B (k x n, column after column). Both lie in memory
// along k, so rows of 64 bytes are the tiles' width whatever the type.
//
// A block makes 128 x 128 of C with four warps, each 64 x 64. While it multiplies one pair of tiles out of
// shared memory it fetches the next through registers into the other half.
#pragma once

#include "device.h"

typedef unsigned uint4v __attribute__((ext_vector_type(4)));
typedef unsigned uint2v __attribute__((ext_vector_type(2)));

namespace gemm {

constexpr int kRows = 128;     // of C a block
constexpr int kColumns = 128;  //
constexpr int kThreads = 128;
constexpr int kWidth = 64;                           // bytes of a tile's row
constexpr int kStep = 32;                            // bytes of an mma
constexpr int kPatch = 64;                           // rows and columns of C a warp
constexpr int kMs = kPatch / 16;                     // mma tiles down
constexpr int kNs = kPatch / 8;                      // and across
constexpr int kPassRows = kThreads / (kWidth / 16);  // rows that the block loads at once, 16 bytes a thread
constexpr int kPassesA = kRows / kPassRows;
constexpr int kPassesB = kColumns / kPassRows;

// Where 16 bytes of a tile stand: the eight rows that ldmatrix reads lie in different banks.
__device__ inline int place(int row, int chunk) { return row * kWidth + ((chunk ^ (row >> 1 & 3)) << 4); }

__device__ inline unsigned shared_address(const void* p) {
  return static_cast<unsigned>(
      reinterpret_cast<unsigned long long>((const __attribute__((address_space(3))) void*)p));
}

__device__ inline void load_matrices(unsigned address, unsigned (&r)[4]) {
  asm("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
      : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
      : "r"(address)
      : "memory");
}

__device__ inline uint4v load16(const unsigned char* p) { return *reinterpret_cast<const uint4v*>(p); }

// Op: Accumulator (float or int), multiply(c, a, b), and store(c, pair of values).
template <class Op>
__device__ __attribute__((always_inline)) inline void product(const unsigned char* a, const unsigned char* b,
                                                              typename Op::Out* c, int n, int k_bytes,
                                                              Op op) {
  using Accumulator = typename Op::Accumulator;
  __shared__ __attribute__((aligned(128))) uint4v tiles[2][(kRows + kColumns) * kWidth / 16];
  const int t = threadIdx.x;
  const int lane = t % 32;
  const int warp = t / 32;
  const int first_row = blockIdx.y * kRows;
  const int first_column = blockIdx.x * kColumns;
  const int patch_row = warp / 2 * kPatch;
  const int patch_column = warp % 2 * kPatch;
  const int load_row = t / 4;
  const int load_chunk = t % 4;
  const unsigned char* from_a = a + static_cast<long long>(first_row + load_row) * k_bytes + load_chunk * 16;
  const unsigned char* from_b =
      b + static_cast<long long>(first_column + load_row) * k_bytes + load_chunk * 16;
  const int to = place(load_row, load_chunk) / 16;  // kPassRows is a multiple of 8: the same in each pass
  op.begin(first_row, first_column, patch_row, patch_column);

  uint4v next_a[kPassesA];
  uint4v next_b[kPassesB];
  const auto fetch = [&] __device__(int at) {
    // Worked out each time: eight pointers that stay would take sixteen registers.
    unsigned stride = kPassRows * k_bytes;
    asm volatile("" : "+r"(stride));
#pragma unroll
    for (int i = 0; i < kPassesA; ++i)
      next_a[i] = load16(from_a + at + static_cast<unsigned long long>(i) * stride);
#pragma unroll
    for (int i = 0; i < kPassesB; ++i)
      next_b[i] = load16(from_b + at + static_cast<unsigned long long>(i) * stride);
    op.fetch(at);
  };
  const auto put = [&] __device__(int half) {
#pragma unroll
    for (int i = 0; i < kPassesA; ++i) tiles[half][to + i * kPassRows * kWidth / 16] = next_a[i];
#pragma unroll
    for (int i = 0; i < kPassesB; ++i) tiles[half][to + (kRows + i * kPassRows) * kWidth / 16] = next_b[i];
    op.put(half);
  };

  // ldmatrix: of A rows 0-15 at two chunks, of B eight columns at two chunks, twice. The swizzle hangs on the
  // row modulo 8 alone, so it is the same for all tiles of a warp.
  const int a_row = lane & 15;
  const int b_row = (lane & 7) + (lane >> 4 << 3);
  const unsigned base = shared_address(&tiles[0][0]);
  unsigned a_at[2];
  unsigned b_at[2];
#pragma unroll
  for (int step = 0; step < 2; ++step) {
    a_at[step] = base + place(patch_row + a_row, step * 2 + (lane >> 4));
    b_at[step] = base + kRows * kWidth + place(patch_column + b_row, step * 2 + (lane >> 3 & 1));
  }

  Accumulator sum[kMs][kNs][4] = {};
  fetch(0);
  put(0);
  __syncthreads();
  int half = 0;
  for (int at = kWidth; at <= k_bytes; at += kWidth) {
    const unsigned of_half = half * (kRows + kColumns) * kWidth;
#pragma unroll
    for (int step = 0; step < kWidth / kStep; ++step) {
      // B's fragments come one pair of columns ahead of the mma that takes them.
      unsigned fa[kMs][4];
      unsigned fb[2][4];
      op.load(half, step);
#pragma unroll
      for (int i = 0; i < kMs; ++i) load_matrices(a_at[step] + of_half + i * 16 * kWidth, fa[i]);
      load_matrices(b_at[step] + of_half, fb[0]);
#pragma unroll
      for (int j = 0; j < kNs; ++j) {
        if (j % 2 == 0 && j + 2 < kNs)
          load_matrices(b_at[step] + of_half + (j / 2 + 1) * 16 * kWidth, fb[(j / 2 + 1) % 2]);
#pragma unroll
        for (int i = 0; i < kMs; ++i) op.multiply(sum[i][j], fa[i], &fb[j / 2 % 2][j % 2 * 2], i, j, step);
        if (step == 0 && j == 0 && at < k_bytes) fetch(at);  // behind what this tile's mma wait for
      }
    }
    if (at < k_bytes) put(half ^ 1);
    half ^= 1;
    __syncthreads();
  }

  const int row = first_row + patch_row + lane / 4;
  const int column = first_column + patch_column + lane % 4 * 2;
#pragma unroll
  for (int i = 0; i < kMs; ++i) {
#pragma unroll
    for (int j = 0; j < kNs; ++j) {
      typename Op::Out* to_c = c + static_cast<long long>(row + i * 16) * n + column + j * 8;
      Op::store(to_c, sum[i][j][0], sum[i][j][1]);
      Op::store(to_c + 8LL * n, sum[i][j][2], sum[i][j][3]);
    }
  }
}

// What types without scales share.
struct Plain {
  __device__ void begin(int, int, int, int) {}  // the block's row and column of C, and the warp's within them
  __device__ void fetch(int) {}                 // bytes along k
  __device__ void put(int) {}                   // half of shared memory
  __device__ void load(int, int) {}             // half, step
};
struct IntoFloat : Plain {
  using Accumulator = float;
  using Out = float;
  __device__ static void store(float* to, float x, float y) {
    typedef float float2v __attribute__((ext_vector_type(2)));
    *reinterpret_cast<float2v*>(to) = float2v{x, y};
  }
};
struct IntoInt : Plain {
  using Accumulator = int;
  using Out = int;
  __device__ static void store(int* to, int x, int y) {
    typedef int int2v __attribute__((ext_vector_type(2)));
    *reinterpret_cast<int2v*>(to) = int2v{x, y};
  }
};

}  // namespace gemm

// An mma whose C and D are floats, or whole numbers.
#define GEMM_FLOAT_OP(name, instruction)                                                         \
  struct name : gemm::IntoFloat {                                                                \
    __device__ void multiply(float (&c)[4], const unsigned (&a)[4], const unsigned* b, int, int, \
                             int) const {                                                        \
      asm(instruction " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"         \
          : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])                                       \
          : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));                   \
    }                                                                                            \
  };
#define GEMM_INT_OP(name, instruction)                                                                      \
  struct name : gemm::IntoInt {                                                                             \
    __device__ void multiply(int (&c)[4], const unsigned (&a)[4], const unsigned* b, int, int, int) const { \
      asm(instruction " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"                    \
          : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])                                                  \
          : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));                              \
    }                                                                                                       \
  };
// The kernel of an Op, n columns of C and k_bytes a row of A.
#define GEMM_KERNEL(name, Op, Out)                                                       \
  extern "C" __global__ void __launch_bounds__(gemm::kThreads)                           \
      name(const unsigned char* a, const unsigned char* b, Out* c, int n, int k_bytes) { \
    gemm::product(a, b, c, n, k_bytes, Op{});                                            \
  }
