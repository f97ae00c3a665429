// Kernels of the sets that judge the model and that no parameter was read from: what a40/roofline-power.csv
// and the rows of kernels.csv describe. Multiplications and additions are fused, as the vendor's compiler
// does.
#include "device.h"

namespace {

typedef unsigned uint4v __attribute__((ext_vector_type(4)));

__device__ inline float low_half(unsigned pair) { return __builtin_bit_cast(float, pair << 16); }
__device__ inline float high_half(unsigned pair) { return __builtin_bit_cast(float, pair & 0xffff0000U); }
__device__ inline unsigned pack(float low, float high) {
  return (__builtin_bit_cast(unsigned, high) & 0xffff0000U) | (__builtin_bit_cast(unsigned, low) >> 16);
}

// Of all threads of a block of 256, in each of them.
template <typename Join>
__device__ inline float join_block(float value, float* of_warp, Join join) {
  for (unsigned distance = kWarpSize / 2; distance > 0; distance /= 2)
    value = join(value, shuffle_down(value, distance));
  __syncthreads();
  if (threadIdx.x % kWarpSize == 0) of_warp[threadIdx.x / kWarpSize] = value;
  __syncthreads();
  float all = of_warp[0];
#pragma unroll
  for (int i = 1; i < 8; ++i) all = join(all, of_warp[i]);
  return all;
}

constexpr float kLog2E = 1.44269504F;

// Two loads and `Turns` dependent multiply-adds an element, two elements side by side.
template <int Turns>
__device__ inline void roofline(const float* __restrict__ a, const float* __restrict__ b, float* c) {
  constexpr unsigned kBlock = 256;
  constexpr unsigned kElements = 4000;
  const float* const from_a = a + threadIdx.x + blockIdx.x * kBlock * kElements;
  const float* const from_b = b + threadIdx.x + blockIdx.x * kBlock * kElements;
  float sum = 0;
  for (unsigned i = 0; i < kElements; i += 2) {
    const float x = from_a[i * kBlock], y = from_b[i * kBlock];
    const float x2 = from_a[(i + 1) * kBlock], y2 = from_b[(i + 1) * kBlock];
    float v = x - y, v2 = x2 - y2;
#pragma unroll
    for (int turn = 0; turn < Turns; ++turn) {
      v = __builtin_fmaf(v, x, -y);
      v2 = __builtin_fmaf(v2, x, -y);
    }
    sum += v + v2;
  }
  if (threadIdx.x == 0) c[blockIdx.x] = sum;
}

}  // namespace

#define ROOFLINE(turns)                                                                                 \
  extern "C" __global__ void roofline_##turns(const float* __restrict__ a, const float* __restrict__ b, \
                                              float* c) {                                               \
    roofline<turns>(a, b, c);                                                                           \
  }
ROOFLINE(0)
ROOFLINE(8)
ROOFLINE(16)
ROOFLINE(24)
ROOFLINE(32)
ROOFLINE(48)
ROOFLINE(64)
ROOFLINE(96)
ROOFLINE(120)
ROOFLINE(160)
ROOFLINE(200)
ROOFLINE(240)
ROOFLINE(320)
ROOFLINE(400)
ROOFLINE(480)

// out = W x: one warp a row of W, whose bf16 weights are read once, eight a load.
extern "C" __global__ void matrix_vector(const uint4v* __restrict__ weights, const float4* __restrict__ x,
                                         float* out, unsigned columns) {
  const unsigned row = blockIdx.x * (blockDim.x / kWarpSize) + threadIdx.x / kWarpSize;
  const unsigned lane = threadIdx.x % kWarpSize;
  const uint4v* const from = weights + static_cast<unsigned long long>(row) * (columns / 8);
  float sum = 0;
  for (unsigned i = lane; i < columns / 8; i += kWarpSize) {
    const uint4v w = from[i];
    const float4 x0 = x[2 * i], x1 = x[2 * i + 1];
    sum = __builtin_fmaf(low_half(w.x), x0.x, sum);
    sum = __builtin_fmaf(high_half(w.x), x0.y, sum);
    sum = __builtin_fmaf(low_half(w.y), x0.z, sum);
    sum = __builtin_fmaf(high_half(w.y), x0.w, sum);
    sum = __builtin_fmaf(low_half(w.z), x1.x, sum);
    sum = __builtin_fmaf(high_half(w.z), x1.y, sum);
    sum = __builtin_fmaf(low_half(w.w), x1.z, sum);
    sum = __builtin_fmaf(high_half(w.w), x1.w, sum);
  }
  for (unsigned distance = kWarpSize / 2; distance > 0; distance /= 2) sum += shuffle_down(sum, distance);
  if (lane == 0) out[row] = sum;
}

// One block a token copies its row of the table, 16 bytes a thread and turn.
extern "C" __global__ void gather_rows(const uint4v* __restrict__ table, const unsigned* __restrict__ tokens,
                                       uint4v* out, unsigned row_vectors) {
  const uint4v* const from = table + static_cast<unsigned long long>(tokens[blockIdx.x]) * row_vectors;
  uint4v* const to = out + static_cast<unsigned long long>(blockIdx.x) * row_vectors;
  for (unsigned i = threadIdx.x; i < row_vectors; i += blockDim.x) to[i] = from[i];
}

