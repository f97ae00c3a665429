// SPDX-License-Identifier: Apache-2.0
#include "turn_opencl.h"

#include <array>
#include <cstdio>
#include <string>

#include "opencl_device.h"
#include "repeats.h"

namespace bench {
namespace {

// The sampler stands in the program, where the compiler sees it.
const char* const kSource = R"cl(
const sampler_t between = NORMALIZED | BEYOND | FILTER;
#define AT(side, scale)                                                           \
  int px = get_global_id(0), py = get_global_id(1);                               \
  float middle = 0.5f * (float)side;                                              \
  float x = (float)px - middle, y = (float)py - middle;                           \
  float2 at = (float2)((cosine * x - sine * y + middle) * scale, (sine * x + cosine * y + middle) * scale)
__kernel void turn_image(__global float4* out, __read_only image2d_t image, int side, float cosine, float sine,
                         float scale) {
  AT(side, scale);
  out[py * side + px] = read_imagef(image, between, at);
}
__kernel void turn_floats(__global float* out, __read_only image2d_t image, int side, float cosine, float sine,
                          float scale) {
  AT(side, scale);
  out[py * side + px] = read_imagef(image, between, at).x;
}
__kernel void turn_layers(__global float4* out, __read_only image2d_array_t image, int side, float cosine,
                          float sine, float scale) {
  AT(side, scale);
  out[py * side + px] = read_imagef(image, between, (float4)(at, (float)(px / 16 % 4), 0));
}
__kernel void turn_volume(__global float4* out, __read_only image3d_t image, int side, float cosine, float sine,
                          float scale) {
  AT(side, scale);
  out[py * side + px] = read_imagef(image, between, (float4)(at, 0.5f * (at.x + at.y), 0));
}
__kernel void turn_floats_of_volume(__global float* out, __read_only image3d_t image, int side, float cosine,
                                    float sine, float scale) {
  AT(side, scale);
  out[py * side + px] = read_imagef(image, between, (float4)(at, 0.5f * (at.x + at.y), 0)).x;
}
)cl";

std::string options_of(const Turn& how) {
  static constexpr std::array kBeyond{"CLK_ADDRESS_CLAMP_TO_EDGE", "CLK_ADDRESS_REPEAT",
                                      "CLK_ADDRESS_MIRRORED_REPEAT", "CLK_ADDRESS_CLAMP"};
  return std::string("-DNORMALIZED=CLK_NORMALIZED_COORDS_") + (how.normalized ? "TRUE" : "FALSE") +
         " -DBEYOND=" + kBeyond[static_cast<std::size_t>(how.beyond)] + " -DFILTER=CLK_FILTER_" +
         (how.linear ? "LINEAR" : "NEAREST");
}

const char* kernel_of(const Turn& how) {
  const bool alone = how.components() == 1;
  if (how.depth != 0) return alone ? "turn_floats_of_volume" : "turn_volume";
  if (how.layers != 0) return "turn_layers";
  return alone ? "turn_floats" : "turn_image";
}

cl_mem image_of(const Device& device, const Turn& how, std::size_t side) {
  const cl_channel_order order = how.components() == 1 ? CL_R : CL_RGBA;
  const cl_image_format format{
      order, static_cast<cl_channel_type>(how.texels == Texels::Bytes4 ? CL_UNORM_INT8 : CL_FLOAT)};
  cl_image_desc shape{};
  shape.image_type = how.depth != 0    ? CL_MEM_OBJECT_IMAGE3D
                     : how.layers != 0 ? CL_MEM_OBJECT_IMAGE2D_ARRAY
                                       : CL_MEM_OBJECT_IMAGE2D;
  shape.image_width = shape.image_height = how.width(side);
  shape.image_depth = how.depth;
  shape.image_array_size = how.layers;
  std::vector<unsigned char> texels = texels_of(how, side);
  cl_int status = CL_SUCCESS;
  cl_mem image = clCreateImage(device.context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR, &format, &shape,
                               texels.data(), &status);
  check(status, "clCreateImage");
  return image;
}

}  // namespace

void turn(const Turn& how, int size) {
  const Device device(kSource, options_of(how));
  const auto side = static_cast<std::size_t>(size);
  cl_kernel kernel = device.kernel(kernel_of(how));
  std::vector<float> values(side * side * how.components());
  cl_mem out = device.buffer(values);
  argument(kernel, 0, out);
  argument(kernel, 1, image_of(device, how, side));
  argument(kernel, 2, size);
  argument(kernel, 3, kCosine);
  argument(kernel, 4, kSine);
  argument(kernel, 5, how.normalized ? 1.0F / static_cast<float>(size) : 1.0F);
  const std::size_t global[2] = {side, side};
  const std::size_t local[2] = {16, 16};
  const auto repeat = [&] { device.run(kernel, 2, global, local); };
  repeat();
  const double best = smallest_seconds([&] { return processor_seconds(repeat); });
  device.read(out, values.size() * sizeof(float), values.data());
  std::printf("{\"work\":\"%s\",\"seconds\":%.6g,\"rate\":%.6g,\"unit\":\"Gpixel/s\",\"correct\":%s}\n",
              how.work, best, static_cast<double>(side * side) * 1e-9 / best,
              is_mean_of_turned(how, side, values) ? "true" : "false");
}

}  // namespace bench
