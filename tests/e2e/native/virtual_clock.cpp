// SPDX-License-Identifier: Apache-2.0
// Under `--clock virtual` the host's clock sees at least the time that the card's events see, however fast
// this machine is.
#include <chrono>

#include "card.h"
#include "expect.h"
#include "kernels.h"

int main() {
  constexpr unsigned kLaunches = 200;
  const doppel::host::Card card;
  const doppel::host::Module module(e2e::kFaultsPtx);
  const doppel::host::Buffer<unsigned> words(1U << 20U);
  const CUfunction fill = module.kernel("fill");
  const auto before = std::chrono::steady_clock::now();
  const double card_us = doppel::host::time_us([&] {
    for (unsigned i = 0; i < kLaunches; ++i) doppel::host::launch(fill, {4096}, {256}, words.address(), i);
  });
  const double host_us =
      std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - before).count();
  std::printf("card %.1f us, host %.1f us\n", card_us, host_us);
  e2e::expect(card_us > 0, "the launches take time");
  e2e::expect(host_us >= card_us, "the host's clock covers what the events cover");
  return e2e::verdict();
}
