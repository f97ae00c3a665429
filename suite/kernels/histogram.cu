// Histogram of bytes: each block counts in shared memory, then adds its counts to the whole.
#include "device.h"

constexpr unsigned kBins = 256;

__device__ inline void add_one(unsigned* bin) { __atomic_fetch_add(bin, 1U, __ATOMIC_RELAXED); }

extern "C" __global__ void __launch_bounds__(256)
    histogram_bytes(const unsigned* words, unsigned* bins, unsigned count) {
  __shared__ unsigned local[kBins];
  local[threadIdx.x] = 0;
  __syncthreads();
  for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
    const unsigned word = words[i];
    add_one(&local[word & 255]);
    add_one(&local[word >> 8 & 255]);
    add_one(&local[word >> 16 & 255]);
    add_one(&local[word >> 24]);
  }
  __syncthreads();
  __atomic_fetch_add(&bins[threadIdx.x], local[threadIdx.x], __ATOMIC_RELAXED);
}
