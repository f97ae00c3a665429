#include "../expect.h"
#include "parts.h"

__constant__ int shared_factor = 11;

__device__ int transform(int x) { return shared_factor * x + 1; }
__device__ static int shift(int x) { return x - 100; }
__device__ Operation chosen = shift;

__global__ void second(int* data, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const int all_of_first = shared_counter >= n ? 1000 : 0;
  data[i] += all_of_first;
}

__global__ void count_again(int n) {
  if (blockIdx.x * blockDim.x + threadIdx.x < n) atomicAdd(&shared_counter, 1);
}

void launch_second(int* data, int n) {
  second<<<8, 128>>>(data, n);
  check(cudaGetLastError(), "second");
  count_again<<<8, 128>>>(n);
  check(cudaGetLastError(), "count_again");
}
