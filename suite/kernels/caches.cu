// SPDX-License-Identifier: Apache-2.0
// Latency and bandwidth of the levels of memory.
#include "device.h"

constexpr unsigned kLineWords = 32;

// Line i of the ring names the next one, so that a walk meets each of 2^n lines once, in no order.
extern "C" __global__ void make_ring(unsigned* ring, unsigned lines) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < lines) ring[i * kLineWords] = (i * 1664525U + 1013904223U & lines - 1) * kLineWords;
}

// One thread: the address of each load is what the last one brought.
extern "C" __global__ void walk(const unsigned* ring, unsigned start, unsigned steps, unsigned* end) {
  unsigned at = start;
#pragma unroll 8
  for (unsigned i = 0; i < steps; ++i) at = ring[at];
  *end = at;
}

// Every block reads the same vectors again and again.
__device__ inline void read_again(const float4* data, unsigned vectors, unsigned turns, float* out) {
  float4 sum = {};
  for (unsigned turn = 0; turn < turns; ++turn) {
#pragma unroll 4
    for (unsigned i = threadIdx.x; i < vectors; i += blockDim.x) sum += data[i];
  }
  out[blockIdx.x * blockDim.x + threadIdx.x] = sum[0] + sum[1] + sum[2] + sum[3];
}

// Each level under a name of its own: records tell kernels by it.
extern "C" __global__ void read_l1(const float4* data, unsigned vectors, unsigned turns, float* out) {
  read_again(data, vectors, turns, out);
}

extern "C" __global__ void read_l2(const float4* data, unsigned vectors, unsigned turns, float* out) {
  read_again(data, vectors, turns, out);
}

// The same out of shared memory: 16 bytes a lane, side by side.
extern "C" __global__ void __launch_bounds__(256) read_shared(unsigned turns, float* out) {
  __shared__ float4 table[1024];
  for (unsigned i = threadIdx.x; i < 1024; i += 256) table[i] = float4{1.0F, 1.0F, 1.0F, 1.0F};
  __syncthreads();
  float4 sum = {};
  unsigned at = threadIdx.x;
  for (unsigned turn = 0; turn < turns; ++turn) {
#pragma unroll
    for (unsigned i = 0; i < 4; ++i) sum += table[at + i * 256 & 1023U];
    at = at + 32 & 1023U;
  }
  out[blockIdx.x * blockDim.x + threadIdx.x] = sum[0] + sum[1] + sum[2] + sum[3];
}
