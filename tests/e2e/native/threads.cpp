// SPDX-License-Identifier: Apache-2.0
// Sixteen host threads use one context at once, each with its own stream, module and memory.
#include <atomic>
#include <thread>

#include "card.h"
#include "expect.h"
#include "kernels.h"

namespace {

bool work(CUcontext context, unsigned index) {
  constexpr unsigned kRounds = 20;
  constexpr unsigned kCount = 4096;
  doppel::host::check(cuCtxSetCurrent(context), "cuCtxSetCurrent");
  const doppel::host::Module module(e2e::kFaultsPtx);
  CUfunction fill = module.kernel("fill");
  CUstream stream = nullptr;
  doppel::host::check(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING), "cuStreamCreate");
  const doppel::host::Buffer<unsigned> words(kCount);
  std::vector<unsigned> copy(kCount);
  bool right = true;
  for (unsigned round = 0; round < kRounds; ++round) {
    CUdeviceptr address = words.address();
    unsigned value = index * kRounds + round;
    std::array<void*, 2> arguments{&address, &value};
    doppel::host::check(
        cuLaunchKernel(fill, kCount / 256, 1, 1, 256, 1, 1, 0, stream, arguments.data(), nullptr),
        "cuLaunchKernel");
    doppel::host::check(cuMemcpyDtoHAsync(copy.data(), address, kCount * sizeof(unsigned), stream),
                        "cuMemcpyDtoHAsync");
    doppel::host::check(cuStreamSynchronize(stream), "cuStreamSynchronize");
    for (const unsigned word : copy) right = right && word == value;
  }
  doppel::host::check(cuStreamDestroy(stream), "cuStreamDestroy");
  return right;
}

}  // namespace

int main() {
  const doppel::host::Card card;
  CUcontext context = nullptr;
  doppel::host::check(cuCtxGetCurrent(&context), "cuCtxGetCurrent");
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 16; ++i) {
    threads.emplace_back([&, i] {
      try {
        if (work(context, i)) ++right;
      } catch (const std::exception& error) {
        std::printf("thread %u: %s\n", i, error.what());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  e2e::expect(right == 16, "all threads got their values");
  return e2e::verdict();
}
