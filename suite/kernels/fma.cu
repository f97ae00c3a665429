// Multiply-add rate: eight independent chains a thread, so that the units and not the latency limit it.
#include "device.h"

constexpr int kChains = 8;
constexpr int kStepsPerIteration = 8;

__device__ inline float multiply_add(float x, float a, float b) { return __builtin_fmaf(x, a, b); }
__device__ inline double multiply_add(double x, double a, double b) { return __builtin_fma(x, a, b); }
__device__ inline int multiply_add(int x, int a, int b) { return x * a + b; }
__device__ inline half2 multiply_add(half2 x, half2 a, half2 b) { return __builtin_elementwise_fma(x, a, b); }

// Element is what a thread stores; its first chain begins at its thread index, the next ones at one more
// each.
template <class Element>
__device__ inline void run_chains(Element* out, Element a, Element b, int iterations) {
  Element chain[kChains];
  for (int i = 0; i < kChains; ++i) chain[i] = static_cast<Element>(static_cast<int>(threadIdx.x) % 32 + i);
  for (int iteration = 0; iteration < iterations; ++iteration) {
#pragma unroll
    for (int step = 0; step < kStepsPerIteration; ++step) {
#pragma unroll
      for (int i = 0; i < kChains; ++i) chain[i] = multiply_add(chain[i], a, b);
    }
  }
  Element sum = chain[0];
  for (int i = 1; i < kChains; ++i) sum = sum + chain[i];
  out[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}

extern "C" __global__ void fma_fp32(float* out, float a, float b, int iterations) {
  run_chains(out, a, b, iterations);
}

extern "C" __global__ void fma_fp64(double* out, double a, double b, int iterations) {
  run_chains(out, a, b, iterations);
}

extern "C" __global__ void fma_int32(int* out, int a, int b, int iterations) {
  run_chains(out, a, b, iterations);
}

// Both halves of a register run the same chain; a and b come as floats so that the host needs no half type.
extern "C" __global__ void fma_fp16(half2* out, float a, float b, int iterations) {
  const half2 factor = {static_cast<_Float16>(a), static_cast<_Float16>(a)};
  const half2 addend = {static_cast<_Float16>(b), static_cast<_Float16>(b)};
  half2 chain[kChains];
  for (int i = 0; i < kChains; ++i) {
    const _Float16 start = static_cast<_Float16>(static_cast<int>(threadIdx.x) % 32 + i);
    chain[i] = half2{start, start};
  }
  for (int iteration = 0; iteration < iterations; ++iteration) {
#pragma unroll
    for (int step = 0; step < kStepsPerIteration; ++step) {
#pragma unroll
      for (int i = 0; i < kChains; ++i) chain[i] = multiply_add(chain[i], factor, addend);
    }
  }
  half2 sum = chain[0];
  for (int i = 1; i < kChains; ++i) sum = sum + chain[i];
  out[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}
