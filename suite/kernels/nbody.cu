// Gravitation of all bodies on each: positions pass through shared memory a block's worth at a time.
#include "device.h"

constexpr int kThreads = 64;

// body.xyz is the place, body.w the mass; count is a multiple of 64; acceleration.w is 0.
extern "C" __global__ void __launch_bounds__(kThreads)
    nbody_acceleration(const float4* body, float4* acceleration, int count, float softening2) {
  __shared__ float4 tile[kThreads];
  const int i = blockIdx.x * kThreads + threadIdx.x;
  const float4 here = body[i];
  float ax = 0;
  float ay = 0;
  float az = 0;
  for (int first = 0; first < count; first += kThreads) {
    tile[threadIdx.x] = body[first + threadIdx.x];
    __syncthreads();
#pragma unroll 8
    for (int j = 0; j < kThreads; ++j) {
      const float4 there = tile[j];
      const float dx = there.x - here.x;
      const float dy = there.y - here.y;
      const float dz = there.z - here.z;
      const float distance2 =
          __builtin_fmaf(dx, dx, __builtin_fmaf(dy, dy, __builtin_fmaf(dz, dz, softening2)));
      const float inverse = fast_rsqrt(distance2);
      const float weight = there.w * inverse * inverse * inverse;
      ax = __builtin_fmaf(dx, weight, ax);
      ay = __builtin_fmaf(dy, weight, ay);
      az = __builtin_fmaf(dz, weight, az);
    }
    __syncthreads();
  }
  acceleration[i] = float4{ax, ay, az, 0};
}
