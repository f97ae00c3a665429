// Device code in two files: functions, variables, constants and a function pointer cross the device linker.
#include "../expect.h"
#include "parts.h"

__device__ int shared_counter;

__global__ void first(int* data, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  data[i] = transform(i) + chosen(i);
  atomicAdd(&shared_counter, 1);
}

int main() {
  constexpr int kCount = 1000;
  int* data;
  check(cudaMalloc(&data, kCount * sizeof(int)), "cudaMalloc");
  first<<<8, 128>>>(data, kCount);
  check(cudaGetLastError(), "first");
  launch_second(data, kCount);
  static int out[kCount];
  check(cudaMemcpy(out, data, sizeof out, cudaMemcpyDeviceToHost), "cudaMemcpy");
  for (int i = 0; i < kCount; ++i)
    expect(out[i] == (11 * i + 1) + (i - 100) + 1000, "both files' kernels ran");
  int counter = 0;
  check(cudaMemcpyFromSymbol(&counter, shared_counter, sizeof counter), "cudaMemcpyFromSymbol");
  expect(counter == 2 * kCount, "one counter for both files");
  return verdict();
}
