// Atomics on global and shared memory, whose results do not depend on their order.
#include "expect.h"

struct Results {
  int add, sub, min, max;
  unsigned inc, dec, bits_and, bits_or, bits_xor, swaps;
  unsigned long long add64, max64;
  float add_float;
  double add_double;
  int shared_total;
};

__global__ void combine(Results* r) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  __shared__ int total;
  if (threadIdx.x == 0) total = 0;
  __syncthreads();
  atomicAdd(&total, i);
  atomicAdd(&r->add, i);
  atomicSub(&r->sub, 1);
  atomicMin(&r->min, -i);
  atomicMax(&r->max, i);
  atomicInc(&r->inc, 99);
  atomicDec(&r->dec, 1000);
  atomicAnd(&r->bits_and, ~(1u << (i % 8)));
  atomicOr(&r->bits_or, 1u << (i % 16));
  atomicXor(&r->bits_xor, static_cast<unsigned>(i));
  atomicAdd(&r->add64, 1ull << 32);
  atomicMax(&r->max64, static_cast<unsigned long long>(i) << 40);
  atomicAdd(&r->add_float, 0.5f);
  atomicAdd(&r->add_double, 0.25);
  unsigned seen = r->swaps;
  unsigned expected;
  do {
    expected = seen;
    seen = atomicCAS(&r->swaps, expected, expected + 2);
  } while (seen != expected);
  __syncthreads();
  if (threadIdx.x == 0) atomicAdd(&r->shared_total, total);
}

int main() {
  constexpr int kThreads = 2000;
  Results* device;
  Results r{};
  r.bits_and = 0xffffffffu;
  check(cudaMalloc(&device, sizeof r), "cudaMalloc");
  check(cudaMemcpy(device, &r, sizeof r, cudaMemcpyHostToDevice), "cudaMemcpy");
  combine<<<10, kThreads / 10>>>(device);
  check(cudaMemcpy(&r, device, sizeof r, cudaMemcpyDeviceToHost), "combine");
  unsigned all_xor = 0;
  for (unsigned i = 0; i < kThreads; ++i) all_xor ^= i;
  expect(r.add == kThreads * (kThreads - 1) / 2, "add");
  expect(r.sub == -kThreads, "sub");
  expect(r.min == -(kThreads - 1), "min");
  expect(r.max == kThreads - 1, "max");
  expect(r.inc == 0, "inc wraps after 100");
  expect(r.dec == 2, "dec wraps to 1000");  // 1001 steps lead back to 0, the other 999 from 0 over 1000 to 2
  expect(r.bits_and == 0xffffff00u, "and");
  expect(r.bits_or == 0xffffu, "or");
  expect(r.bits_xor == all_xor, "xor");
  expect(r.add64 == static_cast<unsigned long long>(kThreads) << 32, "64-bit add");
  expect(r.max64 == static_cast<unsigned long long>(kThreads - 1) << 40, "64-bit max");
  expect(r.add_float == kThreads * 0.5f, "float add");
  expect(r.add_double == kThreads * 0.25, "double add");
  expect(r.swaps == 2 * kThreads, "compare and swap");
  expect(r.shared_total == r.add, "shared add");
  return verdict();
}
