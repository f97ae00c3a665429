// SPDX-License-Identifier: Apache-2.0
#include "report/summary.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "sample_report.h"

namespace doppel::report {
namespace {

std::vector<std::string> labels(const Report& report) {
  std::vector<device::KernelRecord> storage;
  std::vector<std::string> out;
  for (const KernelRow& row : kernel_rows(report, storage)) out.push_back(row.label());
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
            (std::vector<std::string>{"axpy [grid 84, block 256]", "fill<float> [grid 64, block 256]"}));
}

TEST(KernelRows, OverloadsKeepThem) {
  Report report = sample_comparison();
  report.runs[0].kernels = {sample_kernel("f(int)", 1, 1), sample_kernel("f(float)", 1, 1)};
  report.runs.pop_back();
  EXPECT_EQ(labels(report),
            (std::vector<std::string>{"f(int) [grid 1, block 256]", "f(float) [grid 1, block 256]"}));
}

TEST(KernelRows, ShapesThatFollowTheCardAreOneRow) {
  Report report = sample_comparison();
  report.runs[0].kernels = {sample_kernel("f", 84, 10), sample_kernel("f", 42, 5)};
  report.runs[1].kernels = {sample_kernel("f", 110, 6)};
  std::vector<device::KernelRecord> storage;
  const std::vector<KernelRow> rows = kernel_rows(report, storage);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].label(), "f [shapes vary]");
  EXPECT_EQ(rows[0].of_run[0]->time_us, 15);
  EXPECT_EQ(rows[0].of_run[0]->calls, 4U);
  EXPECT_EQ(rows[0].of_run[1]->time_us, 6);
}

TEST(KernelRows, AKernelOfOneCardKeepsItsShape) {
  Report report = sample_comparison();
  report.runs[0].kernels = {sample_kernel("f", 84, 10)};
  report.runs[1].kernels.clear();
  EXPECT_EQ(labels(report), (std::vector<std::string>{"f [grid 84, block 256]"}));
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
  EXPECT_NE(report.verdict.text().find("10.2 ms on RTX PRO 5000 Blackwell and 10.4 ms on RTX A6000: 1.02x"),
            std::string::npos)
      << report.verdict.text();
}

TEST(Verdict, SaysWhenItsErrorIsUnknown) {
  Report report = sample_comparison();
  report.error_band.reset();
  judge(report);
  EXPECT_NE(report.verdict.text().find("has not been measured"), std::string::npos);
}

// The verdict's first sentence after a change of one run.
template <typename Change>
std::string sentence_after(Change change) {
  Report report = sample_comparison();
  change(report);
  judge(report);
  EXPECT_TRUE(report.verdict.faster.empty());
  EXPECT_EQ(report.verdict.time_ratio, 0);
  const std::vector<std::string> said = remarks(report, Reader::Terminal);
  EXPECT_TRUE(
      std::none_of(said.begin(), said.end(), [](const auto& each) { return each.starts_with("Verdict:"); }));
  const std::string table = to_text(comparison(report), 200);
  EXPECT_EQ(table.find("2.00x", table.find("totals")), std::string::npos) << "no ratio of totals either\n"
                                                                          << table;
  return report.verdict.text();
}

TEST(Verdict, IsWithheldWhereARunFailedOrWasNotTimed) {
  const std::string both = "No verdict between RTX A6000 and RTX PRO 5000 Blackwell: ";
  EXPECT_EQ(sentence_after([](Report& r) { r.runs[1].exit = 1; }),
            both + "on RTX PRO 5000 Blackwell the program ended with status 1.");
  EXPECT_EQ(sentence_after([](Report& r) { r.runs[0].timing_depth = "off"; }),
            both + "on RTX A6000 nothing was timed.");
  EXPECT_EQ(sentence_after([](Report& r) {
              r.runs[0].exit = 139;
              r.runs[0].signal = 11;
            }),
            both + "on RTX A6000 the program was ended by SIGSEGV (Segmentation fault).");
  EXPECT_EQ(
      sentence_after([](Report& r) { r.runs[0].exit = 139; }),
      both +
          "on RTX A6000 the program ended with status 139, as shells say of SIGSEGV (Segmentation fault).");
  EXPECT_EQ(sentence_after([](Report& r) { r.runs[0].timed_out = true; }),
            both + "on RTX A6000 the program did not end in its time.");
}

