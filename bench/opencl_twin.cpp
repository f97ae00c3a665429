// SPDX-License-Identifier: Apache-2.0
// bench-opencl WORK [SIZE]: the OpenCL twins of kernels.cu on the first OpenCL device (PoCL on a host without
// a card), as one JSON line. Works: matmul-tiled, matmul-naive, mandelbrot, saxpy, turn-image.
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "image.h"
#include "repeats.h"

namespace {

const char* const kSource = R"cl(
__kernel void saxpy(__global float* y, __global const float* x, float a, uint count) {
  uint i = get_global_id(0);
  if (i < count) y[i] = fma(a, x[i], y[i]);
}
__kernel void matmul_naive(__global const float* a, __global const float* b, __global float* c, int n) {
  int row = get_global_id(1), column = get_global_id(0);
  float sum = 0;
  for (int k = 0; k < n; ++k) sum = fma(a[row * n + k], b[k * n + column], sum);
  c[row * n + column] = sum;
}
__kernel void matmul_tiled(__global const float* a, __global const float* b, __global float* c, int n) {
  __local float tile_a[16][16];
  __local float tile_b[16][16];
  int tx = get_local_id(0), ty = get_local_id(1);
  int row = get_global_id(1), column = get_global_id(0);
  float sum = 0;
  for (int k = 0; k < n; k += 16) {
    tile_a[ty][tx] = a[row * n + k + tx];
    tile_b[ty][tx] = b[(k + ty) * n + column];
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int i = 0; i < 16; ++i) sum = fma(tile_a[ty][i], tile_b[i][tx], sum);
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  c[row * n + column] = sum;
}
__kernel void mandelbrot(__global uint* steps_of, int size, int limit) {
  int px = get_global_id(0), py = get_global_id(1);
  float cx = -2.0f + 2.5f * (float)px / (float)size;
  float cy = -1.25f + 2.5f * (float)py / (float)size;
  float x = 0, y = 0;
  int steps = 0;
  while (steps < limit) {
    float xx = x * x, yy = y * y;
    if (xx + yy > 4.0f) break;
    y = 2 * x * y + cy;
    x = xx - yy + cx;
    ++steps;
  }
  steps_of[py * size + px] = steps;
}
__kernel void turn_image(__global float4* out, __read_only image2d_t image, int side, float cosine, float sine) {
  const sampler_t between = CLK_NORMALIZED_COORDS_FALSE | CLK_ADDRESS_CLAMP_TO_EDGE | CLK_FILTER_LINEAR;
  int px = get_global_id(0), py = get_global_id(1);
  float middle = 0.5f * (float)side;
  float x = (float)px - middle, y = (float)py - middle;
  float2 at = (float2)(cosine * x - sine * y + middle, sine * x + cosine * y + middle);
  out[py * side + px] = read_imagef(image, between, at);
}
)cl";

void check(cl_int status, const char* call) {
  if (status != CL_SUCCESS) throw std::runtime_error(std::string(call) + ": error " + std::to_string(status));
}

struct Device {
  cl_device_id device = nullptr;
  cl_context context = nullptr;
  cl_command_queue queue = nullptr;
  cl_program program = nullptr;

  Device() {
    cl_platform_id platform = nullptr;
    cl_int status = CL_SUCCESS;
    check(clGetPlatformIDs(1, &platform, nullptr), "clGetPlatformIDs");
    check(clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &device, nullptr), "clGetDeviceIDs");
    context = clCreateContext(nullptr, 1, &device, nullptr, nullptr, &status);
    check(status, "clCreateContext");
    queue = clCreateCommandQueue(context, device, 0, &status);
    check(status, "clCreateCommandQueue");
    const char* source = kSource;
    program = clCreateProgramWithSource(context, 1, &source, nullptr, &status);
    check(status, "clCreateProgramWithSource");
    check(clBuildProgram(program, 1, &device, "", nullptr, nullptr), "clBuildProgram");
  }

  cl_mem buffer(std::vector<float>& from) const {
    cl_int status = CL_SUCCESS;
    cl_mem memory = clCreateBuffer(context, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR,
                                   from.size() * sizeof(float), from.data(), &status);
    check(status, "clCreateBuffer");
    return memory;
  }
};