// One block of 256 a row of 968 bf16, two a thread and turn.
extern "C" __global__ void softmax(const unsigned* __restrict__ in, unsigned* out) {
  constexpr unsigned kPairs = 968 / 2;
  __shared__ float of_warp[8];
  const unsigned first = blockIdx.x * kPairs;
  float low[2], high[2];
  float most = -1e30F;
#pragma unroll
  for (unsigned turn = 0; turn < 2; ++turn) {
    const unsigned i = threadIdx.x + turn * 256;
    const unsigned x = i < kPairs ? in[first + i] : 0xff7fff7fU;
    low[turn] = low_half(x);
    high[turn] = high_half(x);
    most = __builtin_fmaxf(most, __builtin_fmaxf(low[turn], high[turn]));
  }
  most = join_block(most, of_warp, [](float a, float b) { return __builtin_fmaxf(a, b); });
  float sum = 0;
#pragma unroll
  for (unsigned turn = 0; turn < 2; ++turn) {
    low[turn] = fast_exp2((low[turn] - most) * kLog2E);
    high[turn] = fast_exp2((high[turn] - most) * kLog2E);
    sum += low[turn] + high[turn];
  }
  sum = join_block(sum, of_warp, [](float a, float b) { return a + b; });
  const float scale = fast_divide(1.0F, sum);
#pragma unroll
  for (unsigned turn = 0; turn < 2; ++turn) {
    const unsigned i = threadIdx.x + turn * 256;
    if (i < kPairs) out[first + i] = pack(low[turn] * scale, high[turn] * scale);
  }
}

// gelu(gate) * up, by the approximation with tanh; a row holds its gates, then its ups; eight elements a
// thread.
extern "C" __global__ void geglu(const uint4v* __restrict__ in, uint4v* out, unsigned row_vectors) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  const unsigned row = blockIdx.y;
  if (i >= row_vectors) return;
  const uint4v gate = in[row * 2 * row_vectors + i], up = in[(row * 2 + 1) * row_vectors + i];
  const auto gelu = [](float x) {
    const float inner = 0.7978845608F * __builtin_fmaf(0.044715F * x * x, x, x);
    const float e = fast_exp2(inner * (2 * kLog2E));
    return 0.5F * x * (2.0F - fast_divide(2.0F, e + 1.0F));
  };
  uint4v y;
#pragma unroll
  for (int k = 0; k < 4; ++k)
    y[k] = pack(gelu(low_half(gate[k])) * low_half(up[k]), gelu(high_half(gate[k])) * high_half(up[k]));
  out[row * row_vectors + i] = y;
}

// Lattice Boltzmann, D3Q19 with one relaxation time: a thread a cell of a periodic cube pulls its 19
// densities from its neighbours, reads one byte of flags and writes 19 densities; arrays by direction. 153
// bytes a cell and step.
extern "C" __global__ void lattice_boltzmann(const float* __restrict__ in, float* out,
                                             const unsigned char* __restrict__ flags, unsigned size,
                                             float omega) {
  constexpr int kDirections = 19;
  constexpr int kX[kDirections] = {0, 1, -1, 0, 0, 0, 0, 1, -1, 1, -1, 0, 0, 1, -1, 1, -1, 0, 0};
  constexpr int kY[kDirections] = {0, 0, 0, 1, -1, 0, 0, 1, -1, 0, 0, 1, -1, -1, 1, 0, 0, 1, -1};
  constexpr int kZ[kDirections] = {0, 0, 0, 0, 0, 1, -1, 0, 0, 1, -1, 1, -1, 0, 0, -1, 1, -1, 1};
  constexpr float kWeights[3] = {1.0F / 3, 1.0F / 18, 1.0F / 36};
  const unsigned cell = blockIdx.x * blockDim.x + threadIdx.x;
  const unsigned x = cell % size, y = cell / size % size, z = cell / size / size;
  if (flags[cell] != 0) return;
  const unsigned cells = size * size * size;
  // The neighbours' coordinates: before, at, behind.
  const unsigned xs[3] = {x == 0 ? size - 1 : x - 1, x, x + 1 == size ? 0 : x + 1};
  const unsigned ys[3] = {y == 0 ? size - 1 : y - 1, y, y + 1 == size ? 0 : y + 1};
  const unsigned zs[3] = {z == 0 ? size - 1 : z - 1, z, z + 1 == size ? 0 : z + 1};
  float f[kDirections];
  float density = 0, ux = 0, uy = 0, uz = 0;
#pragma unroll
  for (int i = 0; i < kDirections; ++i) {
    const unsigned from = xs[1 - kX[i]] + size * (ys[1 - kY[i]] + size * zs[1 - kZ[i]]);
    f[i] = in[static_cast<unsigned long long>(i) * cells + from];
    density += f[i];
    ux += static_cast<float>(kX[i]) * f[i];
    uy += static_cast<float>(kY[i]) * f[i];
    uz += static_cast<float>(kZ[i]) * f[i];
  }
  const float inverse = fast_divide(1.0F, density);
  ux *= inverse;
  uy *= inverse;
  uz *= inverse;
  const float square = -1.5F * __builtin_fmaf(ux, ux, __builtin_fmaf(uy, uy, uz * uz));
#pragma unroll
  for (int i = 0; i < kDirections; ++i) {
    const int steps = kX[i] * kX[i] + kY[i] * kY[i] + kZ[i] * kZ[i];
    const float along =
        static_cast<float>(kX[i]) * ux + static_cast<float>(kY[i]) * uy + static_cast<float>(kZ[i]) * uz;
    const float polynomial = __builtin_fmaf(along, __builtin_fmaf(4.5F, along, 3.0F), 1.0F + square);
    const float equilibrium = kWeights[steps] * density * polynomial;
    out[static_cast<unsigned long long>(i) * cells + cell] = __builtin_fmaf(omega, equilibrium - f[i], f[i]);
  }
}
