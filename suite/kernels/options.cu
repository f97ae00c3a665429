// SPDX-License-Identifier: Apache-2.0
// Prices of options by simulation and by a tree.
#include "device.h"

// Philox4x32-10 (Salmon et al., SC 2011): four random words of a counter and a key.
__device__ inline void philox(unsigned (&x)[4], unsigned key_low, unsigned key_high) {
#pragma unroll
  for (int round = 0; round < 10; ++round) {
    const unsigned long long one = 0xD2511F53ULL * x[0];
    const unsigned long long two = 0xCD9E8D57ULL * x[2];
    const unsigned a = static_cast<unsigned>(two >> 32) ^ x[1] ^ key_low;
    const unsigned b = static_cast<unsigned>(one >> 32) ^ x[3] ^ key_high;
    x[1] = static_cast<unsigned>(two);
    x[3] = static_cast<unsigned>(one);
    x[0] = a;
    x[2] = b;
    key_low += 0x9E3779B9;
    key_high += 0xBB67AE85;
  }
}

// Payoffs of a European call at the ends of `draws` times four paths a thread; their sum.
extern "C" __global__ void monte_carlo(float* sums, unsigned draws, float price, float strike, float drift,
                                       float deviation) {
  constexpr float kOfWord = 2.3283064e-10F;  // 2^-32
  constexpr float kTwoPi = 6.2831853F;
  constexpr float kTwiceLogOf2 = 1.38629436F;
  constexpr float kLog2OfE = 1.44269504F;
  const unsigned t = blockIdx.x * blockDim.x + threadIdx.x;
  float sum = 0;
  for (unsigned i = 0; i < draws; ++i) {
    unsigned x[4] = {i, t, 0, 0};
    philox(x, 1, 2);
#pragma unroll
    for (int pair = 0; pair < 2; ++pair) {  // Box and Muller
      const float u = (static_cast<float>(x[pair * 2] >> 1) * 2 + 1) * kOfWord;
      const float angle = static_cast<float>(x[pair * 2 + 1]) * kOfWord * kTwoPi;
      const float radius = __nvvm_sqrt_approx_f(-kTwiceLogOf2 * fast_log2(u));
      const float z[2] = {radius * __nvvm_cos_approx_f(angle), radius * __nvvm_sin_approx_f(angle)};
#pragma unroll
      for (int k = 0; k < 2; ++k) {
        const float end = price * fast_exp2((drift + deviation * z[k]) * kLog2OfE);
        sum += __builtin_fmaxf(end - strike, 0.0F);
      }
    }
  }
  sums[t] = sum;
}

constexpr int kSteps = 512;

// An American put by a binomial tree of kSteps steps (Cox, Ross and Rubinstein), an option a block.
extern "C" __global__ void __launch_bounds__(kSteps)
    binomial(const float* strikes, float* values, float price, float log2_up, float discounted_up,
             float discounted_down) {
  __shared__ float value[kSteps + 1];
  const float strike = strikes[blockIdx.x];
  const int i = threadIdx.x;
  const auto exercised = [&] __device__(int ups, int steps) {
    return __builtin_fmaxf(strike - price * fast_exp2(log2_up * static_cast<float>(2 * ups - steps)), 0.0F);
  };
  value[i] = exercised(i, kSteps);
  if (i == 0) value[kSteps] = exercised(kSteps, kSteps);
  __syncthreads();
  for (int step = kSteps - 1; step >= 0; --step) {
    const float waited = discounted_up * value[i + 1] + discounted_down * value[i];
    __syncthreads();
    if (i <= step) value[i] = __builtin_fmaxf(waited, exercised(i, step));
    __syncthreads();
  }
  if (i == 0) values[blockIdx.x] = value[0];
}
