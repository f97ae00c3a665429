// SPDX-License-Identifier: Apache-2.0
// Bandwidth of the card's memory. The arrays of a test are 512 MiB together: five times the largest L2 of the
// cards described, so that what stays in it from one launch to the next hardly counts.
#include "kernels.h"
#include "tests.h"
#include "timed.h"

namespace doppel::suite {

namespace {

constexpr host::Extent kBlock{256};
constexpr unsigned elements(unsigned arrays) { return (1U << 26U) / arrays; }
constexpr host::Extent grid(unsigned count) { return {count / kBlock.x}; }

double value_of(unsigned i) { return 1 + i % 1000; }

std::vector<double> values(unsigned count) {
  std::vector<double> all(count);
  for (unsigned i = 0; i < count; ++i) all[i] = value_of(i);
  return all;
}

template <class Expected>
bool holds(const host::Buffer<double>& buffer, Expected expected) {
  const std::vector<double> stored = buffer.download();
  for (unsigned i = 0; i < stored.size(); ++i) {
    if (stored[i] != expected(i)) return false;
  }
  return true;
}

Result bandwidth(const char* kernel, double time_us, unsigned arrays, bool correct) {
  Result result;
  result.kernel = kernel;
  result.time_us = time_us;
  result.value = arrays * elements(arrays) * sizeof(double) * 1e-9 / time_us * 1e6;
  result.unit = "GB/s";
  result.correct = correct;
  result.detail = std::to_string(arrays) + (arrays == 1 ? " array" : " arrays") + " of " +
                  std::to_string(elements(arrays) >> 20U) + " Mi doubles";
  return result;
}

Result init(const host::Card& /*card*/) {
  constexpr unsigned kCount = elements(1);
  const host::Module module(kStreamPtx);
  const CUfunction kernel = module.kernel("stream_init");
  const host::Buffer<double> a(kCount);
  const double time_us =
      timed_us([&] { host::launch(kernel, grid(kCount), kBlock, a.address(), 2.5, kCount); });
  return bandwidth("stream_init", time_us, 1, holds(a, [](unsigned) { return 2.5; }));
}

Result read(const host::Card& /*card*/) {
  constexpr unsigned kCount = elements(1);
  const host::Module module(kStreamPtx);
  const CUfunction kernel = module.kernel("stream_read");
  std::vector<double> input = values(kCount);
  const host::Buffer<double> a{std::span<const double>(input)};
  host::Buffer<double> found(1);
  found.clear();
  const double time_us = timed_us(
      [&] { host::launch(kernel, grid(kCount), kBlock, a.address(), found.address(), -1.0, kCount); });
  const bool untouched = found.download()[0] == 0;
  // The same kernel must find what is there: the last value, made the only one of its kind.
  input.back() = -1;
  host::check(cuMemcpyHtoD(a.address() + (kCount - 1) * sizeof(double), &input.back(), sizeof(double)),
              "cuMemcpyHtoD");
  host::launch(kernel, grid(kCount), kBlock, a.address(), found.address(), -1.0, kCount);
  return bandwidth("stream_read", time_us, 1, untouched && found.download()[0] == -1);
}

Result scale(const host::Card& /*card*/) {
  constexpr unsigned kCount = elements(2);
  const host::Module module(kStreamPtx);
  const CUfunction kernel = module.kernel("stream_scale");
  const host::Buffer<double> a(kCount);
  const host::Buffer<double> b{std::span<const double>(values(kCount))};
  const double time_us =
      timed_us([&] { host::launch(kernel, grid(kCount), kBlock, a.address(), b.address(), 1.5, kCount); });
  return bandwidth("stream_scale", time_us, 2, holds(a, [](unsigned i) { return value_of(i) * 1.5; }));
}

Result triad(const host::Card& /*card*/) {
  constexpr unsigned kCount = elements(4);
  const host::Module module(kStreamPtx);
  const CUfunction kernel = module.kernel("stream_triad");
  const std::vector<double> input = values(kCount);
  const host::Buffer<double> a(kCount);
  const host::Buffer<double> b{std::span<const double>(input)};
  const host::Buffer<double> c{std::span<const double>(input)};
  const host::Buffer<double> d{std::span<const double>(input)};
  const double time_us = timed_us([&] {
    host::launch(kernel, grid(kCount), kBlock, a.address(), b.address(), c.address(), d.address(), kCount);
  });
  return bandwidth("stream_triad", time_us, 4,
                   holds(a, [](unsigned i) { return value_of(i) * value_of(i) + value_of(i); }));
}

constexpr std::array kTests{
    Test{"stream-init", "memory bandwidth, a = constant", init},
    Test{"stream-read", "memory bandwidth, reading a", read},
    Test{"stream-scale", "memory bandwidth, a = b * constant", scale},
    Test{"stream-triad", "memory bandwidth, a = b * c + d", triad},
};

}  // namespace

std::span<const Test> stream_tests() { return kTests; }

}  // namespace doppel::suite
