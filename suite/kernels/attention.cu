// SPDX-License-Identifier: Apache-2.0
// Attention of one head of 64 numbers after another, forward, as Dao et al. describe it (FlashAttention,
// 2022): the scores never reach memory. fp16 with sums in fp32. A block of four warps takes 64 queries, a
// warp 16 of them, and goes through keys and values 64 at a time; while it works on one tile it fetches the
// next.
#include "gemm_device.h"

namespace {

constexpr int kHead = 64;          // numbers of a query, key or value
constexpr int kTile = 64;          // keys at a time
constexpr int kBytes = kHead * 2;  // of a row
constexpr int kThreadsOfBlock = 128;
constexpr int kLoads = kTile * kBytes / 16 / kThreadsOfBlock;  // of 16 bytes, of each tile a thread

// Rows of 128 bytes: the eight that ldmatrix reads lie in different banks.
__device__ inline int place(int row, int chunk) { return row * kBytes + ((chunk ^ (row & 7)) << 4); }

__device__ inline void load_transposed(unsigned address, unsigned (&r)[4]) {
  asm("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
      : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
      : "r"(address)
      : "memory");
}

__device__ inline void multiply(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, "
      "%1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

__device__ inline unsigned halves(float low, float high) {
  unsigned out;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(out) : "f"(high), "f"(low));
  return out;
}

__device__ inline float of_quad(float x, bool largest) {
#pragma unroll
  for (int distance = 1; distance <= 2; distance *= 2) {
    const float other = __nvvm_shfl_sync_bfly_f32(kAllLanes, x, distance, 31);
    x = largest ? __builtin_fmaxf(x, other) : x + other;
  }
  return x;
}

}  // namespace

// q, k, v, out: heads of n rows of kHead halves. scale: of the scores, times log2(e).
extern "C" __global__ void __launch_bounds__(kThreadsOfBlock)
    attention(const unsigned char* q, const unsigned char* k, const unsigned char* v, unsigned* out, int n,
              float scale) {
  __shared__ uint4v tiles[2][2 * kTile * kBytes / 16];  // keys, then values
  const int t = threadIdx.x;
  const int lane = t % 32;
  const int warp = t / 32;
  const long long head = static_cast<long long>(blockIdx.y) * n * kBytes;
  k += head + t * 16;
  v += head + t * 16;
  const unsigned base = gemm::shared_address(&tiles[0][0]);

  uint4v next_k[kLoads];
  uint4v next_v[kLoads];
  const auto fetch = [&] __device__(int row) {
#pragma unroll
    for (int i = 0; i < kLoads; ++i) {
      next_k[i] = gemm::load16(k + row * kBytes + i * kThreadsOfBlock * 16);
      next_v[i] = gemm::load16(v + row * kBytes + i * kThreadsOfBlock * 16);
    }
  };
  const auto put = [&] __device__(int half) {
#pragma unroll
    for (int i = 0; i < kLoads; ++i) {
      const int to = place(t / 8 + i * (kThreadsOfBlock / 8), t % 8) / 16;
      tiles[half][to] = next_k[i];
      tiles[half][to + kTile * kBytes / 16] = next_v[i];
    }
  };

  // The queries pass through the room of the first keys.
  const int first = blockIdx.x * kTile;
  unsigned queries[kHead / 16][4];
  {
    const unsigned char* from = q + head + static_cast<long long>(first) * kBytes + t * 16;
#pragma unroll
    for (int i = 0; i < kLoads; ++i) {
      tiles[0][place(t / 8 + i * (kThreadsOfBlock / 8), t % 8) / 16] =
          gemm::load16(from + i * kThreadsOfBlock * 16);
    }
    __syncthreads();
#pragma unroll
    for (int i = 0; i < kHead / 16; ++i)
      gemm::load_matrices(base + place(warp * 16 + (lane & 15), i * 2 + (lane >> 4)), queries[i]);
    __syncthreads();
  }

  float sum[kHead / 8][4] = {};
  float largest[2] = {-1e30F, -1e30F};  // of this lane's two rows
  float weights[2] = {};
  fetch(0);
  put(0);
  __syncthreads();
  int half = 0;
  for (int row = kTile; row <= n; row += kTile) {
    if (row < n) fetch(row);
    const unsigned keys = base + half * 2 * kTile * kBytes;
    const unsigned values = keys + kTile * kBytes;
    float score[kTile / 8][4] = {};
#pragma unroll
    for (int i = 0; i < kHead / 16; ++i) {
#pragma unroll
      for (int j = 0; j < kTile / 16; ++j) {
        unsigned b[4];
        gemm::load_matrices(keys + place(j * 16 + (lane & 7) + (lane >> 4 << 3), i * 2 + (lane >> 3 & 1)), b);
        multiply(score[j * 2], queries[i], b[0], b[1]);
        multiply(score[j * 2 + 1], queries[i], b[2], b[3]);
      }
    }
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      float most = score[0][r * 2];
#pragma unroll
      for (int j = 0; j < kTile / 8; ++j)
        most = __builtin_fmaxf(most, __builtin_fmaxf(score[j][r * 2], score[j][r * 2 + 1]));
      most = __builtin_fmaxf(largest[r], of_quad(most, true) * scale);
      const float lower = fast_exp2(largest[r] - most);
      largest[r] = most;
      float total = 0;
#pragma unroll
      for (int j = 0; j < kTile / 8; ++j) {
#pragma unroll
        for (int c = 0; c < 2; ++c) {
          float& s = score[j][r * 2 + c];
          s = fast_exp2(__builtin_fmaf(s, scale, -most));
          total += s;
        }
      }
      weights[r] = __builtin_fmaf(weights[r], lower, total);
#pragma unroll
      for (int j = 0; j < kHead / 8; ++j) {
        sum[j][r * 2] *= lower;
        sum[j][r * 2 + 1] *= lower;
      }
    }
#pragma unroll
    for (int i = 0; i < kTile / 16; ++i) {
      const unsigned a[4] = {
          halves(score[i * 2][0], score[i * 2][1]), halves(score[i * 2][2], score[i * 2][3]),
          halves(score[i * 2 + 1][0], score[i * 2 + 1][1]), halves(score[i * 2 + 1][2], score[i * 2 + 1][3])};
#pragma unroll
      for (int j = 0; j < kHead / 16; ++j) {
        unsigned b[4];
        load_transposed(values + place(i * 16 + (lane & 15), j * 2 + (lane >> 4)), b);
        multiply(sum[j * 2], a, b[0], b[1]);
        multiply(sum[j * 2 + 1], a, b[2], b[3]);
      }
    }
    if (row < n) put(half ^ 1);
    half ^= 1;
    __syncthreads();
  }

#pragma unroll
  for (int r = 0; r < 2; ++r) {
    const float whole = fast_divide(1.0F, of_quad(weights[r], false));
    unsigned* to =
        out + (head + static_cast<long long>(first + warp * 16 + lane / 4 + r * 8) * kBytes) / 4 + lane % 4;
#pragma unroll
    for (int j = 0; j < kHead / 8; ++j) to[j * 4] = halves(sum[j][r * 2] * whole, sum[j][r * 2 + 1] * whole);
  }
}
