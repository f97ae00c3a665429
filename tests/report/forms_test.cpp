// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
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

TEST(Forms, NamesThatAreNoUtf8DoNotBreakJson) {
  Report report = sample_comparison();
  report.runs[0].kernels[0].name = "kernel \xff";
  EXPECT_FALSE(nlohmann::json::parse(to_json(report), nullptr, false).is_discarded());
}

}  // namespace
}  // namespace doppel::report
