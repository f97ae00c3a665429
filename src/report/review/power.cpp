// SPDX-License-Identifier: Apache-2.0
// What each card draws and at what clock it runs while the suite's kernels are timed.
#include <fmt/format.h>

#include <algorithm>

#include "report/html_text.h"
#include "report/quantities.h"
#include "report/review/sections.h"
#include "report/review/shown.h"

namespace doppel::report::review {
namespace {

Figure run_figure(const CardRun& run, const Measure& measure, const char* what, double value,
                  const char* unit) {
  return {
      .id = fmt::format("{}.{}.{}", what, run.card.id, measure.test),
      .how = How::Predicted,
      .source = fmt::format("mean while the kernel of {} ran on the double of {}", measure.test, run.name),
      .text = fmt::format("{:.0f}", value),
      .value = value,
      .unit = unit,
      .card = run.card.id};
}

std::vector<std::string> timed_tests(const Review& review) {
  std::vector<std::string> out;
  for (const CardRun& run : review.cards) {
    for (const Measure& measure : run.measures) {
      if (measure.value > 0 && measure.watts > 0 && std::ranges::find(out, measure.test) == out.end())
        out.push_back(measure.test);
    }
  }
  return out;
}

// The watts, the clock and the work a watt of a test on a card; and what the limit does to it, in words.
struct Cells {
  std::string watts, clock, per_watt, limit;
};

std::string words_of_limit(const CardRun& run, const Measure& measure) {
  constexpr double kAtLimit = 0.999;
  if (measure.power_bound) return "slowed by the power limit";
  return measure.watts >= kAtLimit * run.card.power.limit_w ? "too short for the power limit to slow it" : "";
}
Cells cells_of(Figures& figures, const CardRun& run, const Measure& measure) {
  const double per_watt = measure.value / measure.watts;
  return {figures.show(run_figure(run, measure, "watts", measure.watts, "W")),
          figures.show(run_figure(run, measure, "clock", measure.clock_mhz, "MHz")),
          figures.show({.id = fmt::format("per_watt.{}.{}", run.card.id, measure.test),
                        .how = How::Derived,
                        .source = "the test's figure by its watts",
                        .text = per_watt < 1 ? fmt::format("{:.3f}", per_watt) : rounded(per_watt),
                        .value = per_watt,
                        .unit = measure.unit + "/W",
                        .card = run.card.id,
                        .from = {fmt::format("run.{}.{}", run.card.id, measure.test),
                                 fmt::format("watts.{}.{}", run.card.id, measure.test)}}),
          words_of_limit(run, measure)};
}

// A bar for the watts of each card; the mark is its limit.
BarGroup watts_bars(Figures& figures, const Review& review, const Measure& test) {
  BarGroup group;
  for (std::size_t i = 0; i < review.cards.size(); ++i) {
    const CardRun& run = review.cards[i];
    const Measure* measure = find(run, test.test);
    if (measure == nullptr || measure->watts <= 0) continue;
    const Cells cells = cells_of(figures, run, *measure);
    group.bars.push_back({.card = i,
                          .value = measure->watts,
                          .limit = run.card.power.limit_w,
                          .label = figures.name(run.name) + " " + cells.watts + " W at " + cells.clock +
                                   " MHz" + (cells.limit.empty() ? "" : ", " + cells.limit)});
  }
  group.name = title(figures, test) + ", W";
  return group;
}

// All tests whose kernel was timed.
HtmlTable watts_table(Figures& figures, const Review& review) {
  HtmlTable table{
      .caption = "While the test's kernel runs: average power, clock, and the test's figure for each watt",
      .columns = {"Test"},
      .rows = {}};
  for (const CardRun& run : review.cards) {
    table.columns.push_back(figures.name(run.name) + ", W");
    table.columns.emplace_back("MHz");
    table.columns.emplace_back("per W");
  }
  for (const std::string& test : timed_tests(review)) {
    const Measure* one = any(review, test);
    std::vector<std::string> row = {title(figures, *one) + ", " + escaped(one->unit)};
    for (const CardRun& run : review.cards) {
      const Measure* measure = find(run, test);
      const bool known = measure != nullptr && measure->watts > 0;
      const Cells cells = known ? cells_of(figures, run, *measure) : Cells{"-", "-", "-", ""};
      row.insert(row.end(), {cells.watts, cells.clock, cells.per_watt});
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace

std::string power(const Review& review, Figures& figures) {
  HtmlTable table{.caption = "", .columns = card_columns(figures, review, "Specification, W"), .rows = {}};
  struct Row {
    const char* name;
    const char* key;
    double card::Power::* value;
  };
  constexpr Row kRows[] = {{"Power limit", "power.limit_w", &card::Power::limit_w},
                           {"Idle", "power.idle_w", &card::Power::idle_w},
                           {"Awake, nothing running", "power.awake_w", &card::Power::awake_w}};
  for (const Row& each : kRows) {
    std::vector<std::string> row = {each.name};
    for (const CardRun& run : review.cards) {
      const double value = run.card.power.*each.value;
      row.push_back(of_file(figures, run.card, each.key, value, "W", fmt::format("{:.0f}", value)));
    }
    table.rows.push_back(std::move(row));
  }
  const std::vector<std::string> timed = timed_tests(review);
  if (timed.empty()) return table_html(table) + paragraph("Nothing was timed with its power.");
  std::vector<BarGroup> groups;
  for (const char* shown :
       {"fma-fp32", "fma-fp64", "stream-triad", "sgemm-step-6", "gemm-f16-f32", "attention"}) {
    if (std::ranges::find(timed, shown) != timed.end())
      groups.push_back(watts_bars(figures, review, *any(review, shown)));
  }
  return table_html(table) +
         paragraph(
             "Average power while a test's kernel runs; the upright mark is the power limit. Noise and "
             "heat are not modelled.") +
         bars_html(groups, Scale::OfAll) + "<h4>All tests</h4>\n<div class=\"across brief\">" +
         table_html(watts_table(figures, review)) + "</div>\n";
}

}  // namespace doppel::report::review
