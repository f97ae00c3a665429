// SPDX-License-Identifier: Apache-2.0
// What each card draws and at what clock it runs while the suite's kernels are timed.
#include <fmt/format.h>

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

Bar watts_bar(Figures& figures, const Review& review, std::size_t card, const Measure& measure) {
  const CardRun& run = review.cards[card];
  Bar bar{.card = card, .value = measure.watts, .limit = run.card.power.limit_w};
  bar.label = figures.name(run.name) + " " +
              figures.show(run_figure(run, measure, "watts", measure.watts, "W")) + " W at " +
              figures.show(run_figure(run, measure, "clock", measure.clock_mhz, "MHz")) + " MHz" +
              (measure.power_bound ? ", held by the power limit" : "");
  const double per_watt = measure.value / measure.watts;
  bar.label +=
      "; " +
      figures.show({.id = fmt::format("per_watt.{}.{}", run.card.id, measure.test),
                    .how = How::Derived,
                    .source = "the test's figure by its watts",
                    .text = per_watt < 10 ? fmt::format("{:.2f}", per_watt) : report::figures(per_watt),
                    .value = per_watt,
                    .unit = measure.unit + "/W",
                    .card = run.card.id,
                    .from = {fmt::format("run.{}.{}", run.card.id, measure.test),
                             fmt::format("watts.{}.{}", run.card.id, measure.test)}}) +
      " " + escaped(measure.unit) + " a watt";
  return bar;
}

}  // namespace

std::string power(const Review& review, Figures& figures) {
  HtmlTable table{
      .caption = "", .columns = card_columns(figures, review, "From the cards' files, W"), .rows = {}};
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
  std::vector<BarGroup> groups;
  for (const Measure& first : review.cards[0].measures) {
    BarGroup group;
    for (std::size_t i = 0; i < review.cards.size(); ++i) {
      const Measure* measure = find(review.cards[i], first.test);
      if (measure != nullptr && measure->watts > 0)
        group.bars.push_back(watts_bar(figures, review, i, *measure));
    }
    if (group.bars.empty()) continue;
    group.name = title(figures, first);
    groups.push_back(std::move(group));
  }
  if (groups.empty()) return table_html(table) + paragraph("Nothing was timed with its power.");
  return table_html(table) +
         paragraph(
             "Watts on average while a test's kernel runs, as if it went on for long; the upright mark is "
             "the "
             "power limit. Noise and heat are not modelled.") +
         bars_html(groups, Scale::OfAll);
}

}  // namespace doppel::report::review
