#include "device.h"

// One step of bodies that pull each other. place.xyz is where a body is, place.w its mass.
extern "C" __global__ void step(const float4* place, float4* next_place, float4* velocity, int count,
                                float dt) {
  __shared__ float4 tile[128];
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  const float4 here = place[i];
  float4 pull = {0, 0, 0, 0};
  for (int first = 0; first < count; first += 128) {
    tile[threadIdx.x] = place[first + threadIdx.x];
    __syncthreads();
    for (int j = 0; j < 128; ++j) {
      const float4 d = tile[j] - here;
      const float inverse = fast_rsqrt(d.x * d.x + d.y * d.y + d.z * d.z + 1e-4F);
      pull += d * (tile[j].w * inverse * inverse * inverse);
    }
    __syncthreads();
  }
  float4 speed = velocity[i];
  speed += pull * dt;
  velocity[i] = speed;
  float4 there = here + speed * dt;
  there.w = here.w;
  next_place[i] = there;
}