double seconds_of(const Device& device, cl_kernel kernel, cl_uint dimensions, const std::size_t* global,
                  const std::size_t* local) {
  const auto begin = std::chrono::steady_clock::now();
  check(clEnqueueNDRangeKernel(device.queue, kernel, dimensions, nullptr, global, local, 0, nullptr, nullptr),
        "clEnqueueNDRangeKernel");
  check(clFinish(device.queue), "clFinish");
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

template <class T>
void argument(cl_kernel kernel, cl_uint index, const T& value) {
  check(clSetKernelArg(kernel, index, sizeof value, &value), "clSetKernelArg");
}

void turn_image(int size) {
  const Device device;
  const auto side = static_cast<std::size_t>(size);
  cl_int status = CL_SUCCESS;
  cl_kernel kernel = clCreateKernel(device.program, "turn_image", &status);
  check(status, "clCreateKernel");
  std::vector<unsigned char> pixels = bench::image(side);
  const cl_image_format format{CL_RGBA, CL_UNORM_INT8};
  cl_image_desc shape{};
  shape.image_type = CL_MEM_OBJECT_IMAGE2D;
  shape.image_width = shape.image_height = side;
  cl_mem image = clCreateImage(device.context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR, &format, &shape,
                               pixels.data(), &status);
  check(status, "clCreateImage");
  std::vector<float> values(side * side * 4);
  cl_mem out = device.buffer(values);
  argument(kernel, 0, out);
  argument(kernel, 1, image);
  argument(kernel, 2, size);
  argument(kernel, 3, bench::kCosine);
  argument(kernel, 4, bench::kSine);
  const std::size_t global[2] = {side, side};
  const std::size_t local[2] = {16, 16};
  seconds_of(device, kernel, 2, global, local);
  const double best = bench::smallest_seconds([&] { return seconds_of(device, kernel, 2, global, local); });
  check(clEnqueueReadBuffer(device.queue, out, CL_TRUE, 0, values.size() * sizeof(float), values.data(), 0,
                            nullptr, nullptr),
        "clEnqueueReadBuffer");
  double sum = 0;
  for (const float each : values) sum += static_cast<double>(each);
  const bool correct = bench::is_mean_of_image(sum / static_cast<double>(values.size()));
  std::printf(
      "{\"work\":\"turn-image\",\"seconds\":%.6g,\"rate\":%.6g,\"unit\":\"Gpixel/s\",\"correct\":%s}\n", best,
      static_cast<double>(side * side) * 1e-9 / best, correct ? "true" : "false");
}

void run(const std::string& work, int size) {
  if (work == "turn-image") return turn_image(size);
  const Device device;
  std::string name = work;
  std::replace(name.begin(), name.end(), '-', '_');
  cl_int status = CL_SUCCESS;
  cl_kernel kernel = clCreateKernel(device.program, name.c_str(), &status);
  check(status, "clCreateKernel");
  const std::size_t side = static_cast<std::size_t>(size);
  const bool is_saxpy = work == "saxpy";
  std::vector<float> values(is_saxpy ? side : side * side, 1.0F);
  cl_mem first = device.buffer(values);
  cl_mem second = device.buffer(values);
  cl_mem third = device.buffer(values);
  const std::size_t global[2] = {side, side};
  const std::size_t square[2] = {16, 16};
  const std::size_t wide[2] = {32, 8};
  const std::size_t line[1] = {256};
  const std::size_t* local = is_saxpy ? line : work == "mandelbrot" ? wide : square;
  double amount = 2.0 * size * size * size * 1e-9;
  const char* unit = "GFLOP/s";
  if (is_saxpy) {
    argument(kernel, 0, first);
    argument(kernel, 1, second);
    argument(kernel, 2, 0.5F);
    argument(kernel, 3, static_cast<cl_uint>(size));
    amount = 12.0 * size * 1e-9;
    unit = "GB/s";
  } else if (work == "mandelbrot") {
    argument(kernel, 0, first);
    argument(kernel, 1, size);
    argument(kernel, 2, 256);
    unit = "Giteration/s";
  } else {
    argument(kernel, 0, first);
    argument(kernel, 1, second);
    argument(kernel, 2, third);
    argument(kernel, 3, size);
  }
  const cl_uint dimensions = is_saxpy ? 1 : 2;
  seconds_of(device, kernel, dimensions, global, local);
  const double best =
      bench::smallest_seconds([&] { return seconds_of(device, kernel, dimensions, global, local); });
  if (work == "mandelbrot") {
    std::vector<unsigned> steps(side * side);
    check(clEnqueueReadBuffer(device.queue, first, CL_TRUE, 0, steps.size() * sizeof(unsigned), steps.data(),
                              0, nullptr, nullptr),
          "clEnqueueReadBuffer");
    amount = 0;
    for (const unsigned one : steps) amount += one * 1e-9;
  }
  std::printf("{\"work\":\"%s\",\"seconds\":%.6g,\"rate\":%.6g,\"unit\":\"%s\",\"correct\":true}\n",
              work.c_str(), best, amount / best, unit);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr,
                 "usage: bench-opencl matmul-tiled|matmul-naive|mandelbrot|saxpy|turn-image [SIZE]\n");
    return 2;
  }
  try {
    const bool is_saxpy = std::strcmp(argv[1], "saxpy") == 0;
    const bool is_picture =
        std::strcmp(argv[1], "mandelbrot") == 0 || std::strcmp(argv[1], "turn-image") == 0;
    const int default_size = is_saxpy ? 1 << 24 : is_picture ? 1024 : 512;
    run(argv[1], argc > 2 ? std::atoi(argv[2]) : default_size);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench-opencl: %s\n", error.what());
    return 1;
  }
}
