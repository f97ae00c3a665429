// SPDX-License-Identifier: Apache-2.0
// Launches two kernels that must be compiled, in the middle of a line of its output.
#include <cstdio>
#include <cstring>

#include "card.h"
#include "expect.h"
#include "kernels.h"

int main() {
  const doppel::host::Card card;
  const doppel::host::Module module(e2e::kFaultsPtx);
  const doppel::host::Buffer<unsigned> words(32);
  std::fputs("first line\nkernels: ", stdout);
  std::fflush(stdout);
  const CUfunction fill = module.kernel("fill");
  const CUfunction store = module.kernel("store_at");
  doppel::host::launch(fill, {1}, {32}, words.address(), 7U);
  doppel::host::launch(store, {1}, {1}, static_cast<unsigned long long>(words.address()), 9U);
  const auto result = words.download();
  e2e::expect(result[0] == 9 && result[31] == 7, "both kernels ran");
  std::puts("done");
  std::puts("last line");
  return e2e::verdict();
}
