// SPDX-License-Identifier: Apache-2.0
// Launches beyond what a card takes are refused one by one, and the next good launch still works.
#include "card.h"
#include "expect.h"
#include "kernels.h"

namespace {

CUresult try_launch(CUfunction kernel, doppel::host::Extent grid, doppel::host::Extent block,
                    unsigned shared_bytes, CUdeviceptr words) {
  unsigned value = 7;
  std::array<void*, 2> arguments{&words, &value};
  return cuLaunchKernel(kernel, grid.x, grid.y, grid.z, block.x, block.y, block.z, shared_bytes, nullptr,
                        arguments.data(), nullptr);
}

}  // namespace

int main() {
  const doppel::host::Card card;
  const doppel::host::Module module(e2e::kFaultsPtx);
  const CUfunction fill = module.kernel("fill");
  doppel::host::Buffer<unsigned> words(1024);
  const CUdeviceptr to = words.address();
  constexpr unsigned kTooMuchShared = 200U << 10U;

  e2e::expect_result(try_launch(fill, {1}, {1025}, 0, to), CUDA_ERROR_INVALID_VALUE, "1025 threads a block");
  e2e::expect_result(try_launch(fill, {1}, {32, 64}, 0, to), CUDA_ERROR_INVALID_VALUE,
                     "32x64 threads a block");
  e2e::expect_result(try_launch(fill, {1}, {1, 1, 65}, 0, to), CUDA_ERROR_INVALID_VALUE,
                     "65 threads along z");
  e2e::expect_result(try_launch(fill, {1}, {0}, 0, to), CUDA_ERROR_INVALID_VALUE, "no thread");
  e2e::expect_result(try_launch(fill, {0}, {32}, 0, to), CUDA_ERROR_INVALID_VALUE, "no block");
  e2e::expect_result(try_launch(fill, {0x80000000U}, {32}, 0, to), CUDA_ERROR_INVALID_VALUE,
                     "2^31 blocks along x");
  e2e::expect_result(try_launch(fill, {1, 65536}, {32}, 0, to), CUDA_ERROR_INVALID_VALUE,
                     "65536 blocks along y");
  e2e::expect_result(try_launch(fill, {1}, {32}, kTooMuchShared, to), CUDA_ERROR_INVALID_VALUE,
                     "200 KiB shared");
  e2e::expect_result(try_launch(fill, {1}, {32}, 49U << 10U, to), CUDA_ERROR_INVALID_VALUE,
                     "49 KiB shared without asking for it");
  e2e::expect_result(try_launch(nullptr, {1}, {32}, 0, to), CUDA_ERROR_INVALID_HANDLE, "a null kernel");

  e2e::expect_result(try_launch(fill, {1}, {1024}, 0, to), CUDA_SUCCESS, "1024 threads a block");
  e2e::expect_result(cuCtxSynchronize(), CUDA_SUCCESS, "synchronize");
  for (const unsigned word : words.download()) e2e::expect(word == 7, "every word is 7");
  return e2e::verdict();
}
