// SPDX-License-Identifier: Apache-2.0
// How many launches of the smallest kernel follow one another on a stream in a second.
#include "kernels.h"
#include "tests.h"
#include "timed.h"

namespace doppel::suite {

namespace {

constexpr unsigned kLaunches = 2000;

Result rate(const host::Card& /*card*/) {
  const host::Module module(kLaunchPtx);
  const CUfunction kernel = module.kernel("count_launch");
  host::Buffer<unsigned> counter(1);
  counter.clear();
  Result result;
  result.time_us = timed_us([&] {
    for (unsigned i = 0; i < kLaunches; ++i) host::launch(kernel, {1}, {32}, counter.address());
  });
  result.value = kLaunches / result.time_us * 1e3;
  result.unit = "launches/ms";
  result.correct = counter.download()[0] == kLaunches;
  result.detail = std::to_string(kLaunches) + " launches of one warp";
  return result;
}

constexpr std::array kTests{Test{"launch-rate", "launches one after another", rate}};

}  // namespace

std::span<const Test> launch_tests() { return kTests; }

}  // namespace doppel::suite
