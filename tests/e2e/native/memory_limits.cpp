// SPDX-License-Identifier: Apache-2.0
// More memory than the card has is refused, and what is free is told.
#include "card.h"
#include "expect.h"

int main() {
  const doppel::host::Card card;
  std::size_t free_bytes = 0;
  std::size_t total_bytes = 0;
  doppel::host::check(cuMemGetInfo(&free_bytes, &total_bytes), "cuMemGetInfo");
  e2e::expect(free_bytes <= total_bytes && total_bytes > 40UL << 30U, "a card of 48 GB says so");

  CUdeviceptr address = 0;
  e2e::expect_result(cuMemAlloc(&address, total_bytes + (1UL << 30U)), CUDA_ERROR_OUT_OF_MEMORY,
                     "1 GiB more than the card has");
  e2e::expect_result(cuMemAlloc(&address, ~0UL), CUDA_ERROR_OUT_OF_MEMORY, "2^64 - 1 bytes");
  e2e::expect_result(cuMemAlloc(&address, 0), CUDA_ERROR_INVALID_VALUE, "no bytes");

  constexpr std::size_t kGibibyte = 1UL << 30U;
  CUdeviceptr large = 0;
  e2e::expect_result(cuMemAlloc(&large, kGibibyte), CUDA_SUCCESS, "1 GiB, untouched");
  e2e::expect_result(cuMemAlloc(&address, total_bytes - kGibibyte / 2), CUDA_ERROR_OUT_OF_MEMORY,
                     "more than is left of the card's");
  std::size_t free_now = 0;
  doppel::host::check(cuMemGetInfo(&free_now, &total_bytes), "cuMemGetInfo");
  e2e::expect(free_now + kGibibyte <= free_bytes, "free memory shrinks by what is allocated");
  e2e::expect_result(cuMemFree(large), CUDA_SUCCESS, "free it");
  doppel::host::check(cuMemGetInfo(&free_now, &total_bytes), "cuMemGetInfo");
  e2e::expect(free_now == free_bytes, "free memory is what it was");
  return e2e::verdict();
}
