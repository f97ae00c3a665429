// The first program everybody writes.
#include <vector>

#include "expect.h"

__global__ void add(const float* a, const float* b, float* c, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) c[i] = a[i] + b[i];
}

int main() {
  constexpr int kCount = 50000;
  constexpr size_t kBytes = kCount * sizeof(float);
  std::vector<float> a(kCount), b(kCount), c(kCount);
  for (int i = 0; i < kCount; ++i) {
    a[i] = i * 0.5f;
    b[i] = 3.0f - i;
  }
  float *da, *db, *dc;
  check(cudaMalloc(&da, kBytes), "cudaMalloc");
  check(cudaMalloc(&db, kBytes), "cudaMalloc");
  check(cudaMalloc(&dc, kBytes), "cudaMalloc");
  check(cudaMemcpy(da, a.data(), kBytes, cudaMemcpyHostToDevice), "cudaMemcpy");
  check(cudaMemcpy(db, b.data(), kBytes, cudaMemcpyHostToDevice), "cudaMemcpy");
  add<<<(kCount + 255) / 256, 256>>>(da, db, dc, kCount);
  check(cudaGetLastError(), "launch");
  check(cudaMemcpy(c.data(), dc, kBytes, cudaMemcpyDeviceToHost), "cudaMemcpy");
  for (int i = 0; i < kCount; ++i) expect(c[i] == a[i] + b[i], "every sum");
  check(cudaFree(da), "cudaFree");
  check(cudaFree(db), "cudaFree");
  check(cudaFree(dc), "cudaFree");
  return verdict();
}
