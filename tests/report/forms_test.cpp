#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

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

TEST(Forms, FollowFromTheEnding) {
  EXPECT_EQ(form_of("a.json").value(), Form::Json);
  EXPECT_EQ(form_of("a.trace.json").value(), Form::Trace);
  EXPECT_EQ(form_of("a.md").value(), Form::Markdown);
  EXPECT_EQ(form_of("a.csv").value(), Form::Csv);
  EXPECT_EQ(form_of("a.html").value(), Form::Html);
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

TEST(Forms, TheTraceHasALineForEachStreamAndEngine) {
  const auto trace = nlohmann::json::parse(to_trace(sample_comparison()));
  std::size_t threads = 0;
  std::size_t slices = 0;
  for (const auto& event : trace["traceEvents"]) {
    threads += event["name"] == "thread_name" ? 1 : 0;
    slices += event["ph"] == "X" ? 1 : 0;
  }
  EXPECT_EQ(threads, 4U);
  EXPECT_EQ(slices, 4U);
}

TEST(Forms, NamesThatAreNoUtf8DoNotBreakJson) {
  Report report = sample_comparison();
  report.runs[0].kernels[0].name = "kernel \xff";
  EXPECT_FALSE(nlohmann::json::parse(to_json(report), nullptr, false).is_discarded());
}

}  // namespace
}  // namespace doppel::report
