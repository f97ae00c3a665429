// SPDX-License-Identifier: Apache-2.0
// The card's time for work that waits in line behind other work, so that how fast the host queues it does not
// show.
#pragma once

#include <utility>

#include "host/card.h"
#include "kernels.h"

namespace doppel::suite {

template <class Work>
double timed_us(Work&& work) {
  constexpr unsigned kTurns = 8000;  // some million cycles
  const host::Module module(kHoldPtx);
  const host::Buffer<float> out(1);
  host::launch(module.kernel("hold"), {1}, {1}, out.address(), kTurns);
  return host::time_us(std::forward<Work>(work));
}

}  // namespace doppel::suite
