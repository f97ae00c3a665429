// SPDX-License-Identifier: Apache-2.0
// Every test of the suite: both cards, their ratio, and what was published of the same work at the same size.
#include <algorithm>
#include <string>
#include <vector>

#include "report/html_text.h"
#include "report/review/sections.h"
#include "report/review/shown.h"

namespace doppel::report::review {
namespace {

// The tests of both cards, each once, as the suite has them.
std::vector<const Measure*> tests_of(const Review& review) {
  std::vector<const Measure*> out;
  for (const CardRun& run : review.cards) {
    for (const Measure& measure : run.measures) {
      if (std::ranges::none_of(out, [&](const Measure* m) { return m->test == measure.test; }))
        out.push_back(any(review, measure.test));
    }
  }
  return out;
}

std::string published_of(Figures& figures, const Review& review, const std::string& test) {
  std::string out;
  for (const CardRun& run : review.cards) {
    const Measure* measure = find(run, test);
    if (measure == nullptr || measure->published.empty()) continue;
    out += (out.empty() ? "" : ", ") + figures.name(run.name) + " " +
           published(figures, run, *measure, Sources::BehindThem);
  }
  return out;
}

}  // namespace

std::string benchmarks(const Review& review, Figures& figures) {
  const std::vector<const Measure*> tests = tests_of(review);
  HtmlTable table{.caption =
                      "Larger is better; the ratio is the second card's figure over the first's. Published "
                      "figures are of the same work at the same size, on a real card of that name.",
                  .columns = card_columns(figures, review, "Test"),
                  .rows = {}};
  table.columns.emplace_back("Ratio");
  std::vector<std::string> troubles;
  std::vector<BarGroup> beside;
  for (const Measure* test : tests) {
    if (test->value <= 0 && test->trouble.empty()) continue;  // of two cards: they have a section
    const std::string size = setting(figures, *test);
    const std::string real = published_of(figures, review, test->test);
    std::vector<std::string> row = {title(figures, *test) + ", " + escaped(test->unit) +
                                    (size.empty() ? "" : "<br>" + size) +
                                    (real.empty() ? "" : "<br>published: " + real)};
    for (const CardRun& run : review.cards) {
      row.push_back(measured(figures, review, run, test->test));
      for (const Measure& measure : run.measures) {
        if (measure.test == test->test && !measure.trouble.empty())
          troubles.push_back(figures.name(run.name) + ", " + escaped(test->test) + ": " +
                             figures.show({.id = "trouble." + run.card.id + "." + test->test,
                                           .how = How::Setting,
                                           .source = "the suite",
                                           .text = measure.trouble}));
      }
    }
    row.push_back(ratio(figures, review, test->test));
    table.rows.push_back(std::move(row));
    // Where real cards were measured, their figure is the mark of the bar.
    const auto has_published = [&](const CardRun& run) {
      const Measure* measure = find(run, test->test);
      return measure != nullptr && !measure->published.empty();
    };
    if (std::ranges::any_of(review.cards, has_published)) {
      BarGroup group = bars_of(figures, review, test->test);
      for (Bar& bar : group.bars) {
        const Measure* measure = find(review.cards[bar.card], test->test);
        if (measure->published.empty()) continue;
        bar.limit = measure->published.front().value;
        bar.label += "; published " + published(figures, review.cards[bar.card], *measure, Sources::Beside);
      }
      beside.push_back(std::move(group));
    }
  }
  std::string out;
  if (!beside.empty()) {
    out += "<h4>Beside what was measured on real cards</h4>\n" +
           paragraph("The upright mark is the published figure.") + bars_html(beside, Scale::OfEach) +
           paragraph(band_note(figures, review));
  }
  out += "<h4>All tests</h4>\n<div class=\"across\">" + table_html(table) + "</div>\n";
  if (!troubles.empty()) out += paragraph("What did not run:") + list_html(troubles);
  return out;
}

}  // namespace doppel::report::review
