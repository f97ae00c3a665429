// SPDX-License-Identifier: Apache-2.0
// A program for tests/e2e/mig.py: says what its device is, and how fast it is, alone or beside another one.
//   describe   prints the device
//   rates      prints GB/s of a triad and GFLOP/s of multiply-adds, each of as many launches as a number says
// and, each between a word of standard input and another, while it says what it has done:
//   measure    the rates
//   busy       kernels, until the second word comes
//   exhaust    takes all memory
//   fault      stores to an address that is none
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "card.h"
#include "expect.h"
#include "kernels.h"

// The first form, which the header renames: of a MIG device, it tells the card's UUID.
#undef cuDeviceGetUuid
extern "C" CUresult cuDeviceGetUuid(CUuuid* uuid, CUdevice device);

namespace {

using doppel::host::Buffer;
using doppel::host::check;

void say(const char* what) {
  std::printf("%s\n", what);
  std::fflush(stdout);
}

// Waits for a line of standard input.
void wait_for_word() {
  char letter = 0;
  while (read(STDIN_FILENO, &letter, 1) == 1 && letter != '\n') {
  }
}
bool word_is_there() {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  return poll(&input, 1, 0) > 0;
}

std::string text_of(const CUuuid& uuid) {
  std::string text;
  for (const char byte : uuid.bytes) {
    std::array<char, 3> digits{};
    std::snprintf(digits.data(), digits.size(), "%02x", static_cast<unsigned char>(byte));
    text += digits.data();
  }
  return text;
}

void describe(const doppel::host::Card& card) {
  int count = 0;
  std::size_t memory = 0, free = 0, total = 0;
  CUuuid gpu{}, own{};
  check(cuDeviceGetCount(&count), "cuDeviceGetCount");
  check(cuDeviceTotalMem(&memory, 0), "cuDeviceTotalMem");
  check(cuMemGetInfo(&free, &total), "cuMemGetInfo");
  check(cuDeviceGetUuid(&gpu, 0), "cuDeviceGetUuid");
  check(cuDeviceGetUuid_v2(&own, 0), "cuDeviceGetUuid_v2");
  std::printf("devices %d\nname %s\nsms %u\nmemory %zu\ntotal %zu\nl2 %d\ncopy_engines %d\ngpu %s\nuuid %s\n",
              count, card.name().c_str(), card.multiprocessors(), memory, total,
              card.attribute(CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE),
              card.attribute(CU_DEVICE_ATTRIBUTE_ASYNC_ENGINE_COUNT), text_of(gpu).c_str(),
              text_of(own).c_str());
}

constexpr unsigned kThreads = 256;

// Each measured behind a launch of its own kind, so that how it begins does not show.
class Rates {
 public:
  Rates(const doppel::host::Card& card, int launches)
      : launches_(launches), blocks_(card.multiprocessors() * 16) {
    check(cuMemsetD32(a_.address(), 0x3F800000, kCount), "cuMemsetD32");  // 1
    check(cuMemsetD32(b_.address(), 0x40000000, kCount), "cuMemsetD32");  // 2
  }
  void launch_triad() const {
    doppel::host::launch(triad_, {kCount / kThreads}, {kThreads}, a_.address(), b_.address(), c_.address(),
                         kCount);
  }
  void launch_multiply_add() const {
    doppel::host::launch(multiply_add_, {blocks_}, {2 * kThreads}, out_.address(), 0.5F, 1.0F, kIterations);
  }
  void print() const {
    launch_triad();
    const double triad_us = doppel::host::time_us([this] {
      for (int i = 0; i < launches_; ++i) launch_triad();
    });
    launch_multiply_add();
    const double multiply_us = doppel::host::time_us([this] {
      for (int i = 0; i < launches_; ++i) launch_multiply_add();
    });
    const double bytes = 12.0 * kCount * launches_;
    const double flops = 2.0 * 64 * kIterations * blocks_ * 2 * kThreads * launches_;
    std::printf("memory %.6g\nmultiply_add %.6g\n", bytes / triad_us * 1e-3, flops / multiply_us * 1e-3);
    std::fflush(stdout);
  }
  // Whether what was computed is right.
  bool right() const {
    for (const float each : c_.download()) {
      if (each != 7) return false;
    }
    return true;
  }

 private:
  static constexpr unsigned kCount = 1U << 25;
  static constexpr int kIterations = 64;
  const doppel::host::Module module_{e2e::kRatesPtx};
  const CUfunction triad_ = module_.kernel("triad"), multiply_add_ = module_.kernel("multiply_add");
  const int launches_;
  const unsigned blocks_;
  const Buffer<float> a_{kCount}, b_{kCount}, c_{kCount}, out_{std::size_t{blocks_} * 2 * kThreads};
};

void exhaust() {
  std::size_t taken = 0, step = std::size_t{4} << 30;
  CUdeviceptr address = 0;
  CUresult result = CUDA_SUCCESS;
  while (step >= 1 << 20) {
    result = cuMemAlloc(&address, step);
    if (result == CUDA_SUCCESS)
      taken += step;
    else
      step /= 2;
  }
  e2e::expect_result(result, CUDA_ERROR_OUT_OF_MEMORY, "more than there is");
  std::printf("taken %zu\n", taken);
}

void fault() {
  const doppel::host::Module module(e2e::kFaultsPtx);
  CUdeviceptr address = 16;
  unsigned value = 1;
  std::array<void*, 2> arguments{&address, &value};
  cuLaunchKernel(module.kernel("store_at"), 1, 1, 1, 1, 1, 1, 0, nullptr, arguments.data(), nullptr);
  e2e::expect_result(cuCtxSynchronize(), CUDA_ERROR_ILLEGAL_ADDRESS, "a store that hits nothing");
  CUdeviceptr more = 0;
  e2e::expect_result(cuMemAlloc(&more, 16), CUDA_ERROR_ILLEGAL_ADDRESS,
                     "and the context is of no use any more");
}

void work(const std::string& what, const doppel::host::Card& card, int launches) {
  if (what == "exhaust" || what == "fault") {
    say("ready");
    wait_for_word();
    what == "exhaust" ? exhaust() : fault();
    say("done");
    wait_for_word();
    return;
  }
  const Rates rates(card, launches);
  say("ready");
  wait_for_word();
  if (what == "busy") {
    rates.launch_triad();
    check(cuCtxSynchronize(), "cuCtxSynchronize");
    say("done");
    while (!word_is_there()) {
      for (int i = 0; i < 8; ++i) rates.launch_triad();
      check(cuCtxSynchronize(), "cuCtxSynchronize");
    }
  } else {
    rates.print();
    say("done");
    wait_for_word();
  }
  e2e::expect(rates.right(), "every element is right");
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "describe";
  const int launches = argc > 2 ? std::atoi(argv[2]) : 3;
  if (const CUresult result = cuInit(0); result == CUDA_ERROR_NO_DEVICE) {
    say("no device");
    return 0;
  }
  try {
    const doppel::host::Card card;
    if (what == "describe") {
      describe(card);
    } else if (what == "rates") {
      const Rates rates(card, launches);
      rates.print();
      e2e::expect(rates.right(), "every element is right");
    } else {
      work(what, card, launches);
    }
  } catch (const doppel::host::CudaError& error) {
    std::printf("FAILED: %s\n", error.what());
    return 1;
  }
  return e2e::verdict();
}
