// SPDX-License-Identifier: Apache-2.0
// The Mandelbrot set in four arithmetics, in Mpix/s.
#include <cmath>
#include <cstdint>

#include "half.h"
#include "kernels.h"
#include "tests.h"
#include "timed.h"

namespace doppel::suite {

namespace {

constexpr int kWidth = 1024;
constexpr int kHeight = 1024;
constexpr int kLimit = 256;
constexpr int kCheckedRowStep = 64;
constexpr int kFractionBits = 25;

// Steps until |z| > 2 with the arithmetic given, written as kernels/mandelbrot.cu has it.
template <class T, class Arithmetic>
int steps(T cx, T cy, const Arithmetic& arithmetic) {
  T x = 0;
  T y = 0;
  int count = 0;
  while (count < kLimit) {
    const T xx = arithmetic.multiply(x, x);
    const T yy = arithmetic.multiply(y, y);
    if (arithmetic.outside(xx, yy)) break;
    y = arithmetic.twice_product_plus(x, y, cy);
    x = arithmetic.subtract_add(xx, yy, cx);
    ++count;
  }
  return count;
}

template <class Real>
struct Binary {
  Real multiply(Real a, Real b) const { return a * b; }
  bool outside(Real xx, Real yy) const { return xx + yy > Real(4); }
  Real twice_product_plus(Real x, Real y, Real c) const { return std::fma(x + x, y, c); }
  Real subtract_add(Real xx, Real yy, Real c) const { return (xx - yy) + c; }
};

struct Half {
  double multiply(double a, double b) const { return to_half(a * b); }
  bool outside(double xx, double yy) const { return !(to_half(xx + yy) <= 4); }
  double twice_product_plus(double x, double y, double c) const { return to_half(to_half(x + x) * y + c); }
  double subtract_add(double xx, double yy, double c) const { return to_half(to_half(xx - yy) + c); }
};

struct Fixed {
  int multiply(int a, int b) const {
    return static_cast<int>((static_cast<std::int64_t>(a) * b) >> kFractionBits);
  }
  bool outside(int xx, int yy) const { return xx + yy > (4 << kFractionBits); }
  int twice_product_plus(int x, int y, int c) const { return 2 * multiply(x, y) + c; }
  int subtract_add(int xx, int yy, int c) const { return xx - yy + c; }
};

// Draws once with the kernel, checks every 64th row against expected(px, py).
template <class Expected, class... Arguments>
Result draw(const char* kernel_name, unsigned pixels_per_thread, Expected expected, Arguments... arguments) {
  const host::Module module(kMandelbrotPtx);
  const host::Buffer<unsigned short> pixels(std::size_t{kWidth} * kHeight);
  const host::Extent block{32, 8};
  const host::Extent grid{kWidth / block.x / pixels_per_thread, kHeight / block.y};
  const CUfunction kernel = module.kernel(kernel_name);

  Result result;
  result.time_us = timed_us(
      [&] { host::launch(kernel, grid, block, pixels.address(), kWidth, kHeight, kLimit, arguments...); });
  const std::vector<unsigned short> drawn = pixels.download();
  result.correct = true;
  for (int py = 0; py < kHeight; py += kCheckedRowStep) {
    for (int px = 0; px < kWidth; ++px) {
      if (drawn[static_cast<std::size_t>(py) * kWidth + static_cast<std::size_t>(px)] != expected(px, py)) {
        result.correct = false;
      }
    }
  }
  result.value = static_cast<double>(drawn.size()) / result.time_us;
  result.unit = "Mpix/s";
  result.kernel = kernel_name;
  result.detail = "1024x1024 pixels, at most 256 steps";
  return result;
}

template <class Real>
int expected_binary(int px, int py) {
  const Real cx = std::fma(static_cast<Real>(px), Real(2.5) / Real(kWidth), Real(-2));
  const Real cy = std::fma(static_cast<Real>(py), Real(2.5) / Real(kHeight), Real(-1.25));
  return steps(cx, cy, Binary<Real>{});
}

Result fp32(const host::Card& /*card*/) { return draw("mandelbrot_fp32", 1, expected_binary<float>); }

Result fp64(const host::Card& /*card*/) { return draw("mandelbrot_fp64", 1, expected_binary<double>); }

Result fp16(const host::Card& /*card*/) {
  constexpr float kScale = 2.5F / 1024;
  const auto expected = [](int px, int py) {
    const double cx = to_half(static_cast<double>(static_cast<float>(px) * kScale - 2.0F));
    const double cy = to_half(static_cast<double>(static_cast<float>(py) * kScale - 1.25F));
    return steps(cx, cy, Half{});
  };
  return draw("mandelbrot_fp16", 2, expected, kScale, kScale);
}

Result int32(const host::Card& /*card*/) {
  constexpr int kStep = 5 << (kFractionBits - 1 - 10);  // 2.5 / 1024
  const auto expected = [](int px, int py) {
    return steps(px * kStep - (2 << kFractionBits), py * kStep - (5 << (kFractionBits - 2)), Fixed{});
  };
  return draw("mandelbrot_int32", 1, expected, kStep, kStep);
}

constexpr std::array kTests{
    Test{"mandelbrot-fp32", "Mandelbrot set, single precision", fp32},
    Test{"mandelbrot-fp64", "Mandelbrot set, double precision", fp64},
    Test{"mandelbrot-fp16", "Mandelbrot set, packed halves", fp16},
    Test{"mandelbrot-int32", "Mandelbrot set, 32-bit fixed point", int32},
};

}  // namespace

std::span<const Test> mandelbrot_tests() { return kTests; }

}  // namespace doppel::suite
