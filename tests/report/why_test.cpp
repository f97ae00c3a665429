// SPDX-License-Identifier: Apache-2.0
#include "report/why.h"

#include <gtest/gtest.h>

#include "card/load_card.h"
#include "report/advice.h"
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

std::string advice_for(const device::KernelRecord& kernel) {
  return advice(kernel, card::find_card("rtx-a6000").value());
}

device::KernelRecord bound_by(const std::string& bound) {
  device::KernelRecord kernel = sample_kernel("step", 8400, 100);
  kernel.bound = bound;
  return kernel;
}

TEST(Advice, AnAccessThatMovesMoreThanItMust) {
  device::KernelRecord kernel = bound_by("DRAM");
  kernel.detail.instructions[0].transfers = 32;
  EXPECT_EQ(
      advice_for(kernel),
      "Let neighbouring threads use neighbouring addresses: axpy.cu:12 (ld.global.f32) moves 32 sectors "
      "of 32 bytes a warp where 4 would do.");
  // Where it hardly counts, it is not what to do.
  kernel.detail.instructions[0].share = 0.01;
  EXPECT_EQ(advice_for(kernel).find("Only moving fewer bytes helps"), 0u) << advice_for(kernel);
}

TEST(Advice, BanksThatConflict) {
  device::KernelRecord kernel = bound_by("shared memory");
  kernel.detail.instructions[0].shared_memory = true;
  kernel.detail.instructions[0].source.clear();
  kernel.detail.instructions[0].instruction = "ld.shared.f32";
  kernel.detail.instructions[0].transfers = 8;
  kernel.detail.instructions[0].least_transfers = 1;
  EXPECT_EQ(advice_for(kernel),
            "Pad the rows of the array in shared memory, or change which thread takes which word: line 31 of "
            "the PTX (ld.shared.f32) takes 8 turns of its banks where 1 would do.");
}

TEST(Advice, AGridThatLeavesSMsWithoutWork) {
  device::KernelRecord kernel = bound_by("latency");
  kernel.detail.working_sms = 32;
  EXPECT_EQ(advice_for(kernel), "Only 32 of 84 SMs have work: split it into at least 84 blocks.");
}

TEST(Advice, WaitingIsToldWithItsPlace) {
  EXPECT_EQ(advice_for(bound_by("latency")),
            "50 % of the time it waits for memory, most at axpy.cu:12 (ld.global.f32): load several values "
            "before their use, or more at once.");
  device::KernelRecord kernel = bound_by("barriers");
  kernel.detail.slots = {{"barrier", 0.6}, {"memory result", 0.2}};
  EXPECT_EQ(advice_for(kernel),
            "60 % of the time its warps wait for each other at barriers: smaller blocks, of which an SM runs "
            "several, fill it.");
}

TEST(Advice, NothingWhereNothingWasSimulated) {
  device::KernelRecord kernel = bound_by("DRAM");
  kernel.detail = {};
  EXPECT_EQ(advice_for(kernel), "");
}

}  // namespace
}  // namespace doppel::report
