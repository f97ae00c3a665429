// One warp and chains of dependent instructions, read off the SM's own clock: how long an instruction takes
// until the next one can use its result. Also what that clock runs at.
#include "device.h"

constexpr int kUnrolled = 64;  // instructions a turn: the loop's own are beside them, not in the chain

__device__ inline unsigned long long clock64() {
  unsigned long long cycles;
  asm volatile("mov.u64 %0, %%clock64;" : "=l"(cycles)::"memory");
  return cycles;
}

__device__ inline unsigned long long globaltimer() {
  unsigned long long ns;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(ns)::"memory");
  return ns;
}

// Cycles of `turns` turns of the chain go to out[0], so that they do not get lost the end of the chain to
// out[1].
template <class Element, class Step>
__device__ inline void time_chain(unsigned long long* out, Element x, unsigned turns, Step step) {
  const unsigned long long start = clock64();
#pragma unroll 1
  for (unsigned turn = 0; turn < turns; ++turn) {
#pragma unroll
    for (int i = 0; i < kUnrolled; ++i) x = step(x);
  }
  const unsigned long long end = clock64();
  if (threadIdx.x == 0) {
    out[0] = end - start;
    *reinterpret_cast<Element*>(out + 1) = x;
  }
}

extern "C" __global__ void depend_fp32_fma(unsigned long long* out, float a, float b, unsigned turns) {
  time_chain(out, a, turns, [=](float x) { return __builtin_fmaf(x, a, b); });
}

extern "C" __global__ void depend_fp32_add(unsigned long long* out, float a, float b, unsigned turns) {
  time_chain(out, a, turns, [=](float x) { return x + b; });
}

extern "C" __global__ void depend_fp64_fma(unsigned long long* out, float a, float b, unsigned turns) {
  const double da = a, db = b;
  time_chain(out, da, turns, [=](double x) { return __builtin_fma(x, da, db); });
}

extern "C" __global__ void depend_int32_mad(unsigned long long* out, float a, float b, unsigned turns) {
  const unsigned ia = static_cast<unsigned>(a), ib = static_cast<unsigned>(b);
  time_chain(out, ia, turns, [=](unsigned x) { return x * ia + ib; });
}

extern "C" __global__ void depend_fp16x2_fma(unsigned long long* out, float a, float b, unsigned turns) {
  const half2 ha = {static_cast<_Float16>(a), static_cast<_Float16>(a)};
  const half2 hb = {static_cast<_Float16>(b), static_cast<_Float16>(b)};
  time_chain(out, ha, turns, [=](half2 x) { return __builtin_elementwise_fma(x, ha, hb); });
}

extern "C" __global__ void depend_rsqrt(unsigned long long* out, float a, float, unsigned turns) {
  time_chain(out, a, turns, [](float x) { return fast_rsqrt(x); });
}

extern "C" __global__ void depend_shuffle(unsigned long long* out, float a, float, unsigned turns) {
  time_chain(out, a, turns, [](float x) { return shuffle_down(x, 1); });
}

// Each element of the cycle holds the byte offset of the next one, which is a load's address as it is.
extern "C" __global__ void depend_shared(unsigned long long* out, float, float, unsigned turns) {
  __shared__ unsigned next[64];
  for (unsigned i = threadIdx.x; i < 64; i += kWarpSize) next[i] = (i + 33) % 64 * sizeof(unsigned);
  __syncthreads();
  const char* const base = reinterpret_cast<const char*>(next);
  time_chain(out, static_cast<unsigned>(threadIdx.x * sizeof(unsigned)), turns,
             [=](unsigned x) { return *reinterpret_cast<const unsigned*>(base + x); });
}

// Cycles to out[0], nanoseconds of the same time to out[2].
extern "C" __global__ void clock_rate(unsigned long long* out, float a, float b, unsigned turns) {
  const unsigned long long start = globaltimer();
  time_chain(out, a, turns, [=](float x) { return __builtin_fmaf(x, a, b); });
  out[2] = globaltimer() - start;
}
