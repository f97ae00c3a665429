// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "report/kernel_name.h"
#include "report/quantities.h"
#include "report/table.h"
#include "report/write_report.h"
#include "sample_report.h"

namespace doppel::report {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// Columns of a line of RFC 4180.
std::size_t csv_columns(const std::string& line) {
  bool quoted = false;
  std::size_t columns = 1;
  for (const char c : line) {
    if (c == '"') quoted = !quoted;
    if (c == ',' && !quoted) ++columns;
  }
  return columns;
}

TEST(Quantities, AreShortAndCarryTheirUnit) {
  EXPECT_EQ(time_text(0.5), "500 ns");
  EXPECT_EQ(time_text(12.34), "12.3 us");
  EXPECT_EQ(time_text(999.9), "1.00 ms");
  EXPECT_EQ(time_text(4.56e6), "4.56 s");
  EXPECT_EQ(time_text(1e9), "1000 s");
  EXPECT_EQ(bytes_text(0), "0 B");
  EXPECT_EQ(bytes_text(1536), "1.50 KiB");
  EXPECT_EQ(energy_text(0.0123), "12.3 mJ");
  EXPECT_EQ(count_text(301), "301");
  EXPECT_EQ(count_text(16.8e6), "16.8 M");
  EXPECT_EQ(ratio_text(1.814), "1.81x");
  EXPECT_EQ(ratio_text(0), "-");
  EXPECT_EQ(figures(38.7072), "38.7");
  EXPECT_EQ(figures(2223.3), "2,223");
  EXPECT_EQ(figures(-1234567), "-1,234,567");
}

TEST(Tables, AreAligned) {
  Table table{{{"name"}, {"value", Align::Right}}, {}};
  table.add({"a", "1"});
  table.add({"bcd", "200"});
  EXPECT_EQ(to_text(table), "name  value\n-----------\na         1\nbcd     200\n");
  EXPECT_EQ(to_markdown(table), "| name | value |\n| --- | ---: |\n| a | 1 |\n| bcd | 200 |\n");
}

TEST(Tables, LongNamesLoseTheirMiddle) {
  EXPECT_EQ(shortened("abcdefghijklmnop", 12), "abcdef...nop");
  EXPECT_EQ(shortened("short", 12), "short");
}

TEST(Tables, ANarrowTerminalGetsShortNamesThenTitlesOfSeveralLinesThenLabelsOfTheirOwn) {
  Table table{{{""}, {"RTX PRO 5000 Blackwell", Align::Right}, {"bound by"}}, {}};
  table.add({"void very::long_scope::kernel_of_mine<int, 12345>(float*, float const*) [grid 32, block 128]",
             "1 us", "dram"});
  table.rows[0].kernel = {"void very::long_scope::kernel_of_mine<int, 12345>(float*, float const*)",
                          " [grid 32, block 128]"};
  for (const std::size_t width : {200U, 120U, 80U, 60U, 44U, 30U}) {
    const std::string text = to_text(table, width);
    EXPECT_NE(text.find("kernel_of_mine"), std::string::npos) << text;
    for (const std::string& line : lines_of(text)) EXPECT_LE(line.size(), width) << text;
  }
  EXPECT_NE(to_text(table, 120).find("[grid 32, block 128]"), std::string::npos);
}

Table table_of(const std::vector<std::string>& names) {
  Table table{{{""}}, {}};
  for (const std::string& name : names) {
    table.add({name + " [grid 4]"});
    table.rows.back().kernel = {name, " [grid 4]"};
  }
  return table;
}

TEST(Tables, KernelsThatLookAlikeAreToldApart) {
  std::vector<std::string> names;
  for (const char* argument : {"7", "12", "13"})
    names.push_back(std::string("f<policy<int, none>, thrust::map<scope::Op<") + argument +
                    ">, float*>, int>");
  EXPECT_EQ(fitted_labels(table_of(names), 40),
            (std::vector<std::string>{"f<...Op<7>...> [grid 4]", "f<...Op<12>...> [grid 4]",
                                      "f<...Op<13>...> [grid 4]"}));
  EXPECT_EQ(fitted_labels(table_of(names), 18),
            (std::vector<std::string>{"f<...> #1 [grid 4]", "f<...> #2 [grid 4]", "f<...> #3 [grid 4]"}));
}

TEST(Tables, TextIsWrappedBetweenWords) { EXPECT_EQ(wrapped("one two  three", 8), "one two\nthree"); }

TEST(KernelName, ItsPartsAreToldApart) {
  const KernelName name =
      parts_of("void ns::(anonymous namespace)::sort<(ns::Order)0, std::less<int> >(int*, int)");
  EXPECT_EQ(name.scope, "ns::(anonymous namespace)::");
  EXPECT_EQ(name.base, "sort");
  EXPECT_EQ(name.arguments, "<(ns::Order)0, std::less<int> >");
  EXPECT_EQ(parts_of("a::operator<< <int>(int)").base, "operator<<");
  EXPECT_EQ(parts_of("cudapy::__main__::add[abi:v1][abi:cw51](int)").base, "add");
  EXPECT_EQ(parts_of("plain").base, "plain");
}

TEST(KernelName, KeepsItsBaseToTheLast) {
  const std::string name =
      "void cub::CUB_300001_SM_860::DeviceRadixSortOnesweepKernel<cub::policy<int, cub::none>, (bool)0, "
      "unsigned int>"
      "(unsigned int*, cub::array<int, 4>)";
  EXPECT_EQ(fitted_name(name, 500), name.substr(5));
  EXPECT_EQ(fitted_name(name, 120),
            "cub::CUB_300001_SM_860::DeviceRadixSortOnesweepKernel<cub::policy<int, cub::none>, (bool)0, "
            "unsigned int>");
  EXPECT_EQ(fitted_name(name, 90),
            "DeviceRadixSortOnesweepKernel<cub::policy<int, cub::none>, (bool)0, unsigned int>");
  EXPECT_EQ(fitted_name(name, 72), "DeviceRadixSortOnesweepKernel<policy<...>, (...)0, unsigned int>");
  EXPECT_EQ(fitted_name(name, 40), "DeviceRadixSortOnesweepKernel<...>");
  EXPECT_EQ(fitted_name(name, 20), "DeviceRadixS...ernel");
}

TEST(Forms, FollowFromTheEnding) {
  EXPECT_EQ(form_of("a.json").value(), Form::Json);
  EXPECT_EQ(form_of("a.trace.json").value(), Form::Trace);
  EXPECT_EQ(form_of("a.md").value(), Form::Markdown);
  EXPECT_EQ(form_of("a.csv").value(), Form::Csv);
  EXPECT_EQ(form_of("a.html").value(), Form::Html);
  EXPECT_EQ(form_of("-").value(), Form::Json);
  EXPECT_EQ(form_of("-.md").value(), Form::Markdown);
  EXPECT_FALSE(form_of("a.txt"));
}

TEST(Forms, EveryCsvLineHasTheColumnsOfItsHead) {
  const std::vector<std::string> lines = lines_of(to_csv(sample_comparison()));
  ASSERT_EQ(lines.size(), 1U + 2 * 4);
  for (const std::string& line : lines) EXPECT_EQ(csv_columns(line), csv_columns(lines[0])) << line;
}

TEST(Forms, HtmlEscapesNames) {
  const std::string html = to_html(sample_comparison());
  EXPECT_NE(html.find("&quot;quoted&quot;, &lt;a&amp;b&gt;"), std::string::npos);
  EXPECT_EQ(html.find("<a&b>"), std::string::npos);
}

TEST(Forms, HtmlShortensNamesAndKeepsThemWholeInTooltips) {
  Report report = sample_comparison();
  const std::string name = "void scope::" + std::string(200, 'n') + "::base<int>(int)";
  for (report::Run& run : report.runs) run.kernels[0].name = name;
  const std::string html = to_html(report);
  EXPECT_NE(html.find(">base&lt;int&gt; [grid 84, block 256]</span>"), std::string::npos) << html;
  EXPECT_NE(html.find("<span title=\"" + name.substr(5, 212)), std::string::npos);
}

TEST(Forms, HtmlHasWhatAPageNeeds) {
  Report report = sample_comparison();
  report.date = "2026-01-31T12:00:00Z";
  report.flags = {"compare", "--timing", "full"};
  const std::string html = to_html(report);
  for (const char* text :
       {"name=\"viewport\"", "prefers-color-scheme: dark", "@media print", "<caption>", "scope=\"col\"",
        "scope=\"row\"", "2026-01-31T12:00:00Z", "doppel compare --timing full"}) {
    EXPECT_NE(html.find(text), std::string::npos) << text;
  }
  EXPECT_EQ(html.find("http"), std::string::npos) << "nothing is fetched";
}

TEST(Forms, CsvHasOneQuantityAColumnAndNothingForWhatIsNotKnown) {
  Report report = sample_comparison();
  report.runs[1].timing_depth = "off";
  const std::vector<std::string> lines = lines_of(to_csv(report));
  EXPECT_TRUE(
      lines[0].starts_with("card,row,name,grid_x,grid_y,grid_z,block_x,block_y,block_z,calls,time_us,"));
  EXPECT_TRUE(lines[1].starts_with("rtx-a6000,kernel,axpy(int),84,1,1,256,1,1,2,400,100,300,dram,32,"))
      << lines[1];
  EXPECT_TRUE(lines[5].starts_with("rtx-pro-5000-blackwell,kernel,axpy(int),84,1,1,256,1,1,2,,,,,,0,,"))
      << lines[5];
}

TEST(Forms, JsonHasNullForWhatIsNotKnown) {
  Report report = sample_comparison();
  report.runs[1].timing_depth = "off";
  report.runs[1].signal = 11;
  judge(report);
  const auto json = nlohmann::json::parse(to_json(report));
  EXPECT_TRUE(json["runs"][1]["time_us"].is_null());
  EXPECT_TRUE(json["runs"][1]["kernels"][0]["occupancy"].is_null());
  EXPECT_EQ(json["runs"][1]["kernels"][0]["calls"], 2);
  EXPECT_EQ(json["runs"][1]["signal"], "SIGSEGV");
  EXPECT_TRUE(json["runs"][0]["signal"].is_null());
  EXPECT_TRUE(json["verdict"]["faster"].is_null());
  EXPECT_TRUE(json["verdict"]["time_ratio"].is_null());
  EXPECT_FALSE(json["verdict"]["withheld"].is_null());
}

TEST(Forms, TheTraceHasALineForEachStreamAndEngine) {
  const auto trace = nlohmann::json::parse(to_trace(sample_comparison()));
  std::size_t threads = 0;
  std::size_t slices = 0;
  for (const auto& event : trace["traceEvents"]) {
    threads += event["name"] == "thread_name" ? 1 : 0;
    slices += event["ph"] == "X" ? 1 : 0;
    if (event["ph"] != "X") continue;
    EXPECT_FALSE(event["cat"].get<std::string>().empty());
    if (event["cat"] == "kernel") {
      EXPECT_EQ(event["args"]["grid"][0], 84);
      EXPECT_EQ(event["args"]["registers"], 32);
    }
    if (event["cat"] == "copy") {
      EXPECT_EQ(event["args"]["bytes"], 4096);
      EXPECT_EQ(event["ts"], 0) << "every run begins at zero";
    }
  }
  EXPECT_EQ(threads, 6U);
  EXPECT_EQ(slices, 8U);
}

// What a reader of Chrome trace events asks of them. Perfetto drops a slice that begins within another one of
// its thread and ends behind it.
void expect_well_formed(const nlohmann::json& trace) {
  const auto nanoseconds = [](const nlohmann::json& time) {
    return static_cast<std::int64_t>(time.get<double>() * 1000);  // as readers cut it
  };
  struct Slice {
    std::int64_t start, end;
    std::string category;
  };
  std::map<std::pair<int, int>, std::vector<Slice>> threads;
  std::map<std::pair<int, std::string>, std::int64_t> counters;
  for (const auto& event : trace["traceEvents"]) {
    const std::string phase = event.at("ph");
    const int process = event.at("pid");
    EXPECT_FALSE(event.at("name").get<std::string>().empty());
    EXPECT_TRUE(event.at("args").is_object());
    if (phase == "M") continue;
    const std::int64_t start = nanoseconds(event.at("ts"));
    EXPECT_GE(start, 0);
    if (phase == "C") {
      const auto [last, fresh] = counters.try_emplace({process, event.at("name")}, start);
      EXPECT_TRUE(fresh || last->second <= start) << event;
      last->second = start;
      ASSERT_EQ(event.at("args").size(), 1U);
      EXPECT_GE(event.at("args").front().get<double>(), 0);
      continue;
    }
    ASSERT_EQ(phase, "X");
    const std::int64_t time = nanoseconds(event.at("dur"));
    EXPECT_GE(time, 0);
    threads[{process, event.at("tid")}].push_back({start, start + time, event.at("cat")});
  }
  for (const auto& [thread, slices] : threads) {
    std::vector<Slice> open;
    std::int64_t before = 0;
    for (const Slice& slice : slices) {
      EXPECT_LE(before, slice.start) << "in the order of their starts";
      before = slice.start;
      while (!open.empty() && open.back().end <= slice.start) open.pop_back();
      if (open.empty() || slice.category != "host waits") {
        EXPECT_TRUE(open.empty()) << "only a wait is within another slice, " << slice.category;
      } else {
        EXPECT_LE(slice.end, open.back().end) << "it ends with its call";
      }
      open.push_back(slice);
    }
  }
}

TEST(Trace, CountersOfKernelsThatLookAlikeAreToldApart) {
  Report report = sample_comparison();
  report.runs.pop_back();
  const std::string scope(80, 's');
  report.runs[0].timeline[0].sm_room = {{20, scope + "::k<" + scope + "1>(int)", 2},
                                        {20, scope + "::k<" + scope + "2>(int)", 3}};
  std::set<std::string> names;
  const auto trace = nlohmann::json::parse(to_trace(report));
  for (const auto& event : trace["traceEvents"]) {
    if (event["name"].get<std::string>().starts_with("SMs")) names.insert(event["name"]);
  }
  EXPECT_EQ(names.size(), 2U);
}

std::set<std::string> thread_names(const nlohmann::json& trace) {
  std::set<std::string> names;
  for (const auto& event : trace["traceEvents"]) {
    if (event["name"] == "thread_name") names.insert(event["args"]["name"].get<std::string>());
  }
  return names;
}

TEST(Trace, IsWellFormed) { expect_well_formed(nlohmann::json::parse(to_trace(sample_comparison()))); }

TEST(Trace, WhatRunsSideBySideOnAStreamHasLinesOfItsOwn) {
  Report report = sample_comparison();
  report.runs.pop_back();
  std::vector<device::TimelineSlice>& slices = report.runs[0].timeline[0].slices;
  // Branches of a graph, and what follows them at the same time as they end.
  slices = {{"stream 3", "a", 10, 10, "kernel", 0, 0},
            {"stream 3", "b", 12, 20, "kernel", 0, 0},
            {"stream 3", "c", 20, 5, "kernel", 0, 0},
            {"stream 4", "d", 10, 10, "kernel", 0, 0}};
  const auto trace = nlohmann::json::parse(to_trace(report));
  expect_well_formed(trace);
  EXPECT_EQ(thread_names(trace), (std::set<std::string>{"stream 3", "stream 3 (2)", "stream 4"}));
}

// Times such as 0.1 + 0.2: neither their sums nor their decimal form make one slice run into the next.
TEST(Trace, RoundingMakesNoOverlap) {
  Report report = sample_comparison();
  report.runs.pop_back();
  std::vector<device::TimelineSlice>& slices = report.runs[0].timeline[0].slices;
  slices.clear();
  double at = 1.0 / 3;
  for (int i = 0; i < 2000; ++i) {
    const double next = at + 0.0005 + 0.1234567 * (i % 7);
    slices.push_back({"host thread 1", "call", at, next - at, "host call", -1, 0});
    slices.push_back({"host thread 1", "waits for the card", at + (next - at) / 3, (next - at) * 2 / 3,
                      "host waits", -1, 0});
    slices.push_back({"stream 1", "kernel", at, next - at, "kernel", 0, 0});
    at = next;
  }
  const auto trace = nlohmann::json::parse(to_trace(report));
  expect_well_formed(trace);
  EXPECT_EQ(thread_names(trace), (std::set<std::string>{"host thread 1", "stream 1"}));
}

TEST(Trace, CountersArePowerClockAndTheRoomThatEachKernelTakes) {
  Report report = sample_comparison();
  report.runs.pop_back();
  report.runs[0].timeline[0].sm_room = {
      {30, "b", -2.5}, {20, "b", 2}, {20, "a", 4}, {20, "b", 0.5}, {25, "a", -4}};
  const auto trace = nlohmann::json::parse(to_trace(report));
  expect_well_formed(trace);
  std::map<std::string, std::vector<double>> values;
  for (const auto& event : trace["traceEvents"]) {
    if (event["ph"] == "C") values[event["name"]].push_back(event["args"].front().get<double>());
  }
  EXPECT_EQ(values, (std::map<std::string, std::vector<double>>{{"power", {85, 210.5, 83}},
                                                                {"clock", {1800, 1785, 1800}},
                                                                {"SMs taken by a", {4, 0}},
                                                                {"SMs taken by b", {2.5, 0}}}));
}

TEST(Forms, NamesThatAreNoUtf8DoNotBreakJson) {
  Report report = sample_comparison();
  report.runs[0].kernels[0].name = "kernel \xff";
  EXPECT_FALSE(nlohmann::json::parse(to_json(report), nullptr, false).is_discarded());
}

}  // namespace
}  // namespace doppel::report
