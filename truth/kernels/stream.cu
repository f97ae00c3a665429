// Streams over arrays of doubles, one element a thread, as truth/a40/stream.txt describes them. The vendor's
// compiler fuses multiplications and additions; ours does not here, so they are written fused.
#include "device.h"

extern "C" __global__ void stream_init(double* a, unsigned count) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  a[i] = 0.23;
}

extern "C" __global__ void stream_read(double* a, const double* __restrict__ b, unsigned count) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  const double value = b[i];
  if (value == 123.0) a[i] = value;
}

extern "C" __global__ void stream_scale(double* a, const double* __restrict__ b, unsigned count) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  a[i] = b[i] * 1.2;
}

extern "C" __global__ void stream_triad(double* a, const double* __restrict__ b, const double* __restrict__ c,
                                        const double* __restrict__ d, unsigned count) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  a[i] = __builtin_fma(b[i], d[i], c[i]);
}

extern "C" __global__ void stream_3pt(double* a, const double* __restrict__ b, unsigned count) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= static_cast<int>(count) - 1 || i == 0) return;
  a[i] = __builtin_fma(0.5, b[i + 1], __builtin_fma(-1.0, b[i], 0.5 * b[i - 1]));
}

extern "C" __global__ void stream_5pt(double* a, const double* __restrict__ b, unsigned count) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= static_cast<int>(count) - 2 || i < 2) return;
  const double left = __builtin_fma(0.25, b[i - 1], 0.25 * b[i - 2]);
  a[i] = __builtin_fma(0.5, b[i + 2], __builtin_fma(0.5, b[i + 1], __builtin_fma(-1.0, b[i], left)));
}
