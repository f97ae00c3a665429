// Latency and bandwidth of the caches, as truth/a40/latency.txt and truth/a40/cache.txt describe them.
#include "device.h"

// One thread follows a chain of pointers.
extern "C" __global__ void chase(void** start, void** end, unsigned loads) {
  void** at = start;
#pragma unroll 1
  for (unsigned n = 0; n < loads; n += 32) {
#pragma unroll
    for (int k = 0; k < 32; ++k) at = static_cast<void**>(*at);
  }
  *end = at;
}

// Every block multiplies and sums the same 2 * count floats again and again; `zero` keeps the loads in the
// loop.
extern "C" __global__ void sum_products(float* a, const float* __restrict__ b, unsigned count, unsigned turns,
                                        int zero) {
  float sum = 0;
  b += threadIdx.x;
#pragma unroll 1
  for (unsigned turn = 0; turn < turns; ++turn) {
    b += zero;
    const float* const second = b + count;
#pragma unroll 8
    for (unsigned i = 0; i < count; i += 512) sum += b[i] * second[i];
    sum *= 1.3F;
  }
  if (sum == 1233.0F) a[threadIdx.x] += sum;
}
