// SPDX-License-Identifier: Apache-2.0
// A stencil and Fourier transforms.
#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

#include "kernels.h"
#include "tests.h"
#include "timed.h"

namespace doppel::suite {

namespace {

constexpr float kMiddle = 0.5F;
constexpr float kBeside = 0.125F;

void step(const host::Module& module, const host::Buffer<float>& in, const host::Buffer<float>& out, int n) {
  const auto size = static_cast<unsigned>(n);
  host::launch(module.kernel("stencil"), {size / 32, size / 8}, {32, 8}, in.address(), out.address(), n,
               kMiddle, kBeside);
}

Result stencil(const host::Card& /*card*/) {
  constexpr int kSize = 384;
  constexpr std::size_t kCells = static_cast<std::size_t>(kSize) * kSize * kSize;
  const host::Module module(kSciencePtx);
  host::Buffer<float> in(kCells);
  in.clear();
  const host::Buffer<float> out(kCells);
  Result result;
  result.time_us = timed_us([&] { step(module, in, out, kSize); });
  result.value = static_cast<double>(kCells) / result.time_us;
  result.unit = "Mcell/s";
  result.kernel = "stencil";
  result.detail = "seven points of 384x384x384 floats, one step";
  return result;
}

bool steps_right(const host::Card& /*card*/) {
  constexpr int kSize = 64;
  const host::Module module(kSciencePtx);
  std::vector<float> cells(static_cast<std::size_t>(kSize) * kSize * kSize);
  for (std::size_t i = 0; i < cells.size(); ++i) cells[i] = static_cast<float>(i * 2654435761U >> 8U & 63U);
  const host::Buffer<float> in{std::span<const float>(cells)};
  host::Buffer<float> out(cells.size());
  out.clear();
  step(module, in, out, kSize);
  const std::vector<float> stored = out.download();
  const auto cell = [&](int x, int y, int z) {
    return cells[static_cast<std::size_t>((z * kSize + y) * kSize + x)];
  };
  for (int z = 0; z < kSize; ++z) {
    for (int y = 0; y < kSize; ++y) {
      for (int x = 0; x < kSize; ++x) {
        const bool edge = std::min({x, y, z}) == 0 || std::max({x, y, z}) == kSize - 1;
        // Sums of small whole numbers: exact.
        const float expected =
            edge ? 0
                 : kMiddle * cell(x, y, z) +
                       kBeside * (cell(x - 1, y, z) + cell(x + 1, y, z) + cell(x, y - 1, z) +
                                  cell(x, y + 1, z) + cell(x, y, z - 1) + cell(x, y, z + 1));
        if (stored[static_cast<std::size_t>((z * kSize + y) * kSize + x)] != expected) return false;
      }
    }
  }
  return true;
}

constexpr std::size_t kPoints = 1024;  // kernels/science.cu
using Complex = std::complex<float>;

std::vector<Complex> turns() {
  std::vector<Complex> out(kPoints);
  for (std::size_t k = 0; k < kPoints; ++k)
    out[k] = Complex(std::polar(1.0, -2 * std::numbers::pi * static_cast<double>(k) / kPoints));
  return out;
}

Result fft(const host::Card& card) {
  const host::Module module(kSciencePtx);
  const unsigned transforms = card.multiprocessors() * 96;
  host::Buffer<Complex> in(transforms * kPoints);
  in.clear();
  const host::Buffer<Complex> out(transforms * kPoints);
  const host::Buffer<Complex> factors{std::span<const Complex>(turns())};
  Result result;
  result.time_us = timed_us([&] {
    host::launch(module.kernel("fft"), {transforms}, {kPoints / 4}, in.address(), out.address(),
                 factors.address());
  });
  result.value = 5.0 * kPoints * 10 * transforms / result.time_us * 1e-3;
  result.unit = "GFLOP/s";
  result.kernel = "fft";
  result.detail =
      std::to_string(transforms) + " transforms of 1024 complex numbers, 5 n log2(n) operations each";
  return result;
}

bool transforms_right(const host::Card& /*card*/) {
  const host::Module module(kSciencePtx);
  std::vector<Complex> numbers(2 * kPoints);
  for (std::size_t i = 0; i < numbers.size(); ++i)
    numbers[i] = {static_cast<float>(i * 37 % 101) - 50, static_cast<float>(i * 53 % 97) - 48};
  const host::Buffer<Complex> in{std::span<const Complex>(numbers)};
  const host::Buffer<Complex> out(numbers.size());
  const host::Buffer<Complex> factors{std::span<const Complex>(turns())};
  host::launch(module.kernel("fft"), {2}, {kPoints / 4}, in.address(), out.address(), factors.address());
  const std::vector<Complex> stored = out.download();
  for (std::size_t k = 0; k < kPoints; k += 41) {
    std::complex<double> sum = 0;
    for (std::size_t i = 0; i < kPoints; ++i) {
      sum += std::complex<double>(numbers[kPoints + i]) *
             std::polar(1.0, -2 * std::numbers::pi * static_cast<double>(i * k % kPoints) / kPoints);
    }
    if (!(std::abs(std::complex<double>(stored[kPoints + k]) - sum) < 0.05)) return false;
  }
  return true;
}

constexpr std::array kTests{
    Test{"stencil", "seven points in three dimensions", stencil, steps_right},
    Test{"fft", "Fourier transforms", fft, transforms_right},
};

}  // namespace

std::span<const Test> science_tests() { return kTests; }

}  // namespace doppel::suite
