// Sum of an array: a strided sum a thread, warp shuffles, one partial sum a block.
#include "device.h"

extern "C" __global__ void __launch_bounds__(256)
    reduce_sum(const float* in, float* partial, unsigned count) {
  __shared__ float of_warp[8];
  float sum = 0;
  for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x)
    sum += in[i];
#pragma unroll
  for (unsigned distance = kWarpSize / 2; distance > 0; distance /= 2) sum += shuffle_down(sum, distance);
  if (threadIdx.x % kWarpSize == 0) of_warp[threadIdx.x / kWarpSize] = sum;
  __syncthreads();
  if (threadIdx.x == 0) {
    float total = 0;
    for (int i = 0; i < 8; ++i) total += of_warp[i];
    partial[blockIdx.x] = total;
  }
}
