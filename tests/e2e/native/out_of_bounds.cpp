// SPDX-License-Identifier: Apache-2.0
// A store one element behind an allocation. Under `doppel run --check` it is reported with kernel, block,
// thread and allocation; the program itself only launches.
#include "card.h"
#include "expect.h"
#include "kernels.h"

int main() {
  const doppel::host::Card card;
  const doppel::host::Module module(e2e::kFaultsPtx);
  const doppel::host::Buffer<unsigned> words(100);
  doppel::host::launch(module.kernel("fill"), {1}, {101}, words.address(), 1U);
  e2e::expect_result(cuCtxSynchronize(), CUDA_ERROR_ILLEGAL_ADDRESS,
                     "synchronize after the store behind the end");
  return e2e::verdict();
}
