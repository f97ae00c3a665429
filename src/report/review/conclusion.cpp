// SPDX-License-Identifier: Apache-2.0
// The runs taken together: how often each card leads, by how much, and how far to trust it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/html_text.h"
#include "report/quantities.h"
#include "report/review/rules.h"
#include "report/review/sections.h"
#include "report/review/shown.h"

namespace doppel::report::review {
namespace {

struct Together {
  std::array<int, 2> leads{};
  int even = 0;
  double logarithms = 0;
  int tests = 0;
  const Measure* widest = nullptr;  // of the first card
  double widest_ratio = 1;
};

Together together(const Review& review) {
  Together out;
  const double error = error_of(review);
  for (const Measure& first : review.cards[0].measures) {
    const Measure* second = find(review.cards[1], first.test);
    if (first.value <= 0 || second == nullptr) continue;
    const double ratio = second->value / first.value;
    out.logarithms += std::log(ratio);
    ++out.tests;
    if (std::max(ratio, 1 / ratio) <= 1 + error) {
      ++out.even;
    } else {
      ++out.leads[ratio > 1 ? 1 : 0];
    }
    if (std::abs(std::log(ratio)) > std::abs(std::log(out.widest_ratio))) {
      out.widest = &first;
      out.widest_ratio = ratio;
    }
  }
  return out;
}

}  // namespace

std::string conclusion(const Review& review, Figures& figures) {
  const Together all = together(review);
  if (all.tests == 0) return paragraph("No test gave figures for both cards: there is nothing to conclude.");
  const auto number = [&](const char* id, int value, const char* how) {
    return figures.show({.id = fmt::format("conclusion.{}", id),
                         .how = How::Derived,
                         .source = how,
                         .text = fmt::format("{}", value),
                         .value = value,
                         .unit = "tests"});
  };
  const auto times = [&](const char* id, double ratio, const char* how) {
    const double value = std::max(ratio, 1 / ratio);
    return figures.show({.id = fmt::format("conclusion.{}", id),
                         .how = How::Derived,
                         .source = how,
                         .text = ratio_text(value),
                         .value = value,
                         .unit = "x"});
  };
  const double mean = std::exp(all.logarithms / all.tests);
  const auto name = [&](double ratio, bool better) {
    return figures.name(review.cards[(ratio >= 1) == better ? 1 : 0].name);
  };
  std::vector<std::string> lines;
  lines.push_back("Of " + number("tests", all.tests, "tests with figures on both cards") + " tests, " +
                  figures.name(review.cards[0].name) + " leads in " +
                  number("leads.first", all.leads[0], "ratios beyond the model's mean error") + " and " +
                  figures.name(review.cards[1].name) + " in " +
                  number("leads.second", all.leads[1], "ratios beyond the model's mean error") +
                  " by more than the model's mean error; " +
                  number("even", all.even, "ratios within the model's mean error") + " lie within it.");
  lines.push_back("Over all of them " + name(mean, true) + " does " +
                  times("mean", mean, "geometric mean of the ratios of all tests") + " the work of " +
                  name(mean, false) + " in the same time (geometric mean).");
  if (all.widest != nullptr)
    lines.push_back("They are furthest apart in <b>" + escaped(all.widest->test) + "</b>, where " +
                    name(all.widest_ratio, true) + " does " +
                    times("widest", all.widest_ratio, "the largest of the ratios") + " the work.");
  for (const RunRule& rule : run_rules()) {
    if (!rule.per_watt) continue;
    const Decision decision = decide(rule, review);
    if (decision.ratio <= 0) continue;
    lines.push_back("For the same energy " + name(decision.ratio, true) + " does " +
                    times("per_watt", decision.ratio, "geometric mean of the ratios by watts") +
                    " the work of " + name(decision.ratio, false) +
                    (decision.better < 0 ? ", which is within the model's mean error." : "."));
  }
  lines.push_back(error_note(figures, review));
  if (review.quick)
    lines.emplace_back(
        "A few tests stand for the whole suite here (<code>--quick</code>): without the flag, all run.");
  return list_html(lines);
}

}  // namespace doppel::report::review