TEST(Verdict, IsWithheldWhereSomethingWasRefusedOrWentWrong) {
  const std::string both = "No verdict between RTX A6000 and RTX PRO 5000 Blackwell: ";
  EXPECT_EQ(sentence_after([](Report& r) { r.runs[0].diagnostics = {{"refused", "a module", 1}}; }),
            both + "on RTX A6000 Doppel refused one request.");
  EXPECT_EQ(sentence_after([](Report& r) { r.runs[1].diagnostics = {{"illegal address", "axpy", 2}}; }),
            both + "on RTX PRO 5000 Blackwell 2 faults were found in its kernels.");
  EXPECT_EQ(sentence_after([](Report& r) { r.runs[1].diagnostics = {{"unfinished", "", 3}}; }),
            both + "on RTX PRO 5000 Blackwell the program ended before 3 launches had.");
}

// A program whose kernels one card cannot run, and that does not look: the card that ran nothing was
// "faster".
TEST(Verdict, NeedsTheSameLaunches) {
  const std::string both = "No verdict between RTX A6000 and RTX PRO 5000 Blackwell: ";
  EXPECT_EQ(sentence_after([](Report& r) { r.runs[0].kernels.clear(); }),
            both + "kernels were launched 0 times on RTX A6000 and 4 times on RTX PRO 5000 Blackwell.");
  EXPECT_EQ(sentence_after([](Report& r) { r.runs[0].kernels[0].name = "other(int)"; }),
            both + "axpy(int) was launched 0 times on RTX A6000 and 2 times on RTX PRO 5000 Blackwell.");
  EXPECT_EQ(
      sentence_after([](Report& r) {
        for (report::Run& run : r.runs) run.kernels.clear();
        r.runs[0].copies[0].calls = 1;
      }),
      both + "copies 'host to device' were made 1 time on RTX A6000 and 2 times on RTX PRO 5000 Blackwell.");
}

TEST(Verdict, PagesThatMoveAreNoCopiesOfThePrograms) {
  Report report = sample_comparison();
  for (report::Run& run : report.runs) run.kernels.clear();
  report.runs[0].copies.push_back(report.runs[0].copies[0]);
  report.runs[0].copies.back().kind = "device to host (managed)";
  judge(report);
  EXPECT_EQ(report.verdict.withheld, "");
}

TEST(Remarks, AnAssumptionIsToldAndIsNoFault) {
  Report report = sample_comparison();
  report.runs[0].diagnostics = {{"assumed", "the host touched nothing", 1}};
  judge(report);
  EXPECT_EQ(report.verdict.withheld, "");
  EXPECT_EQ(remarks(report, Reader::Terminal)[0], "RTX A6000: assumed: the host touched nothing");
}

TEST(Verdict, TellsTheErrorByKindOfKernel) {
  Report report = sample_comparison();
  report.error_band->p90_percent = 40;
  report.error_band->kinds = {{"stencils", 22, 41, 3}, {"row-wise kernels", 12, 19, 2}};
  judge(report);
  EXPECT_NE(report.verdict.text().find(
                "15 %, nine of ten within 40 % (20 measurements: streams); by kind: stencils 22 % "
                "(nine of ten within 41 %), row-wise kernels 12 % (nine of ten within 19 %)."),
            std::string::npos)
      << report.verdict.text();
}

TEST(Verdict, SaysWhichCardsNobodyMeasured) {
  Report report = sample_comparison();
  EXPECT_EQ(report.verdict.text().find("unverified"), std::string::npos);
  report.error_band->cards = {"rtx-a6000"};
  judge(report);
  EXPECT_NE(report.verdict.text().find("RTX PRO 5000 Blackwell is unverified: nobody has measured it"),
            std::string::npos)
      << report.verdict.text();
}

TEST(Remarks, ARunThatASignalEndedIsNotSaidToHaveDoneNothing) {
  Report report = sample_comparison();
  report.runs = {merge("a40", "A40", {})};
  report.runs[0].exit = 139;
  report.runs[0].signal = 11;
  judge(report);
  const std::vector<std::string> said = remarks(report, Reader::Terminal);
  ASSERT_EQ(said.size(), 2U);
  EXPECT_EQ(said[0], "On A40 the program was ended by SIGSEGV (Segmentation fault).");
  EXPECT_EQ(said[1], "What it did on A40 until then is not known.");
}

