#include "report/summary.h"

#include <gtest/gtest.h>

#include "sample_report.h"

namespace doppel::report {
namespace {

std::vector<std::string> labels(const Report& report) {
  std::vector<device::KernelRecord> storage;
  std::vector<std::string> out;
  for (const KernelRow& row : kernel_rows(report, storage)) out.push_back(row.label);
  return out;
}

TEST(Merge, AddsTheProcessesOfARun) {
  device::RunRecord second = sample_record(1);
  second.process_id = 13;
  second.time_us = 900;
  const report::Run run = merge("a40", "A40", {sample_record(1), second});
  EXPECT_EQ(run.processes, 2);
  EXPECT_EQ(run.devices, 2);
  EXPECT_EQ(run.time_us, 900);
  EXPECT_DOUBLE_EQ(run.energy_j, 0.02);
  ASSERT_EQ(run.kernels.size(), 2U);
  EXPECT_EQ(run.kernels[0].name, "axpy(int)") << "the longest comes first";
  EXPECT_EQ(run.kernels[0].calls, 4U);
  EXPECT_DOUBLE_EQ(run.kernels[0].time_us, 400);
  EXPECT_DOUBLE_EQ(run.kernels[0].occupancy, 0.75);
  EXPECT_EQ(run.launches(), 8U);
  EXPECT_EQ(run.copies[0].bytes, 8192U);
}

TEST(KernelRows, NamesLoseTheirSignatures) {
  EXPECT_EQ(labels(sample_comparison()),
            (std::vector<std::string>{"axpy [84 x 256]", "fill<float> [64 x 256]"}));
}

TEST(KernelRows, OverloadsKeepThem) {
  Report report = sample_comparison();
  report.runs[0].kernels = {sample_kernel("f(int)", 1, 1), sample_kernel("f(float)", 1, 1)};
  report.runs.pop_back();
  EXPECT_EQ(labels(report), (std::vector<std::string>{"f(int) [1 x 256]", "f(float) [1 x 256]"}));
}

TEST(KernelRows, ShapesThatFollowTheCardAreOneRow) {
  Report report = sample_comparison();
  report.runs[0].kernels = {sample_kernel("f", 84, 10), sample_kernel("f", 42, 5)};
  report.runs[1].kernels = {sample_kernel("f", 110, 6)};
  std::vector<device::KernelRecord> storage;
  const std::vector<KernelRow> rows = kernel_rows(report, storage);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].label, "f [shapes vary]");
  EXPECT_EQ(rows[0].of_run[0]->time_us, 15);
  EXPECT_EQ(rows[0].of_run[0]->calls, 4U);
  EXPECT_EQ(rows[0].of_run[1]->time_us, 6);
}

TEST(KernelRows, AKernelOfOneCardOnlyHasAGap) {
  Report report = sample_comparison();
  report.runs[1].kernels.pop_back();
  std::vector<device::KernelRecord> storage;
  const std::vector<KernelRow> rows = kernel_rows(report, storage);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1].of_run[1], nullptr);
  EXPECT_NE(to_text(comparison(report)).find("-"), std::string::npos);
}

TEST(Verdict, NamesTheFasterAndTheThriftier) {
  Report report = sample_comparison();
  EXPECT_EQ(report.verdict.faster, "rtx-pro-5000-blackwell");
  EXPECT_DOUBLE_EQ(report.verdict.time_ratio, 2);
  EXPECT_DOUBLE_EQ(report.verdict.energy_ratio, 2);
  EXPECT_FALSE(report.verdict.within_error);
  report.error_band->mean_percent = 60;
  judge(report);
  EXPECT_TRUE(report.verdict.within_error);
}

TEST(Verdict, SaysWhereTheHostTakesMostOfTheTime) {
  Report report = sample_comparison();
  EXPECT_EQ(report.verdict.text().find("From start to end"), std::string::npos);
  report.runs[0].time_us = 10400;
  report.runs[1].time_us = 10200;
  judge(report);
  EXPECT_NE(report.verdict.text().find("10.2 ms and 10.4 ms: 1.02x"), std::string::npos)
      << report.verdict.text();
}

TEST(Verdict, SaysWhenItsErrorIsUnknown) {
  Report report = sample_comparison();
  report.error_band.reset();
  judge(report);
  EXPECT_NE(report.verdict.text().find("has not been measured"), std::string::npos);
}

TEST(Verdict, IsWithheldWhereARunFailedOrWasNotTimed) {
  Report report = sample_comparison();
  report.runs[1].exit = 1;
  judge(report);
  EXPECT_TRUE(report.verdict.faster.empty());
  report = sample_comparison();
  report.runs[0].timing_depth = "off";
  judge(report);
  EXPECT_TRUE(report.verdict.faster.empty());
  EXPECT_NE(report.verdict.text().find("was not timed"), std::string::npos);
}

TEST(Verdict, OneRunHasNone) {
  Report report = sample_comparison();
  report.runs.pop_back();
  judge(report);
  EXPECT_TRUE(report.verdict.sentences.empty());
}

}  // namespace
}  // namespace doppel::report
