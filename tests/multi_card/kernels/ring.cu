// SPDX-License-Identifier: Apache-2.0
// What a card does in one step of a ring: it sends on what it has, and adds its own part on the first way
// round.
#include "device.h"

extern "C" __global__ void send(const float4* from, float4* to, unsigned count) {
  for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x)
    to[i] = from[i];
}

extern "C" __global__ void add_and_send(const float4* own, const float4* received, float4* to,
                                        unsigned count) {
  for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x)
    to[i] = own[i] + received[i];
}

// The sum is complete: it is kept as well.
extern "C" __global__ void add_keep_and_send(const float4* own, const float4* received, float4* kept,
                                             float4* to, unsigned count) {
  for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
    const float4 sum = own[i] + received[i];
    kept[i] = sum;
    to[i] = sum;
  }
}
