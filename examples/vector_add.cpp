// SPDX-License-Identifier: Apache-2.0
// Adds two vectors on the card and checks every element.
#include <cstdio>
#include <exception>

#include "card.h"
#include "kernels.h"

namespace {

int run() {
  constexpr unsigned kCount = 1U << 22U;
  constexpr unsigned kThreads = 256;
  std::vector<float> a(kCount);
  std::vector<float> b(kCount);
  for (unsigned i = 0; i < kCount; ++i) {
    a[i] = static_cast<float>(i);
    b[i] = static_cast<float>(2 * i);
  }

  const doppel::host::Card card;
  const doppel::host::Module module(examples::kVectorAddPtx);
  const doppel::host::Buffer<float> on_card_a{std::span<const float>(a)};
  const doppel::host::Buffer<float> on_card_b{std::span<const float>(b)};
  const doppel::host::Buffer<float> sum(kCount);
  const double time_us = doppel::host::time_us([&] {
    doppel::host::launch(module.kernel("vector_add"), {kCount / kThreads}, {kThreads}, on_card_a.address(),
                         on_card_b.address(), sum.address(), kCount);
  });

  const std::vector<float> result = sum.download();
  for (unsigned i = 0; i < kCount; ++i) {
    if (result[i] != a[i] + b[i]) {
      std::printf("wrong: element %u is %g, expected %g\n", i, static_cast<double>(result[i]),
                  static_cast<double>(a[i] + b[i]));
      return 1;
    }
  }
  std::printf("%s added 2 x %u floats in %.1f us (%.1f GB/s); all right\n", card.name().c_str(), kCount,
              time_us, 3.0 * kCount * sizeof(float) / time_us * 1e-3);
  return 0;
}

}  // namespace

int main() {
  try {
    return run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "vector-add: %s\n", error.what());
    return 1;
  }
}
