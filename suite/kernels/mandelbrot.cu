// The Mandelbrot set in four arithmetics. A pixel's value is the number of steps until |z| > 2, at most
// `limit`. The frame is real -2 … 0.5, imaginary -1.25 … 1.25; every operation is written out so that a host
// can repeat it exactly.
#include "device.h"

__device__ inline float multiply_add(float x, float a, float b) { return __builtin_fmaf(x, a, b); }
__device__ inline double multiply_add(double x, double a, double b) { return __builtin_fma(x, a, b); }

template <class Real>
__device__ inline void draw(unsigned short* pixels, int width, int height, int limit) {
  const int px = blockIdx.x * blockDim.x + threadIdx.x;
  const int py = blockIdx.y * blockDim.y + threadIdx.y;
  if (px >= width || py >= height) return;
  const Real cx = multiply_add(static_cast<Real>(px), Real(2.5) / static_cast<Real>(width), Real(-2));
  const Real cy = multiply_add(static_cast<Real>(py), Real(2.5) / static_cast<Real>(height), Real(-1.25));
  Real x = 0;
  Real y = 0;
  int steps = 0;
  while (steps < limit) {
    const Real xx = x * x;
    const Real yy = y * y;
    if (xx + yy > Real(4)) break;
    y = multiply_add(x + x, y, cy);
    x = (xx - yy) + cx;
    ++steps;
  }
  pixels[py * width + px] = static_cast<unsigned short>(steps);
}

extern "C" __global__ void mandelbrot_fp32(unsigned short* pixels, int width, int height, int limit) {
  draw<float>(pixels, width, height, limit);
}

extern "C" __global__ void mandelbrot_fp64(unsigned short* pixels, int width, int height, int limit) {
  draw<double>(pixels, width, height, limit);
}

// Two neighbouring pixels a thread, one in each half of a register; scales are powers of two, exact in
// halves.
extern "C" __global__ void mandelbrot_fp16(unsigned short* pixels, int width, int height, int limit,
                                           float scale_x, float scale_y) {
  const int px = 2 * (blockIdx.x * blockDim.x + threadIdx.x);
  const int py = blockIdx.y * blockDim.y + threadIdx.y;
  if (px >= width || py >= height) return;
  const half2 cx = {static_cast<_Float16>(static_cast<float>(px) * scale_x - 2.0F),
                    static_cast<_Float16>(static_cast<float>(px + 1) * scale_x - 2.0F)};
  const _Float16 imaginary = static_cast<_Float16>(static_cast<float>(py) * scale_y - 1.25F);
  const half2 cy = {imaginary, imaginary};
  half2 x = {0, 0};
  half2 y = {0, 0};
  int first = 0;
  int second = 0;
  for (int step = 0; step < limit; ++step) {
    const half2 xx = x * x;
    const half2 yy = y * y;
    const half2 square = xx + yy;
    const bool first_inside = square.x <= static_cast<_Float16>(4);
    const bool second_inside = square.y <= static_cast<_Float16>(4);
    if (!first_inside && !second_inside) break;
    first += first_inside;
    second += second_inside;
    y = __builtin_elementwise_fma(x + x, y, cy);
    x = (xx - yy) + cx;
  }
  pixels[py * width + px] = static_cast<unsigned short>(first);
  pixels[py * width + px + 1] = static_cast<unsigned short>(second);
}

// Fixed point: 25 bits after the point leave |z|^2 up to 64 without overflow, enough for one step beyond |z|
// = 2.
constexpr int kFractionBits = 25;

__device__ inline int multiply_fixed(int a, int b) {
  return static_cast<int>((static_cast<long long>(a) * b) >> kFractionBits);
}

extern "C" __global__ void mandelbrot_int32(unsigned short* pixels, int width, int height, int limit,
                                            int step_x, int step_y) {
  const int px = blockIdx.x * blockDim.x + threadIdx.x;
  const int py = blockIdx.y * blockDim.y + threadIdx.y;
  if (px >= width || py >= height) return;
  const int cx = px * step_x - (2 << kFractionBits);
  const int cy = py * step_y - (5 << (kFractionBits - 2));
  int x = 0;
  int y = 0;
  int steps = 0;
  while (steps < limit) {
    const int xx = multiply_fixed(x, x);
    const int yy = multiply_fixed(y, y);
    if (xx + yy > (4 << kFractionBits)) break;
    y = 2 * multiply_fixed(x, y) + cy;
    x = xx - yy + cx;
    ++steps;
  }
  pixels[py * width + px] = static_cast<unsigned short>(steps);
}
