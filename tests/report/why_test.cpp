#include "report/why.h"

#include <gtest/gtest.h>

#include "card/load_card.h"
#include "sample_report.h"

namespace doppel::report {
namespace {

std::string why_of(device::KernelRecord kernel) { return why(kernel, card::find_card("rtx-a6000").value()); }

TEST(Why, AGridThatDoesNotFillTheCard) {
  device::KernelRecord kernel = sample_kernel("step", 32, 100);
  kernel.bound = "latency";
  kernel.occupancy = 1;  // what an SM can hold: the grid has one block of 8 warps for each
  kernel.occupancy_limit = "warps";
  EXPECT_EQ(why_of(kernel),
            "The grid fills 32 of 84 SMs, and its warps mostly wait for results: 8 of 48 warps an SM are too "
            "few to "
            "hide it.");
}

TEST(Why, AShortLastWave) {
  device::KernelRecord kernel = sample_kernel("step", 90, 100);
  kernel.bound = "fp32";
  kernel.waves = 1.07;
  kernel.utilisation = {{"fp32", 0.61}};
  EXPECT_EQ(why_of(kernel),
            "The grid's 90 blocks run in 2 waves, the last of which fills 7 % of the card, and the units for "
            "fp32 are "
            "busy 61 % of the time.");
}

TEST(Why, Memory) {
  device::KernelRecord kernel = sample_kernel("copy", 8400, 100);
  kernel.bound = "DRAM";
  kernel.waves = 100;
  kernel.dram_bytes = 69'000'000;
  EXPECT_EQ(why_of(kernel),
            "Memory moves 690.0 GB/s, 90 % of the card's 768.1, and nothing else is as busy.");
}

TEST(Why, RegistersThatLeaveNoRoom) {
  device::KernelRecord kernel = sample_kernel("big", 8400, 100);
  kernel.bound = "latency";
  kernel.occupancy = 0.25;
  kernel.occupancy_limit = "registers";
  kernel.registers = 168;
  EXPECT_EQ(why_of(kernel),
            "Its warps mostly wait for results: 12 of 48 warps an SM are too few to hide it (168 registers a "
            "thread "
            "leave no room for more).");
}

TEST(Why, NothingWhereNothingWasTimed) {
  device::KernelRecord kernel = sample_kernel("step", 32, 0);
  kernel.bound = "";
  EXPECT_EQ(why_of(kernel), "");
}

}  // namespace
}  // namespace doppel::report
