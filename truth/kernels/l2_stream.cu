// Streams that go round in arrays of `length` doubles, as truth/a40/l2-stream.txt describes them. The
// measured kernels take the remainder by a constant; `magic` and `shift` do it in the same operations for any
// length.
#include "device.h"

__device__ inline unsigned round_index(unsigned length, unsigned magic, unsigned shift) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  const auto high = static_cast<unsigned>(static_cast<unsigned long long>(i) * magic >> 32);
  return i - (high >> shift) * length;
}

extern "C" __global__ void round_read(double* a, const double* __restrict__ b, unsigned long long count,
                                      unsigned length, unsigned magic, unsigned shift) {
  const unsigned i = round_index(length, magic, shift);
  if (i >= count) return;
  const double value = b[i];
  if (value == 123.0) a[i] = value;
}

extern "C" __global__ void round_scale(double* a, const double* __restrict__ b, unsigned long long count,
                                       unsigned length, unsigned magic, unsigned shift) {
  const unsigned i = round_index(length, magic, shift);
  if (i >= count) return;
  a[i] = b[i] * 1.2;
}

extern "C" __global__ void round_triad(double* a, const double* __restrict__ b, const double* __restrict__ c,
                                       const double* __restrict__ d, unsigned long long count,
                                       unsigned length, unsigned magic, unsigned shift) {
  const unsigned i = round_index(length, magic, shift);
  if (i >= count) return;
  a[i] = __builtin_fma(b[i], d[i], c[i]);
}

extern "C" __global__ void round_write(double* a, unsigned long long count, unsigned length, unsigned magic,
                                       unsigned shift) {
  const unsigned i = round_index(length, magic, shift);
  if (i >= count) return;
  a[i] = 0.23;
}
