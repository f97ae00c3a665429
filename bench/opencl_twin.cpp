// SPDX-License-Identifier: Apache-2.0
// bench-opencl WORK [SIZE]: the OpenCL twins of kernels.cu on the first OpenCL device (PoCL on a host without
// a card), as one JSON line. Works: matmul-tiled, matmul-naive, mandelbrot, saxpy, and those of
// turned_image.h.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "opencl_device.h"
#include "repeats.h"
#include "turn_opencl.h"

namespace {

using bench::argument;

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
)cl";

void run(const std::string& work, int size) {
  if (const bench::Turn* how = bench::find_turn(work.c_str())) return bench::turn(*how, size);
  const bench::Device device(kSource);
  std::string name = work;
  std::replace(name.begin(), name.end(), '-', '_');
  cl_kernel kernel = device.kernel(name.c_str());
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
  const auto repeat = [&] { device.run(kernel, dimensions, global, local); };
  repeat();
  const double best = bench::smallest_seconds([&] { return bench::host_seconds(repeat); });
  if (work == "mandelbrot") {
    std::vector<unsigned> steps(side * side);
    device.read(first, steps.size() * sizeof(unsigned), steps.data());
    amount = 0;
    for (const unsigned one : steps) amount += one * 1e-9;
  }
  std::printf("{\"work\":\"%s\",\"seconds\":%.6g,\"rate\":%.6g,\"unit\":\"%s\",\"correct\":true}\n",
              work.c_str(), best, amount / best, unit);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bench-opencl matmul-tiled|matmul-naive|mandelbrot|saxpy|turn-... [SIZE]\n");
    return 2;
  }
  try {
    const bool is_saxpy = std::strcmp(argv[1], "saxpy") == 0;
    const bool is_picture = std::strcmp(argv[1], "mandelbrot") == 0 || bench::find_turn(argv[1]) != nullptr;
    const int default_size = is_saxpy ? 1 << 24 : is_picture ? 1024 : 512;
    run(argv[1], argc > 2 ? std::atoi(argv[2]) : default_size);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench-opencl: %s\n", error.what());
    return 1;
  }
}
