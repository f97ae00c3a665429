// Device functions, recursion, calls through pointers, virtual functions, local arrays, 64-bit and half
// arithmetic, dynamic shared memory, clocks and printf.
#include <cuda_fp16.h>

#include <cstring>

#include "expect.h"

__device__ __noinline__ int fibonacci(int n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }
__device__ int twice(int x) { return 2 * x; }
__device__ int square(int x) { return x * x; }
__device__ int (*const functions[2])(int) = {twice, square};

struct Shape {
  __device__ virtual int area() const { return 0; }
};
struct Rectangle : Shape {
  int w, h;
  __device__ Rectangle(int w, int h) : w(w), h(h) {}
  __device__ int area() const override { return w * h; }
};

__device__ __noinline__ int area_of(const Shape* shape) { return shape->area(); }

__global__ void language(long long* out, int n) {
  extern __shared__ int shared[];
  const int t = threadIdx.x;
  shared[t] = t * t;
  __syncthreads();
  long long* mine = out + t * 8;
  mine[0] = fibonacci(t % 12);
  mine[1] = functions[t % 2](t);
  const Rectangle rectangle(t, 3);
  mine[2] = area_of(t < n ? &rectangle : nullptr);
  int digits[10];
  int value = t * 7919, length = 0;
  do {
    digits[length++] = value % 10;
    value /= 10;
  } while (value != 0);
  int sum = 0;
  for (int i = length; i-- > 0;) sum = sum * 3 + digits[i];
  mine[3] = sum;
  mine[4] = static_cast<long long>(t - 32) * 10000000019LL / 7;
  mine[5] = __half2float(__hmul(__float2half(t), __float2half(0.5f))) * 2;
  mine[6] = shared[(t + 1) % blockDim.x];
  mine[7] = clock64() >= 0 && warpSize == 32;
  if (t == 5) printf("thread %d of block %d says %s %.3f\n", t, blockIdx.x, "hello", 2.5);
}

static int host_fibonacci(int n) { return n < 2 ? n : host_fibonacci(n - 1) + host_fibonacci(n - 2); }

static int digit_sum(int value) {
  int digits[10], length = 0, sum = 0;
  do {
    digits[length++] = value % 10;
    value /= 10;
  } while (value != 0);
  for (int i = length; i-- > 0;) sum = sum * 3 + digits[i];
  return sum;
}

int main() {
  constexpr int kThreads = 64;
  long long* device;
  static long long out[kThreads * 8];
  check(cudaMalloc(&device, sizeof out), "cudaMalloc");
  language<<<1, kThreads, kThreads * sizeof(int)>>>(device, kThreads);
  check(cudaMemcpy(out, device, sizeof out, cudaMemcpyDeviceToHost), "language");
  for (int t = 0; t < kThreads; ++t) {
    const long long* mine = out + t * 8;
    expect(mine[0] == host_fibonacci(t % 12), "recursion");
    expect(mine[1] == (t % 2 == 0 ? 2 * t : t * t), "a call through a pointer");
    expect(mine[2] == 3 * t, "a virtual call");
    expect(mine[3] == digit_sum(t * 7919), "a local array");
    expect(mine[4] == static_cast<long long>(t - 32) * 10000000019LL / 7, "64-bit division");
    expect(mine[5] == t, "halves");
    expect(mine[6] == ((t + 1) % kThreads) * ((t + 1) % kThreads), "dynamic shared memory");
    expect(mine[7] == 1, "clock and warp size");
  }
  return verdict();
}
