// The runtime's errors for a user's mistakes: sticky ones stay until the reset, the others leave the card
// usable.
#include "expect.h"

__global__ void fill(int* data, int value) { data[threadIdx.x] = value; }
__global__ void trap_in_one_thread() {
  if (threadIdx.x == 3) __trap();
}

int main() {
  int* data;
  check(cudaMalloc(&data, 1024 * sizeof(int)), "cudaMalloc");
  fill<<<1, 2048>>>(data, 1);
  expect(cudaGetLastError() != cudaSuccess, "2048 threads a block are refused");
  fill<<<1, 32, 1 << 20>>>(data, 1);
  expect(cudaGetLastError() != cudaSuccess, "1 MiB shared is refused");
  void* much = nullptr;
  expect(cudaMalloc(&much, 1ull << 50) == cudaErrorMemoryAllocation, "a petabyte");
  cudaGetLastError();
  expect(cudaSetDevice(1000) == cudaErrorInvalidDevice, "card 1000");
  cudaGetLastError();
  expect(cudaFree(reinterpret_cast<void*>(0x1234)) == cudaErrorInvalidValue, "free what was never allocated");
  cudaGetLastError();
  fill<<<1, 1024>>>(data, 5);
  int last = 0;
  check(cudaMemcpy(&last, data + 1023, sizeof last, cudaMemcpyDeviceToHost), "cudaMemcpy");
  expect(last == 5, "the card works after the refusals");

  fill<<<1, 32>>>(reinterpret_cast<int*>(0x40), 1);
  expect(cudaDeviceSynchronize() == cudaErrorIllegalAddress, "a wild store");
  expect(cudaMalloc(&much, 16) == cudaErrorIllegalAddress, "the error stays");
  check(cudaDeviceReset(), "cudaDeviceReset");
  check(cudaMalloc(&data, 32 * sizeof(int)), "cudaMalloc after the reset");
  fill<<<1, 32>>>(data, 9);
  check(cudaMemcpy(&last, data + 31, sizeof last, cudaMemcpyDeviceToHost), "cudaMemcpy");
  expect(last == 9, "the card works after the reset");

  trap_in_one_thread<<<1, 32>>>();
  expect(cudaDeviceSynchronize() == cudaErrorLaunchFailure || cudaGetLastError() != cudaSuccess, "a trap");
  return verdict();
}
