// SPDX-License-Identifier: Apache-2.0
// No launch is faster than the card's peaks at the clock that its time holds for, and kernels written to
// reach a peak come near it.
#include <gtest/gtest.h>

#include "card/card.h"
#include "runner.h"
#include "truth_kernels.h"

namespace doppel {

namespace {

class Peak : public ::testing::TestWithParam<const char*> {
 protected:
  Card card = truth::find_card(GetParam());
};

// Multiply-adds of kernels/fma.cu by a launch of two blocks of 512 threads a SM, against the lanes of its
// pipe.
void expect_rate(truth::Runner& runner, const char* kernel, double lanes, const Argument& factor,
                 const Argument& addend, int iterations) {
  const auto sms = static_cast<unsigned>(runner.session.card().number("sm_count"));
  const unsigned blocks = 2 * sms;
  const Buffer out = runner.allocate(std::size_t{blocks} * 512 * 8);
  const Prediction prediction = runner.predict({kernel, {blocks}, {512}, {out, factor, addend, iterations}});
  const double operations = 64.0 * iterations * blocks * 512;
  const double rate = operations / (prediction.time_us - prediction.start_us);
  const double peak = lanes * sms * prediction.clock_mhz;
  EXPECT_LE(rate, peak * 1.0001) << kernel << ", " << iterations << " iterations";
  if (iterations >= 64) {
    EXPECT_GT(rate, 0.9 * peak) << kernel;
  }
}

TEST_P(Peak, MultiplyAddsKeepToTheirPipes) {
  truth::Runner runner(card, truth::kFmaPtx);
  const card::Pipes& pipes = card.data().pipes;
  for (int iterations : {2, 12, 64}) {
    expect_rate(runner, "fma_fp32", pipes.fp32.per_cycle, 0.5F, 0.25F, iterations);
    expect_rate(runner, "fma_fp16", pipes.fp16.per_cycle, 0.5F, 0.25F, iterations);
    expect_rate(runner, "fma_int32", pipes.int32_multiply.per_cycle, 3, 5, iterations);
    expect_rate(runner, "fma_fp64", pipes.fp64.per_cycle, 0.5, 0.25, iterations);
  }
}

TEST_P(Peak, StreamsKeepToTheMemory) {
  truth::Runner runner(card, truth::kStreamPtx);
  const card::L2& l2 = card.data().l2;
  const card::Memory& memory = card.data().memory;
  for (unsigned megabytes : {1U, 4U, 64U, 1024U}) {
    const unsigned count = megabytes << 17;
    const Buffer a = runner.allocate(std::size_t{count} * 8), b = runner.allocate(std::size_t{count} * 8);
    for (const auto& [kernel, arrays] : {std::pair{"stream_read", 1}, {"stream_scale", 2}}) {
      const Prediction prediction = runner.predict({kernel, {count / 256}, {256}, {a, b, count}});
      const double bytes = 8.0 * count * arrays;
      const double rate = bytes / (prediction.time_us - prediction.start_us) * 1e6;
      const double l2_peak =
          (l2.read_bytes_per_cycle + l2.write_bytes_per_cycle) * prediction.clock_mhz * 1e6;
      EXPECT_LE(rate, l2_peak) << kernel << ", " << megabytes << " MB";
      if (bytes > 4.0 * static_cast<double>(l2.bytes)) {
        const double peak = memory.peak_bytes_per_second();
        EXPECT_LE(rate, peak) << kernel << ", " << megabytes << " MB";
        EXPECT_GT(rate, 0.95 * (arrays == 1 ? memory.read_efficiency : memory.copy_efficiency) * peak);
        EXPECT_LE(prediction.dram_read_bytes + prediction.dram_write_bytes,
                  peak * prediction.time_us * 1e-6 * 1.001);
      }
    }
    runner.session.free(a);
    runner.session.free(b);
  }
}

INSTANTIATE_TEST_SUITE_P(Cards, Peak, ::testing::Values("a40", "rtx-a6000", "rtx-pro-5000-blackwell"),
                         [](const auto& each) {
                           std::string name = each.param;
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace doppel