TEST(Remarks, ATerminalHasSeenAFaultAndAPageHasNot) {
  Report report = sample_comparison();
  report.runs.pop_back();
  report.runs[0].diagnostics = {{"illegal address", "kernel 'axpy(int)': all of it", 1}};
  judge(report);
  EXPECT_EQ(remarks(report, Reader::Terminal)[0], "On RTX A6000 a fault of a kernel was reported (above).");
  EXPECT_EQ(remarks(report, Reader::Page)[0], "RTX A6000: illegal address: kernel 'axpy(int)': all of it");
}

TEST(Comparison, KernelsOfLittleTimeShareARow) {
  Report report = sample_comparison();
  for (report::Run& run : report.runs) {
    for (const char* name : {"a", "b", "c"}) run.kernels.push_back(sample_kernel(name, 4, 0.1));
  }
  const std::string text = to_text(comparison(report));
  EXPECT_NE(text.find("3 kernels under 1 % each"), std::string::npos) << text;
  EXPECT_EQ(text.find("a [grid"), std::string::npos) << text;
}

// "12.3 mJ" in units of 1e-6: what one figure of a cell can be off by is its last digit.
double amount(const std::string& cell) {
  static const std::map<std::string, double> units = {{"ns", 1e-3}, {"us", 1},   {"ms", 1e3}, {"s", 1e6},
                                                      {"uJ", 1},    {"mJ", 1e3}, {"J", 1e6},  {"kJ", 1e9}};
  const auto space = cell.find(' ');
  return std::stod(cell.substr(0, space)) * units.at(cell.substr(space + 1));
}

// The totals of the first card, by their label without the mark.
std::map<std::string, double> totals(const Report& report) {
  const Table table = comparison(report);
  std::map<std::string, double> out;
  bool within = false;
  for (const Row& row : table.rows) {
    if (row.cells.at(0) == "totals") within = true;
    if (!within || row.cells.size() < 3 || row.cells[0] == "peak memory") continue;
    std::string label = row.cells[0];
    if (label.ends_with(" *")) label.resize(label.size() - 2);
    out[label] = amount(row.cells[2]);
  }
  return out;
}

TEST(Comparison, RowsOfTimeAndEnergyAddUp) {
  const std::map<std::string, double> of = totals(sample_comparison());
  EXPECT_NEAR(of.at("card at work") + of.at("card waiting"), of.at("program, start to end"), 1);
  EXPECT_NEAR(of.at("energy of kernels") + of.at("energy of copies") + of.at("energy of waiting"),
              of.at("energy, start to end"), 0.005 * of.at("energy, start to end"));
  Report report = sample_comparison();
  device::RunRecord other = sample_record(3);
  other.process_id = 13;
  report.runs[0] = merge("rtx-a6000", "RTX A6000", {sample_record(2), other});
  const report::Run& run = report.runs[0];
  EXPECT_DOUBLE_EQ(run.kernel_energy_j() + run.copy_energy_j() + run.waiting_energy_j, run.energy_j);
  EXPECT_DOUBLE_EQ(run.busy_us + run.host_us, run.time_us);
}

TEST(Remarks, SayWhereKernelsAndCopiesRanSideBySide) {
  const auto said = [](const Report& report) {
    return std::ranges::any_of(remarks(report, Reader::Terminal), [](const auto& each) {
      return each.starts_with("Kernels and copies ran side");
    });
  };
  Report report = sample_comparison();
  for (report::Run& run : report.runs) run.busy_us = run.kernel_us() + run.copy_us();
  EXPECT_FALSE(said(report));
  report.runs[1].busy_us *= 0.9;
  EXPECT_TRUE(said(report));
}

TEST(Comparison, MarksWhatDependsOnThisMachine) {
  const Report report = sample_comparison();
  EXPECT_NE(to_text(comparison(report)).find("program, start to end *"), std::string::npos);
  EXPECT_TRUE(remarks(report, Reader::Terminal).back().starts_with("* "));
}

TEST(Verdict, OneRunHasNone) {
  Report report = sample_comparison();
  report.runs.pop_back();
  judge(report);
  EXPECT_TRUE(report.verdict.sentences.empty());
}

}  // namespace
}  // namespace doppel::report
