// SPDX-License-Identifier: Apache-2.0
// Products of matrices in the types that only Blackwell's tensor cores have. The build names sm_120a in the
// PTX, which clang 19 does not know.
#include "gemm_device.h"

GEMM_FLOAT_OP(E4m3, "mma.sync.aligned.kind::f8f6f4.m16n8k32.row.col.f32.e4m3.e4m3.f32")
GEMM_FLOAT_OP(E3m2, "mma.sync.aligned.kind::f8f6f4.m16n8k32.row.col.f32.e3m2.e3m2.f32")

GEMM_KERNEL(gemm_e4m3, E4m3, float)
GEMM_KERNEL(gemm_e3m2, E3m2, float)

// e2m1 in blocks of a factor each. Of a tile's 128 elements a row has 4 * Words factors, one after the other;
// those of 128 rows stand together in memory, as the vendor's libraries want them in a similar way. mma takes
// the factors of its 64 elements from one lane of four for each row of A, and of its columns of B (PTX ISA
// 9.7.14.5.14): so a register serves two mma tiles of A, or four of B, by the lane that is named.
template <int Words>
struct ScaledBlocks : gemm::IntoFloat {
  static_assert(gemm::kThreads == gemm::kRows && gemm::kThreads == gemm::kColumns);
  static constexpr int kOfB = Words * gemm::kRows;
  static constexpr int kOfHalf = kOfB + Words * gemm::kColumns;

  const unsigned* from_a;
  const unsigned* from_b;
  int tiles;       // along k
  int at_a, at_b;  // of this lane in the table
  unsigned next_a[Words], next_b[Words];
  unsigned a[gemm::kMs / 2], b[gemm::kNs / 4];  // of one step

  __device__ ScaledBlocks(const unsigned* of_a, const unsigned* of_b, int k_bytes)
      : from_a(of_a), from_b(of_b), tiles(k_bytes / gemm::kWidth) {}
  // [half][A, B][word][row]
  __device__ static unsigned* table() {
    __shared__ unsigned factors[2 * kOfHalf];
    return factors;
  }
  __device__ void begin(int row, int column, int patch_row, int patch_column) {
    const int t = threadIdx.x;
    from_a += (row * tiles + t) * Words;
    from_b += (column * tiles + t) * Words;
    at_a = patch_row + t % 32 / 4 + t % 4 * 8;
    at_b = kOfB + patch_column + t % 32 / 4 + t % 4 * 8;
  }
  __device__ void fetch(int at) {
    const int place = at / gemm::kWidth * gemm::kThreads * Words;
    take(next_a, from_a + place);
    take(next_b, from_b + place);
  }
  __device__ void put(int half) {
    const int t = threadIdx.x;
#pragma unroll
    for (int word = 0; word < Words; ++word) {
      table()[half * kOfHalf + word * gemm::kRows + t] = next_a[word];
      table()[half * kOfHalf + kOfB + word * gemm::kColumns + t] = next_b[word];
    }
  }
  __device__ void load(int half, int step) {
    if (Words == 1 && step > 0) return;  // the same word holds both steps' factors
#pragma unroll
    for (int i = 0; i < gemm::kMs / 2; ++i)
      a[i] = table()[half * kOfHalf + step * gemm::kRows + at_a + i * 32];
#pragma unroll
    for (int j = 0; j < gemm::kNs / 4; ++j)
      b[j] = table()[half * kOfHalf + step * gemm::kColumns + at_b + j * 32];
  }
  __device__ static void take(unsigned (&to)[Words], const unsigned* from) {
    if constexpr (Words == 2) {
      const uint2v both = *reinterpret_cast<const uint2v*>(from);
      to[0] = both[0];
      to[1] = both[1];
    } else {
      to[0] = *from;
    }
  }
};

// The bytes and lanes that hold the factors are parts of the instruction.
#define SCALED_MMA(instruction, byte, lane_a, lane_b)                                                        \
  asm(instruction " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3}, %10, {" byte ", " lane_a \
                  "}, %11, {" byte ", " lane_b "};"                                                          \
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])                                                       \
      : "r"(fa[0]), "r"(fa[1]), "r"(fa[2]), "r"(fa[3]), "r"(fb[0]), "r"(fb[1]), "r"(a[i / 2]),               \
        "r"(b[j / 4]))
#define SCALED_MMA_OF_LANES(instruction, byte) \
  switch (i % 2 * 4 + j % 4) {                 \
    case 0:                                    \
      SCALED_MMA(instruction, byte, "0", "0"); \
      break;                                   \
    case 1:                                    \
      SCALED_MMA(instruction, byte, "0", "1"); \
      break;                                   \
    case 2:                                    \
      SCALED_MMA(instruction, byte, "0", "2"); \
      break;                                   \
    case 3:                                    \
      SCALED_MMA(instruction, byte, "0", "3"); \
      break;                                   \
    case 4:                                    \
      SCALED_MMA(instruction, byte, "1", "0"); \
      break;                                   \
    case 5:                                    \
      SCALED_MMA(instruction, byte, "1", "1"); \
      break;                                   \
    case 6:                                    \
      SCALED_MMA(instruction, byte, "1", "2"); \
      break;                                   \
    case 7:                                    \
      SCALED_MMA(instruction, byte, "1", "3"); \
      break;                                   \
  }
#define NVF4 \
  "mma.sync.aligned.m16n8k64.row.col.kind::mxf4nvf4.block_scale.scale_vec::4X.f32.e2m1.e2m1.f32.ue4m3"
#define MXF4 "mma.sync.aligned.m16n8k64.row.col.kind::mxf4.block_scale.f32.e2m1.e2m1.f32.ue8m0"

// A factor (ue4m3) for 16 elements.
struct Nvf4 : ScaledBlocks<2> {
  using ScaledBlocks<2>::ScaledBlocks;
  __device__ void multiply(float (&c)[4], const unsigned (&fa)[4], const unsigned* fb, int i, int j,
                           int) const {
    SCALED_MMA_OF_LANES(NVF4, "0")
  }
};

// A factor (ue8m0) for 32 elements: the second step takes the upper two bytes of the word.
struct Mxf4 : ScaledBlocks<1> {
  using ScaledBlocks<1>::ScaledBlocks;
  __device__ void multiply(float (&c)[4], const unsigned (&fa)[4], const unsigned* fb, int i, int j,
                           int step) const {
    if (step == 0) {
      SCALED_MMA_OF_LANES(MXF4, "0")
    } else {
      SCALED_MMA_OF_LANES(MXF4, "2")
    }
  }
};

#define GEMM_SCALED_KERNEL(name, Op)                                                     \
  extern "C" __global__ void __launch_bounds__(gemm::kThreads)                           \
      name(const unsigned char* a, const unsigned char* b, float* c, int n, int k_bytes, \
           const unsigned* factors_of_a, const unsigned* factors_of_b) {                 \
    gemm::product(a, b, c, n, k_bytes, Op(factors_of_a, factors_of_b, k_bytes));         \
  }
GEMM_SCALED_KERNEL(gemm_nvf4, Nvf4)
GEMM_SCALED_KERNEL(gemm_mxf4, Mxf4)
