// SPDX-License-Identifier: Apache-2.0
// Attention, forward, against the host's softmax in doubles.
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "half.h"
#include "kernels.h"
#include "tests.h"
#include "timed.h"

namespace doppel::suite {

namespace {

constexpr int kHead = 64;  // kernels/attention.cu
constexpr int kTile = 64;
using Half = std::uint16_t;

void attend(const host::Module& module, CUdeviceptr q, CUdeviceptr k, CUdeviceptr v, CUdeviceptr out, int n,
            unsigned heads) {
  const auto scale = static_cast<float>(std::log2(std::exp(1.0)) / std::sqrt(kHead));
  host::launch(module.kernel("attention"), {static_cast<unsigned>(n / kTile), heads}, {128}, q, k, v, out, n,
               scale);
}

Result time(const host::Card& /*card*/) {
  constexpr int kLength = 4096;
  constexpr unsigned kHeads = 64;
  constexpr std::size_t kElements = std::size_t{kLength} * kHead * kHeads;
  const host::Module module(kAttentionPtx);
  host::Buffer<Half> in(3 * kElements);
  in.clear();
  const host::Buffer<Half> out(kElements);
  constexpr std::size_t kBytes = kElements * sizeof(Half);
  Result result;
  result.time_us = timed_us([&] {
    attend(module, in.address(), in.address() + kBytes, in.address() + 2 * kBytes, out.address(), kLength,
           kHeads);
  });
  result.value = 4.0 * kLength * kLength * kHead * kHeads / result.time_us * 1e-6;
  result.unit = "TFLOP/s";
  result.kernel = "attention";
  result.detail = "64 heads of 64, 4096 long, without a mask";
  return result;
}

// Multiples of 1/16 from -1 to 1, which halves hold.
std::vector<double> numbers(std::size_t count, unsigned seed) {
  std::vector<double> out(count);
  unsigned state = seed;
  for (double& each : out) {
    state = state * 1664525U + 1013904223U;
    each = (static_cast<int>(state >> 16U) % 33 - 16) / 16.0;
  }
  return out;
}

Half bits_of(double value) {
  if (value == 0) return 0;
  const int exponent = std::ilogb(value);
  const auto fraction =
      static_cast<unsigned>(std::lrint((std::fabs(std::ldexp(value, -exponent)) - 1) * 1024));
  return static_cast<Half>((value < 0 ? 0x8000U : 0U) | static_cast<unsigned>(exponent + 15) << 10U |
                           fraction);
}
double value_of(Half bits) {
  const int exponent = bits >> 10U & 31U;
  const double size =
      exponent == 0 ? std::ldexp(bits & 1023U, -24) : std::ldexp(1024 + (bits & 1023U), exponent - 25);
  return (bits & 0x8000U) != 0 ? -size : size;
}

bool check(const host::Card& /*card*/) {
  constexpr int kLength = 192;
  constexpr unsigned kHeads = 2;
  constexpr std::size_t kOfHead = std::size_t{kLength} * kHead;
  const host::Module module(kAttentionPtx);
  std::array<std::vector<double>, 3> values;
  std::vector<Half> bits;
  for (unsigned i = 0; i < 3; ++i) {
    values[i] = numbers(kOfHead * kHeads, i + 1);
    std::ranges::transform(values[i], std::back_inserter(bits), bits_of);
  }
  const host::Buffer<Half> in{std::span<const Half>(bits)};
  const host::Buffer<Half> out(kOfHead * kHeads);
  constexpr std::size_t kBytes = kOfHead * kHeads * sizeof(Half);
  attend(module, in.address(), in.address() + kBytes, in.address() + 2 * kBytes, out.address(), kLength,
         kHeads);
  const std::vector<Half> stored = out.download();
  for (std::size_t row = 0; row < std::size_t{kLength} * kHeads; row += 7) {
    const std::size_t head = row / kLength * kOfHead;
    std::vector<double> weights(kLength);
    double total = 0;
    for (std::size_t key = 0; key < kLength; ++key) {
      double score = 0;
      for (std::size_t i = 0; i < kHead; ++i)
        score += values[0][row * kHead + i] * values[1][head + key * kHead + i];
      weights[key] = std::exp(score / std::sqrt(kHead));
      total += weights[key];
    }
    for (std::size_t i = 0; i < kHead; ++i) {
      double expected = 0;
      for (std::size_t key = 0; key < kLength; ++key)
        expected += weights[key] * values[2][head + key * kHead + i];
      if (!(std::fabs(value_of(stored[row * kHead + i]) - expected / total) < 2e-3)) return false;
    }
  }
  return true;
}

constexpr std::array kTests{Test{"attention", "attention, fp16, forward (flash)", time, check}};

}  // namespace

std::span<const Test> attention_tests() { return kTests; }

}  // namespace doppel::suite
