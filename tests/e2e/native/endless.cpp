// SPDX-License-Identifier: Apache-2.0
// A kernel that never ends: with `doppel run --timeout` it fails as one that a card's watchdog stops.
#include "card.h"
#include "expect.h"
#include "kernels.h"

int main() {
  const doppel::host::Card card;
  const doppel::host::Module module(e2e::kFaultsPtx);
  doppel::host::Buffer<unsigned> word(1);
  word.clear();
  doppel::host::launch(module.kernel("never_end"), {1}, {32}, word.address());
  e2e::expect_result(cuCtxSynchronize(), CUDA_ERROR_LAUNCH_TIMEOUT,
                     "synchronize with a kernel that never ends");
  return e2e::verdict();
}
