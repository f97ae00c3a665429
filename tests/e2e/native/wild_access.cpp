// SPDX-License-Identifier: Apache-2.0
// A kernel that stores where nothing is: the process lives on, the context answers with the error from then
// on, and memory of another context keeps what it had.
#include "card.h"
#include "expect.h"
#include "kernels.h"

int main() {
  constexpr unsigned long long kNowhere = 0x10;
  doppel::host::check(cuInit(0), "cuInit");
  CUcontext good = nullptr;
  CUcontext bad = nullptr;
  doppel::host::check(cuCtxCreate(&good, 0, 0), "cuCtxCreate");
  CUdeviceptr kept = 0;
  doppel::host::check(cuMemAlloc(&kept, 4096), "cuMemAlloc");
  doppel::host::check(cuMemsetD8(kept, 0x5a, 4096), "cuMemsetD8");

  doppel::host::check(cuCtxCreate(&bad, 0, 0), "cuCtxCreate");
  CUmodule module = nullptr;
  CUfunction store_at = nullptr;
  doppel::host::check(cuModuleLoadData(&module, e2e::kFaultsPtx), "cuModuleLoadData");
  doppel::host::check(cuModuleGetFunction(&store_at, module, "store_at"), "cuModuleGetFunction");
  doppel::host::launch(store_at, {1}, {32}, kNowhere, 1U);
  e2e::expect_result(cuCtxSynchronize(), CUDA_ERROR_ILLEGAL_ADDRESS, "synchronize after a wild store");
  e2e::expect_result(cuCtxSynchronize(), CUDA_ERROR_ILLEGAL_ADDRESS, "the error stays");
  CUdeviceptr other = 0;
  e2e::expect_result(cuMemAlloc(&other, 4096), CUDA_ERROR_ILLEGAL_ADDRESS,
                     "an allocation in the broken context");

  doppel::host::check(cuCtxSetCurrent(good), "cuCtxSetCurrent");
  std::vector<unsigned char> bytes(4096);
  e2e::expect_result(cuMemcpyDtoH(bytes.data(), kept, bytes.size()), CUDA_SUCCESS,
                     "a copy in the other context");
  for (const unsigned char byte : bytes)
    e2e::expect(byte == 0x5a, "memory of the other context is what it was");
  return e2e::verdict();
}
