// SPDX-License-Identifier: Apache-2.0
// Six steps of an optimised matrix product, in the order and after the descriptions of truth/sgemm-a6000.csv.
// Their times are of the size of the published figures, 4096 (DOPPEL_SUITE_SGEMM_SIZE sets another, a
// multiple of 128); their answers are checked at a size that a host can wait for.
#include <cstdlib>

#include "kernels.h"
#include "matrix.h"
#include "tests.h"
#include "timed.h"

namespace doppel::suite {

namespace {

constexpr int kMultiple = 128;
constexpr int kPublishedSize = 4096;
constexpr int kCheckSize = 384;
constexpr int kCheckStep = 29;
constexpr float kAlpha = 2.0F;
constexpr float kBeta = 0.5F;

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
  if (text == nullptr) return kPublishedSize;
  char* end = nullptr;
  const long size = std::strtol(text, &end, 10);
  if (end == text || *end != '\0' || size < kMultiple || size > 32768 || size % kMultiple != 0) {
    throw std::runtime_error(std::string("DOPPEL_SUITE_SGEMM_SIZE is '") + text +
                             "', expected a multiple of 128 from 128 to 32768");
  }
  return static_cast<int>(size);
}

void launch(const Step& step, CUfunction kernel, const host::Buffer<float>& a, const host::Buffer<float>& b,
            const host::Buffer<float>& c, int n) {
  const unsigned blocks = static_cast<unsigned>(n) / step.tile;
  host::launch(kernel, {blocks, blocks}, step.block, a.address(), b.address(), c.address(), n, kAlpha, kBeta);
}

template <std::size_t Index>
Result time(const host::Card& /*card*/) {
  const Step& step = kSteps[Index];
  const int n = size_from_environment();
  const host::Module module(kSgemmStepsPtx);
  const CUfunction kernel = module.kernel(step.kernel);
  const std::size_t elements = static_cast<std::size_t>(n) * static_cast<std::size_t>(n);
  host::Buffer<float> a(elements);
  host::Buffer<float> b(elements);
  host::Buffer<float> c(elements);
  for (host::Buffer<float>* buffer : {&a, &b, &c}) buffer->clear();

  Result result;
  result.time_us = timed_us([&] { launch(step, kernel, a, b, c, n); });
  result.value = 2.0 * n * n * n / result.time_us * 1e-3;
  result.unit = "GFLOP/s";
  result.kernel = step.kernel;
  result.detail = std::to_string(n) + "x" + std::to_string(n) + " matrices";
  if (n == kPublishedSize) {
    result.published.push_back({step.published_gflops, "NVIDIA RTX A6000",
                                "siboehm/SGEMM_CUDA @60cba6f, README (truth/sgemm-a6000.csv)"});
  }
  return result;
}

template <std::size_t Index>
bool check(const host::Card& /*card*/) {
  const Step& step = kSteps[Index];
  const host::Module module(kSgemmStepsPtx);
  const std::vector<float> a = small_matrix(kCheckSize, 1);
  const std::vector<float> b = small_matrix(kCheckSize, 2);
  const std::vector<float> c = small_matrix(kCheckSize, 3);
  const host::Buffer<float> on_card_a{std::span<const float>(a)};
  const host::Buffer<float> on_card_b{std::span<const float>(b)};
  const host::Buffer<float> on_card_c{std::span<const float>(c)};
  launch(step, module.kernel(step.kernel), on_card_a, on_card_b, on_card_c, kCheckSize);
  const std::vector<float> stored = on_card_c.download();
  for (int row = 0; row < kCheckSize; row += kCheckStep) {
    for (int column = 0; column < kCheckSize; ++column) {
      const std::size_t place = static_cast<std::size_t>(row) * kCheckSize + static_cast<std::size_t>(column);
      const float expected = kAlpha * product_element(a, b, kCheckSize, row, column) + kBeta * c[place];
      if (stored[place] != expected) return false;
    }
  }
  return true;
}

constexpr std::array kTests{
    Test{"sgemm-step-1", "matrix product: naive, uncoalesced", time<0>, check<0>},
    Test{"sgemm-step-2", "matrix product: coalesced", time<1>, check<1>},
    Test{"sgemm-step-3", "matrix product: shared tiles", time<2>, check<2>},
    Test{"sgemm-step-4", "matrix product: 8 rows a thread", time<3>, check<3>},
    Test{"sgemm-step-5", "matrix product: 8x8 elements a thread", time<4>, check<4>},
    Test{"sgemm-step-6", "matrix product: 128-bit accesses", time<5>, check<5>},
};

}  // namespace

std::span<const Test> sgemm_step_tests() { return kTests; }

}  // namespace doppel::suite
