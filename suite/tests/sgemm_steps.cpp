// SPDX-License-Identifier: Apache-2.0
// Six steps of an optimised matrix product, in the order and after the descriptions of truth/sgemm-a6000.csv.
// DOPPEL_SUITE_SGEMM_SIZE sets the matrices' size (a multiple of 128; the published figures are for 4096).
#include <cstdlib>

#include "kernels.h"
#include "matrix.h"
#include "tests.h"
#include "timed.h"

namespace doppel::suite {

namespace {

constexpr int kDefaultSize = 1024;
constexpr int kMultiple = 128;
constexpr int kPublishedSize = 4096;
constexpr int kCheckStep = 97;

struct Step {
  const char* kernel;
  unsigned tile;  // rows and columns of C a block
  host::Extent block;
  double published_gflops;  // truth/sgemm-a6000.csv
};

constexpr std::array kSteps{
    Step{"sgemm_step_1", 32, {32, 32}, 309.0}, Step{"sgemm_step_2", 32, {1024}, 1986.5},
    Step{"sgemm_step_3", 32, {1024}, 2980.3},  Step{"sgemm_step_4", 64, {512}, 8474.7},
    Step{"sgemm_step_5", 128, {256}, 15971.7}, Step{"sgemm_step_6", 128, {256}, 18237.3},
};

int size_from_environment() {
  const char* text = std::getenv("DOPPEL_SUITE_SGEMM_SIZE");
  if (text == nullptr) return kDefaultSize;
  char* end = nullptr;
  const long size = std::strtol(text, &end, 10);
  if (end == text || *end != '\0' || size < kMultiple || size > 32768 || size % kMultiple != 0) {
    throw std::runtime_error(std::string("DOPPEL_SUITE_SGEMM_SIZE is '") + text +
                             "', expected a multiple of 128 from 128 to 32768");
  }
  return static_cast<int>(size);
}

template <std::size_t Index>
Result run(const host::Card& /*card*/) {
  constexpr float kAlpha = 2.0F;
  constexpr float kBeta = 0.5F;
  const Step& step = kSteps[Index];
  const int n = size_from_environment();
  const host::Module module(kSgemmStepsPtx);
  const CUfunction kernel = module.kernel(step.kernel);
  const std::vector<float> a = small_matrix(n, 1);
  const std::vector<float> b = small_matrix(n, 2);
  const std::vector<float> c = small_matrix(n, 3);
  const host::Buffer<float> on_card_a{std::span<const float>(a)};
  const host::Buffer<float> on_card_b{std::span<const float>(b)};
  const host::Buffer<float> on_card_c{std::span<const float>(c)};
  const unsigned blocks = static_cast<unsigned>(n) / step.tile;

  Result result;
  result.time_us = timed_us([&] {
    host::launch(kernel, {blocks, blocks}, step.block, on_card_a.address(), on_card_b.address(),
                 on_card_c.address(), n, kAlpha, kBeta);
  });
  const std::vector<float> stored = on_card_c.download();
  result.correct = true;
  for (int row = 0; row < n; row += kCheckStep) {
    for (int column = 0; column < n; ++column) {
      const std::size_t place =
          static_cast<std::size_t>(row) * static_cast<std::size_t>(n) + static_cast<std::size_t>(column);
      const float expected = kAlpha * product_element(a, b, n, row, column) + kBeta * c[place];
      if (stored[place] != expected) result.correct = false;
    }
  }
  result.value = 2.0 * n * n * n / result.time_us * 1e-3;
  result.unit = "GFLOP/s";
  result.detail = std::to_string(n) + "x" + std::to_string(n) + " matrices";
  if (n == kPublishedSize) {
    result.published = step.published_gflops;
    result.published_card = "RTX A6000";
    result.published_note = "truth/sgemm-a6000.csv";
  }
  return result;
}

constexpr std::array kTests{
    Test{"sgemm-step-1", "matrix product: naive, uncoalesced", run<0>},
    Test{"sgemm-step-2", "matrix product: coalesced", run<1>},
    Test{"sgemm-step-3", "matrix product: shared tiles", run<2>},
    Test{"sgemm-step-4", "matrix product: 8 rows a thread", run<3>},
    Test{"sgemm-step-5", "matrix product: 8x8 elements a thread", run<4>},
    Test{"sgemm-step-6", "matrix product: 128-bit accesses", run<5>},
};

}  // namespace

std::span<const Test> sgemm_step_tests() { return kTests; }

}  // namespace doppel::suite
