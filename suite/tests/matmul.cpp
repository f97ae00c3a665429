// SPDX-License-Identifier: Apache-2.0
// The tiled matrix product and the naive one.
#include "kernels.h"
#include "matrix.h"
#include "tests.h"
#include "timed.h"

namespace doppel::suite {

namespace {

constexpr int kSize = 512;
constexpr int kTile = 16;
constexpr int kCheckStep = 37;

Result multiply(const char* kernel_name) {
  const host::Module module(kMatmulPtx);
  const CUfunction kernel = module.kernel(kernel_name);
  const std::vector<float> a = small_matrix(kSize, 1);
  const std::vector<float> b = small_matrix(kSize, 2);
  const host::Buffer<float> on_card_a{std::span<const float>(a)};
  const host::Buffer<float> on_card_b{std::span<const float>(b)};
  const host::Buffer<float> product(a.size());

  Result result;
  result.time_us = timed_us([&] {
    host::launch(kernel, {kSize / kTile, kSize / kTile}, {kTile, kTile}, on_card_a.address(),
                 on_card_b.address(), product.address(), kSize);
  });
  const std::vector<float> c = product.download();
  result.correct = true;
  for (int row = 0; row < kSize; row += kCheckStep) {
    for (int column = 0; column < kSize; ++column) {
      const float stored = c[static_cast<std::size_t>(row) * kSize + static_cast<std::size_t>(column)];
      if (stored != product_element(a, b, kSize, row, column)) result.correct = false;
    }
  }
  result.value = 2.0 * kSize * kSize * kSize / result.time_us * 1e-3;
  result.unit = "GFLOP/s";
  result.kernel = kernel_name;
  result.detail = "512x512 matrices, blocks of 16x16 threads";
  return result;
}

constexpr std::array kTests{
    Test{"sgemm-tiled", "matrix product through 16x16 tiles",
         [](const host::Card&) { return multiply("sgemm_tiled"); }},
    Test{"sgemm-naive", "matrix product from global memory",
         [](const host::Card&) { return multiply("sgemm_naive"); }},
};

}  // namespace

std::span<const Test> matmul_tests() { return kTests; }

}  // namespace doppel::suite
