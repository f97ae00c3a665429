// SPDX-License-Identifier: Apache-2.0
// Images turned by an angle whose sine and cosine are given: `side` by `side` results, each one fetch. Pixels
// times the scale are coordinates of the texture. turn_opencl.cpp has the OpenCL twins.
#include "device.h"

namespace {

struct Place {
  float x, y;
  int px, py, index;
};

__device__ Place turned(int side, float cosine, float sine, float scale) {
  Place place;
  place.px = blockIdx.x * blockDim.x + threadIdx.x;
  place.py = blockIdx.y * blockDim.y + threadIdx.y;
  place.index = place.py * side + place.px;
  const float half = 0.5F * static_cast<float>(side);
  const float x = static_cast<float>(place.px) - half, y = static_cast<float>(place.py) - half;
  place.x = (cosine * x - sine * y + half) * scale;
  place.y = (sine * x + cosine * y + half) * scale;
  return place;
}

__device__ float4 fetch(unsigned long long image, float x, float y) {
  float4 pixel;
  asm("tex.2d.v4.f32.f32 {%0, %1, %2, %3}, [%4, {%5, %6}];"
      : "=f"(pixel.x), "=f"(pixel.y), "=f"(pixel.z), "=f"(pixel.w)
      : "l"(image), "f"(x), "f"(y));
  return pixel;
}

__device__ float4 fetch_of_layer(unsigned long long image, int layer, float x, float y) {
  float4 pixel;
  asm("tex.a2d.v4.f32.f32 {%0, %1, %2, %3}, [%4, {%5, %6, %7, %7}];"
      : "=f"(pixel.x), "=f"(pixel.y), "=f"(pixel.z), "=f"(pixel.w)
      : "l"(image), "r"(layer), "f"(x), "f"(y));
  return pixel;
}

__device__ float4 fetch_of_volume(unsigned long long image, float x, float y, float z) {
  float4 pixel;
  asm("tex.3d.v4.f32.f32 {%0, %1, %2, %3}, [%4, {%5, %6, %7, %7}];"
      : "=f"(pixel.x), "=f"(pixel.y), "=f"(pixel.z), "=f"(pixel.w)
      : "l"(image), "f"(x), "f"(y), "f"(z));
  return pixel;
}

}  // namespace

extern "C" __global__ void turn_image(float4* out, unsigned long long image, int side, float cosine,
                                      float sine, float scale) {
  const Place at = turned(side, cosine, sine, scale);
  out[at.index] = fetch(image, at.x, at.y);
}

extern "C" __global__ void turn_floats(float* out, unsigned long long image, int side, float cosine,
                                       float sine, float scale) {
  const Place at = turned(side, cosine, sine, scale);
  out[at.index] = fetch(image, at.x, at.y).x;
}

extern "C" __global__ void turn_layers(float4* out, unsigned long long image, int side, float cosine,
                                       float sine, float scale) {
  const Place at = turned(side, cosine, sine, scale);
  out[at.index] = fetch_of_layer(image, at.px / 16 % 4, at.x, at.y);
}

extern "C" __global__ void turn_volume(float4* out, unsigned long long image, int side, float cosine,
                                       float sine, float scale) {
  const Place at = turned(side, cosine, sine, scale);
  out[at.index] = fetch_of_volume(image, at.x, at.y, 0.5F * (at.x + at.y));
}

extern "C" __global__ void turn_floats_of_volume(float* out, unsigned long long image, int side, float cosine,
                                                 float sine, float scale) {
  const Place at = turned(side, cosine, sine, scale);
  out[at.index] = fetch_of_volume(image, at.x, at.y, 0.5F * (at.x + at.y)).x;
}
