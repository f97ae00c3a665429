// SPDX-License-Identifier: Apache-2.0
// Division by zero and of the most negative number: the card does not fault, it gives what its instructions
// give.
#include "card.h"
#include "expect.h"
#include "kernels.h"

int main() {
  const doppel::host::Card card;
  const doppel::host::Module module(e2e::kFaultsPtx);
  const std::array<int, 4> a{7, -2147483647 - 1, -7, 0};
  const std::array<int, 4> b{2, -1, 2, 5};
  const std::array<int, 4> zeros{};
  const doppel::host::Buffer<int> on_card_a{std::span<const int>(a)};
  doppel::host::Buffer<int> on_card_b{std::span<const int>(b)};
  const doppel::host::Buffer<int> quotient(4);
  const doppel::host::Buffer<int> remainder(4);
  const CUfunction divide = module.kernel("divide_integers");
  doppel::host::launch(divide, {1}, {4}, on_card_a.address(), on_card_b.address(), quotient.address(),
                       remainder.address());
  const std::vector<int> q = quotient.download();
  const std::vector<int> r = remainder.download();
  e2e::expect(q[0] == 3 && r[0] == 1, "7 / 2");
  e2e::expect(q[1] == -2147483647 - 1 && r[1] == 0, "-2^31 / -1 wraps");
  e2e::expect(q[2] == -3 && r[2] == -1, "-7 / 2 rounds towards zero");
  e2e::expect(q[3] == 0 && r[3] == 0, "0 / 5");
  on_card_b.upload(zeros);
  doppel::host::launch(divide, {1}, {4}, on_card_a.address(), on_card_b.address(), quotient.address(),
                       remainder.address());
  // The value is machine-specific (PTX ISA 9.7.1.8 div); that nothing breaks is not.
  e2e::expect_result(cuCtxSynchronize(), CUDA_SUCCESS, "synchronize after a division by zero");
  return e2e::verdict();
}
