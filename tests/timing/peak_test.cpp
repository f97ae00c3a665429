// No launch is faster than the card's peaks at the clock that its time holds for, and kernels written to
// reach a peak come near it.
#include <gtest/gtest.h>

#include "card/load_card.h"
#include "runner.h"
#include "truth_kernels.h"

namespace doppel::timing {

namespace {

class Peak : public ::testing::TestWithParam<const char*> {
 protected:
  card::Card card = card::load_card(DOPPEL_SOURCE_DIR "/cards/" + std::string(GetParam()) + ".toml").value();
};

// Multiply-adds of kernels/fma.cu by a launch of two blocks of 512 threads a SM, against the lanes of its
// pipe.
void expect_rate(truth::Runner& runner, const card::Card& card, const char* kernel, double lanes,
                 const std::vector<std::byte>& constants, int iterations) {
  const auto blocks = static_cast<unsigned>(card.sm_count) * 2;
  const std::uint64_t out = runner.allocate(std::uint64_t{blocks} * 512 * 8);
  std::vector<std::byte> parameters = truth::Runner::parameters(out);
  parameters.insert(parameters.end(), constants.begin(), constants.end());
  const auto* bytes = reinterpret_cast<const std::byte*>(&iterations);
  parameters.insert(parameters.end(), bytes, bytes + sizeof iterations);
  const Prediction prediction = runner.predict(card, {kernel, {blocks, 1, 1}, {512, 1, 1}, 0, parameters});
  const double operations = 64.0 * iterations * blocks * 512;
  const double rate = operations / (prediction.time_us - prediction.start_us);
  const double peak = lanes * card.sm_count * prediction.clock_mhz;
  EXPECT_LE(rate, peak * 1.0001) << kernel << ", " << iterations << " iterations";
  if (iterations >= 64) {
    EXPECT_GT(rate, 0.9 * peak) << kernel;
  }
}

TEST_P(Peak, MultiplyAddsKeepToTheirPipes) {
  truth::Runner runner(truth::kFmaPtx);
  for (int iterations : {2, 12, 64}) {
    const card::Pipes& pipes = card.pipes;
    expect_rate(runner, card, "fma_fp32", pipes.fp32.per_cycle, truth::Runner::parameters(0.5F, 0.25F),
                iterations);
    expect_rate(runner, card, "fma_fp16", pipes.fp16.per_cycle, truth::Runner::parameters(0.5F, 0.25F),
                iterations);
    expect_rate(runner, card, "fma_int32", pipes.int32_multiply.per_cycle, truth::Runner::parameters(3, 5),
                iterations);
    expect_rate(runner, card, "fma_fp64", pipes.fp64.per_cycle, truth::Runner::parameters(0.5, 0.25),
                iterations);
  }
}

TEST_P(Peak, StreamsKeepToTheMemory) {
  truth::Runner runner(truth::kStreamPtx);
  for (unsigned megabytes : {1U, 4U, 64U, 1024U}) {
    const unsigned count = megabytes << 17;
    const std::uint64_t a = runner.allocate(std::uint64_t{count} * 8),
                        b = runner.allocate(std::uint64_t{count} * 8);
    for (const auto& [kernel, arrays] : {std::pair{"stream_read", 1}, {"stream_scale", 2}}) {
      const Prediction prediction = runner.predict(
          card, {kernel, {count / 256, 1, 1}, {256, 1, 1}, 0, truth::Runner::parameters(a, b, count)});
      const double bytes = 8.0 * count * arrays;
      const double rate = bytes / (prediction.time_us - prediction.start_us) * 1e6;
      const double l2_peak =
          (card.l2.read_bytes_per_cycle + card.l2.write_bytes_per_cycle) * prediction.clock_mhz * 1e6;
      EXPECT_LE(rate, l2_peak) << kernel << ", " << megabytes << " MB";
      if (bytes > 4.0 * static_cast<double>(card.l2.bytes)) {
        const double peak = card.memory.peak_bytes_per_second();
        EXPECT_LE(rate, peak) << kernel << ", " << megabytes << " MB";
        EXPECT_GT(rate,
                  0.95 * (arrays == 1 ? card.memory.read_efficiency : card.memory.copy_efficiency) * peak);
        EXPECT_LE(prediction.dram_read_bytes + prediction.dram_write_bytes,
                  peak * prediction.time_us * 1e-6 * 1.001);
      }
    }
    runner.free(a);
    runner.free(b);
  }
}

INSTANTIATE_TEST_SUITE_P(Cards, Peak, ::testing::Values("a40", "rtx-a6000", "rtx-pro-5000-blackwell"),
                         [](const auto& each) {
                           std::string name = each.param;
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace doppel::timing
