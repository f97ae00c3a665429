// Kernels that launch kernels (nvcc -rdc=true): recursion, streams of the grid, tails, memory of the device
// heap.
#include <algorithm>
#include <vector>

#include "expect.h"

__global__ void add_one(int* data, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) ++data[i];
}

// Every thread launches a grid over its own part.
__global__ void add_by_parts(int* data, int part) {
  add_one<<<(part + 63) / 64, 64>>>(data + threadIdx.x * part, part);
}

__global__ void sum_of(const int* data, int n, int* out) {
  int sum = 0;
  for (int i = 0; i < n; ++i) sum += data[i];
  *out = sum;
}

// The tail sees what the children before it have done, and what the parent wrote last.
__global__ void with_tail(int* data, int n, int* out) {
  sum_of<<<1, 1, 0, cudaStreamTailLaunch>>>(data, n, out);
  add_one<<<(n + 63) / 64, 64, 0, cudaStreamFireAndForget>>>(data, n);
  data[0] += 1000;
}

__global__ void quicksort(int* data, int left, int right) {
  int l = left;
  int r = right;
  const int pivot = data[(left + right) / 2];
  while (l <= r) {
    while (data[l] < pivot) ++l;
    while (data[r] > pivot) --r;
    if (l <= r) {
      const int swapped = data[l];
      data[l++] = data[r];
      data[r--] = swapped;
    }
  }
  if (left < r) {
    cudaStream_t stream;
    cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
    quicksort<<<1, 1, 0, stream>>>(data, left, r);
    cudaStreamDestroy(stream);
  }
  if (l < right) {
    cudaStream_t stream;
    cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
    quicksort<<<1, 1, 0, stream>>>(data, l, right);
    cudaStreamDestroy(stream);
  }
}

__global__ void wrong_launch(int* codes) {
  add_one<<<1, 2048>>>(nullptr, 0);
  codes[0] = cudaGetLastError();
  codes[1] = cudaGetLastError();
  void* memory = nullptr;
  codes[2] = cudaMalloc(&memory, 256);
  codes[3] = memory != nullptr;
  codes[4] = cudaFree(memory);
  int device = -1;
  codes[5] = cudaGetDevice(&device);
  codes[6] = device;
}

int main() {
  constexpr int kCount = 1024;
  int* data;
  int* out;
  check(cudaMalloc(&data, kCount * sizeof(int)), "cudaMalloc");
  check(cudaMalloc(&out, 16 * sizeof(int)), "cudaMalloc");
  std::vector<int> host(kCount);

  check(cudaMemset(data, 0, kCount * sizeof(int)), "cudaMemset");
  add_by_parts<<<1, 32>>>(data, kCount / 32);
  check(cudaMemcpy(host.data(), data, kCount * sizeof(int), cudaMemcpyDeviceToHost), "cudaMemcpy");
  expect(std::all_of(host.begin(), host.end(), [](int each) { return each == 1; }),
         "32 grids over their parts");

  with_tail<<<1, 1>>>(data, kCount, out);
  int sum = 0;
  check(cudaMemcpy(&sum, out, sizeof sum, cudaMemcpyDeviceToHost), "cudaMemcpy");
  expect(sum == 2 * kCount + 1000, "the tail comes last");

  for (int i = 0; i < kCount; ++i) host[i] = (i * 7919) % 1031;
  check(cudaMemcpy(data, host.data(), 200 * sizeof(int), cudaMemcpyHostToDevice), "cudaMemcpy");
  std::sort(host.begin(), host.begin() + 200);
  quicksort<<<1, 1>>>(data, 0, 199);
  std::vector<int> sorted(200);
  check(cudaMemcpy(sorted.data(), data, 200 * sizeof(int), cudaMemcpyDeviceToHost), "cudaMemcpy");
  expect(std::equal(sorted.begin(), sorted.end(), host.begin()), "sorted by launches in launches");

  wrong_launch<<<1, 1>>>(out);
  int codes[7];
  check(cudaMemcpy(codes, out, sizeof codes, cudaMemcpyDeviceToHost), "cudaMemcpy");
  expect(codes[0] == cudaErrorInvalidConfiguration, "2048 threads a block are refused");
  expect(codes[1] == cudaSuccess, "the error is told once");
  expect(codes[2] == cudaSuccess && codes[3] == 1 && codes[4] == cudaSuccess, "memory of the device heap");
  expect(codes[5] == cudaSuccess && codes[6] == 0, "the device");
  return verdict();
}
