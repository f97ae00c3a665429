// SPDX-License-Identifier: Apache-2.0
// Products of matrices in the types that only Blackwell's tensor cores have. The build names sm_120a in the
// PTX, which clang 19 does not know.
#include "gemm_device.h"

GEMM_FLOAT_OP(E4m3, "mma.sync.aligned.kind::f8f6f4.m16n8k32.row.col.f32.e4m3.e4m3.f32")
GEMM_FLOAT_OP(E3m2, "mma.sync.aligned.kind::f8f6f4.m16n8k32.row.col.f32.e3m2.e3m2.f32")

GEMM_KERNEL(gemm_e4m3, E4m3, float)
GEMM_KERNEL(gemm_e3m2, E3m2, float)

// e2m1 in blocks of a factor each. Of a tile's 128 elements a row has 4 * Words factors, one after the other;
// mma takes those of its 64 from the lanes whose number is a multiple of four (of A's rows 8-15: one more),
// each for the row of its eight lanes (PTX ISA 9.7.14.5.14).
template <int Words>
struct ScaledBlocks : gemm::IntoFloat {
  const unsigned char* from_a;
  const unsigned char* from_b;
  int row_bytes;  // of factors
  unsigned a[gemm::kMs][Words], b[gemm::kNs][Words];
  unsigned next_a[gemm::kMs][Words], next_b[gemm::kNs][Words];

  __device__ ScaledBlocks(const unsigned char* of_a, const unsigned char* of_b, int k_bytes)
      : from_a(of_a), from_b(of_b), row_bytes(k_bytes / gemm::kWidth * 4 * Words) {}
  __device__ void begin(int row, int column, int lane) {
    from_a += static_cast<long long>(row + lane / 4 + lane % 2 * 8) * row_bytes;
    from_b += static_cast<long long>(column + lane / 4) * row_bytes;
  }
  __device__ void fetch(int at) {
    const int place = at / gemm::kWidth * 4 * Words;
#pragma unroll
    for (int i = 0; i < gemm::kMs; ++i) load(next_a[i], from_a + i * 16LL * row_bytes + place);
#pragma unroll
    for (int j = 0; j < gemm::kNs; ++j) load(next_b[j], from_b + j * 8LL * row_bytes + place);
  }
  __device__ void put() {
#pragma unroll
    for (int word = 0; word < Words; ++word) {
#pragma unroll
      for (int i = 0; i < gemm::kMs; ++i) a[i][word] = next_a[i][word];
#pragma unroll
      for (int j = 0; j < gemm::kNs; ++j) b[j][word] = next_b[j][word];
    }
  }
  __device__ static void load(unsigned (&to)[Words], const unsigned char* from) {
    if constexpr (Words == 2) {
      const uint2v both = *reinterpret_cast<const uint2v*>(from);
      to[0] = both[0];
      to[1] = both[1];
    } else {
      to[0] = *reinterpret_cast<const unsigned*>(from);
    }
  }
};

// A factor (ue4m3) for 16 elements.
struct Nvf4 : ScaledBlocks<2> {
  using ScaledBlocks<2>::ScaledBlocks;
  __device__ void multiply(float (&c)[4], const unsigned (&fa)[4], const unsigned* fb, int i, int j,
                           int step) const {
    asm("mma.sync.aligned.m16n8k64.row.col.kind::mxf4nvf4.block_scale.scale_vec::4X.f32.e2m1.e2m1.f32.ue4m3 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3}, %10, {0, 0}, %11, {0, 0};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(fa[0]), "r"(fa[1]), "r"(fa[2]), "r"(fa[3]), "r"(fb[0]), "r"(fb[1]), "r"(a[i][step]),
          "r"(b[j][step]));
  }
};

// A factor (ue8m0) for 32 elements: the second step takes the upper two bytes of the word.
struct Mxf4 : ScaledBlocks<1> {
  using ScaledBlocks<1>::ScaledBlocks;
  __device__ void multiply(float (&c)[4], const unsigned (&fa)[4], const unsigned* fb, int i, int j,
                           int step) const {
    if (step == 0) {
      asm("mma.sync.aligned.m16n8k64.row.col.kind::mxf4.block_scale.f32.e2m1.e2m1.f32.ue8m0 "
          "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3}, %10, {0, 0}, %11, {0, 0};"
          : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
          : "r"(fa[0]), "r"(fa[1]), "r"(fa[2]), "r"(fa[3]), "r"(fb[0]), "r"(fb[1]), "r"(a[i][0]),
            "r"(b[j][0]));
    } else {
      asm("mma.sync.aligned.m16n8k64.row.col.kind::mxf4.block_scale.f32.e2m1.e2m1.f32.ue8m0 "
          "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3}, %10, {2, 0}, %11, {2, 0};"
          : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
          : "r"(fa[0]), "r"(fa[1]), "r"(fa[2]), "r"(fa[3]), "r"(fb[0]), "r"(fb[1]), "r"(a[i][0]),
            "r"(b[j][0]));
    }
  }
};

#define GEMM_SCALED_KERNEL(name, Op)                                                     \
  extern "C" __global__ void __launch_bounds__(gemm::kThreads)                           \
      name(const unsigned char* a, const unsigned char* b, float* c, int n, int k_bytes, \
           const unsigned char* factors_of_a, const unsigned char* factors_of_b) {       \
    gemm::product(a, b, c, n, k_bytes, Op(factors_of_a, factors_of_b, k_bytes));         \
  }
GEMM_SCALED_KERNEL(gemm_nvf4, Nvf4)
GEMM_SCALED_KERNEL(gemm_mxf4, Mxf4)
