// Streams through memory, one element of 8 bytes a thread.
#include "device.h"

extern "C" __global__ void stream_init(double* a, double value, unsigned count) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) a[i] = value;
}

// Writes only where `never` is found, so that the loads stay and no store happens.
extern "C" __global__ void stream_read(double* a, double* found, double never, unsigned count) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count && a[i] == never) *found = a[i];
}

extern "C" __global__ void stream_scale(double* a, const double* b, double factor, unsigned count) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) a[i] = b[i] * factor;
}

// The same out of memory that is not the card's own, under a name of its own: records tell kernels by it.
extern "C" __global__ void stream_far(double* a, const double* b, double factor, unsigned count) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) a[i] = b[i] * factor;
}

extern "C" __global__ void stream_triad(double* a, const double* b, const double* c, const double* d,
                                        unsigned count) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) a[i] = __builtin_fma(b[i], c[i], d[i]);
}
