// SPDX-License-Identifier: Apache-2.0
// Kernels that move and count more than they compute: reduction, histogram, transpose. Their data do not fit
// into a cache.
#include <numeric>

#include "kernels.h"
#include "tests.h"
#include "timed.h"

namespace doppel::suite {

namespace {

Result reduction(const host::Card& card) {
  constexpr unsigned kCount = 1U << 25U;
  const host::Module module(kReductionPtx);
  const CUfunction kernel = module.kernel("reduce_sum");
  const unsigned blocks = card.multiprocessors() * 8;
  // Values 0 … 3: every partial sum is a whole number below 2^24, so its order does not matter.
  std::vector<float> input(kCount);
  double expected = 0;
  for (unsigned i = 0; i < kCount; ++i) {
    input[i] = static_cast<float>((i * 2654435761U) >> 30U);
    expected += static_cast<double>(input[i]);
  }
  const host::Buffer<float> in{std::span<const float>(input)};
  const host::Buffer<float> partial(blocks);

  Result result;
  result.time_us =
      timed_us([&] { host::launch(kernel, {blocks}, {256}, in.address(), partial.address(), kCount); });
  const std::vector<float> sums = partial.download();
  result.correct = std::accumulate(sums.begin(), sums.end(), 0.0) == expected;
  result.value = kCount * sizeof(float) / result.time_us * 1e-3;
  result.unit = "GB/s";
  result.kernel = "reduce_sum";
  result.detail = "2^25 floats";
  return result;
}

Result histogram(const host::Card& card) {
  constexpr unsigned kWords = 1U << 25U;
  constexpr unsigned kBins = 256;
  const host::Module module(kHistogramPtx);
  const CUfunction kernel = module.kernel("histogram_bytes");
  std::vector<unsigned> words(kWords);
  std::vector<unsigned> expected(kBins);
  unsigned state = 12345;
  for (unsigned& word : words) {
    state = state * 1664525U + 1013904223U;
    word = state ^ state >> 15U;
    for (unsigned shift = 0; shift < 32; shift += 8) ++expected[word >> shift & 255U];
  }
  const host::Buffer<unsigned> in{std::span<const unsigned>(words)};
  host::Buffer<unsigned> bins(kBins);
  bins.clear();

  Result result;
  result.time_us = timed_us([&] {
    host::launch(kernel, {card.multiprocessors() * 4}, {256}, in.address(), bins.address(), kWords);
  });
  result.correct = bins.download() == expected;
  result.value = kWords * sizeof(unsigned) / result.time_us * 1e-3;
  result.unit = "GB/s";
  result.kernel = "histogram_bytes";
  result.detail = "128 MiB of bytes into 256 bins";
  return result;
}

Result transpose(const host::Card& /*card*/) {
  constexpr int kSize = 6144;
  constexpr int kTile = 32;
  const host::Module module(kTransposePtx);
  const CUfunction kernel = module.kernel("transpose");
  std::vector<float> input(std::size_t{kSize} * kSize);
  for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<float>(i % 16777213);
  const host::Buffer<float> in{std::span<const float>(input)};
  const host::Buffer<float> out(input.size());

  Result result;
  result.time_us = timed_us([&] {
    host::launch(kernel, {kSize / kTile, kSize / kTile}, {kTile, 8}, in.address(), out.address(), kSize);
  });
  const std::vector<float> stored = out.download();
  result.correct = true;
  for (std::size_t row = 0; row < kSize; ++row) {
    for (std::size_t column = 0; column < kSize; ++column) {
      if (stored[column * kSize + row] != input[row * kSize + column]) result.correct = false;
    }
  }
  result.value = 2.0 * static_cast<double>(input.size()) * sizeof(float) / result.time_us * 1e-3;
  result.unit = "GB/s";
  result.kernel = "transpose";
  result.detail = "6144x6144 floats";
  return result;
}

constexpr std::array kTests{
    Test{"reduction", "sum of an array", reduction},
    Test{"histogram", "histogram of bytes", histogram},
    Test{"transpose", "matrix transpose", transpose},
};

}  // namespace

std::span<const Test> data_tests() { return kTests; }

}  // namespace doppel::suite
