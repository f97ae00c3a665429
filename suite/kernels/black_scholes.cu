// European options by the Black-Scholes formula, one call and one put a thread.
#include "device.h"

constexpr float kLog2OfE = 1.44269504F;
constexpr float kLogOf2 = 0.69314718F;

__device__ inline float exponential(float x) { return fast_exp2(x * kLog2OfE); }
__device__ inline float logarithm(float x) { return fast_log2(x) * kLogOf2; }

// The cumulative normal distribution, Abramowitz and Stegun 26.2.17 (error below 7.5e-8).
__device__ inline float normal(float d) {
  const float size = __builtin_fabsf(d);
  const float k = fast_divide(1.0F, __builtin_fmaf(0.2316419F, size, 1.0F));
  float series = 1.330274429F;
  series = __builtin_fmaf(series, k, -1.821255978F);
  series = __builtin_fmaf(series, k, 1.781477937F);
  series = __builtin_fmaf(series, k, -0.356563782F);
  series = __builtin_fmaf(series, k, 0.319381530F);
  const float tail = 0.39894228F * exponential(-0.5F * d * d) * k * series;
  return d > 0 ? 1.0F - tail : tail;
}

extern "C" __global__ void black_scholes(const float* price, const float* strike, const float* years,
                                         float* call, float* put, float rate, float volatility,
                                         unsigned count) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  const float s = price[i];
  const float x = strike[i];
  const float t = years[i];
  const float deviation = volatility * __nvvm_sqrt_rn_f(t);
  const float d1 =
      fast_divide(logarithm(fast_divide(s, x)) + (rate + 0.5F * volatility * volatility) * t, deviation);
  const float d2 = d1 - deviation;
  const float n1 = normal(d1);
  const float n2 = normal(d2);
  const float discounted = x * exponential(-rate * t);
  call[i] = s * n1 - discounted * n2;
  put[i] = discounted * (1.0F - n2) - s * (1.0F - n1);
}
