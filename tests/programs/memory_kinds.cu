// Pinned, mapped, managed, pooled, constant and global-variable memory; rectangles, fills and pointers'
// kinds.
#include <vector>

#include "expect.h"

__constant__ int factors[4];
__device__ int counter;
__device__ float table[64];

__global__ void scale(int* data, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) data[i] *= factors[i % 4];
  if (i < n) atomicAdd(&counter, 1);
}

__global__ void read_table(float* out) { out[threadIdx.x] = table[63 - threadIdx.x]; }

static void symbols() {
  const int host_factors[4] = {2, 3, 5, 7};
  check(cudaMemcpyToSymbol(factors, host_factors, sizeof host_factors), "cudaMemcpyToSymbol");
  const int zero = 0;
  check(cudaMemcpyToSymbol(counter, &zero, sizeof zero), "cudaMemcpyToSymbol");
  int* data;
  check(cudaMallocManaged(&data, 1000 * sizeof(int)), "cudaMallocManaged");
  for (int i = 0; i < 1000; ++i) data[i] = i;
  scale<<<8, 128>>>(data, 1000);
  check(cudaDeviceSynchronize(), "scale");
  for (int i = 0; i < 1000; ++i) expect(data[i] == i * host_factors[i % 4], "managed memory scaled");
  int count = 0;
  check(cudaMemcpyFromSymbol(&count, counter, sizeof count), "cudaMemcpyFromSymbol");
  expect(count == 1000, "a counter in a global variable");
  check(cudaFree(data), "cudaFree");

  float* address;
  float values[64];
  float* out;
  for (int i = 0; i < 64; ++i) values[i] = i * 1.5f;
  check(cudaGetSymbolAddress(reinterpret_cast<void**>(&address), table), "cudaGetSymbolAddress");
  check(cudaMemcpy(address, values, sizeof values, cudaMemcpyHostToDevice), "cudaMemcpy");
  check(cudaMalloc(&out, sizeof values), "cudaMalloc");
  read_table<<<1, 64>>>(out);
  float back[64];
  check(cudaMemcpy(back, out, sizeof back, cudaMemcpyDeviceToHost), "cudaMemcpy");
  for (int i = 0; i < 64; ++i) expect(back[i] == values[63 - i], "a table in a global variable");
  check(cudaFree(out), "cudaFree");
}

static void rectangles() {
  constexpr size_t kWidth = 100, kHeight = 50;
  unsigned char* device;
  size_t pitch = 0;
  check(cudaMallocPitch(&device, &pitch, kWidth, kHeight), "cudaMallocPitch");
  expect(pitch >= kWidth, "a pitch that holds the width");
  std::vector<unsigned char> in(kWidth * kHeight), out(kWidth * kHeight);
  for (size_t i = 0; i < in.size(); ++i) in[i] = static_cast<unsigned char>(i * 7);
  check(cudaMemcpy2D(device, pitch, in.data(), kWidth, kWidth, kHeight, cudaMemcpyHostToDevice),
        "cudaMemcpy2D");
  check(cudaMemset2D(device, pitch, 0xab, 10, 20), "cudaMemset2D");
  check(cudaMemcpy2D(out.data(), kWidth, device, pitch, kWidth, kHeight, cudaMemcpyDeviceToHost),
        "cudaMemcpy2D");
  for (size_t y = 0; y < kHeight; ++y) {
    for (size_t x = 0; x < kWidth; ++x) {
      const unsigned char expected = x < 10 && y < 20 ? 0xab : in[y * kWidth + x];
      expect(out[y * kWidth + x] == expected, "a rectangle copied, a part of it filled");
    }
  }
  check(cudaFree(device), "cudaFree");
}

static void host_memory() {
  int* mapped;
  check(cudaHostAlloc(&mapped, 1000 * sizeof(int), cudaHostAllocMapped), "cudaHostAlloc");
  for (int i = 0; i < 1000; ++i) mapped[i] = 10;
  int* on_device;
  check(cudaHostGetDevicePointer(&on_device, mapped, 0), "cudaHostGetDevicePointer");
  scale<<<8, 128>>>(on_device, 1000);
  check(cudaDeviceSynchronize(), "scale");
  for (int i = 0; i < 1000; ++i)
    expect(mapped[i] == 10 * (i % 4 == 0 ? 2 : i % 4 == 1 ? 3 : i % 4 == 2 ? 5 : 7), "mapped memory");
  cudaPointerAttributes attributes;
  check(cudaPointerGetAttributes(&attributes, mapped), "cudaPointerGetAttributes");
  expect(attributes.type == cudaMemoryTypeHost, "pinned memory is host memory");
  check(cudaFreeHost(mapped), "cudaFreeHost");
}

static void pools() {
  cudaStream_t stream;
  check(cudaStreamCreate(&stream), "cudaStreamCreate");
  int* data;
  check(cudaMallocAsync(reinterpret_cast<void**>(&data), 1000 * sizeof(int), stream), "cudaMallocAsync");
  check(cudaMemsetAsync(data, 1, 1000 * sizeof(int), stream), "cudaMemsetAsync");
  int one = 0;
  check(cudaMemcpyAsync(&one, data + 999, sizeof one, cudaMemcpyDeviceToHost, stream), "cudaMemcpyAsync");
  check(cudaFreeAsync(data, stream), "cudaFreeAsync");
  check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
  expect(one == 0x01010101, "memory from the stream's pool");
  check(cudaStreamDestroy(stream), "cudaStreamDestroy");
}

int main() {
  symbols();
  rectangles();
  host_memory();
  pools();
  return verdict();
}
