// SPDX-License-Identifier: Apache-2.0
// 'Choose it if': a line for each rule, under the card that its figures speak for.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "report/html_text.h"
#include "report/quantities.h"
#include "report/review/rules.h"
#include "report/review/sections.h"
#include "report/review/shown.h"

namespace doppel::report::review {
namespace {

constexpr std::size_t kEither = 2;  // behind the two cards

struct Lines {
  std::array<std::vector<std::string>, 3> of;
  void add(const Decision& decision, std::string line) {
    const int card = decision.only >= 0 ? decision.only : decision.better;
    of[card < 0 ? kEither : static_cast<std::size_t>(card)].push_back(std::move(line));
  }
};

// "1.20x"; where neither is better also of which card
std::string times(Figures& figures, const Review& review, const std::string& id, const Decision& decision,
                  const std::string& source, std::vector<std::string> from) {
  const std::size_t better = decision.ratio >= 1 ? 1 : 0;
  const double value = std::max(decision.ratio, 1 / decision.ratio);
  const std::string number = figures.show({.id = "rule." + id,
                                           .how = How::Derived,
                                           .source = source,
                                           .text = ratio_text(value),
                                           .value = value,
                                           .unit = "x",
                                           .from = std::move(from)});
  return decision.better >= 0 ? number : figures.name(review.cards[better].name) + " " + number;
}

std::string joined(const std::vector<std::string>& tests) {
  std::string out;
  for (std::size_t i = 0; i < tests.size(); ++i)
    out += (i == 0 ? "" : i + 1 == tests.size() ? " and " : ", ") + escaped(tests[i]);
  return out;
}

void add_run_rules(const Review& review, Figures& figures, Lines& lines) {
  for (const RunRule& rule : run_rules()) {
    const Decision decision = decide(rule, review);
    if (decision.tests.empty()) continue;  // none of its tests was run
    std::string line = escaped(rule.work) + ": ";
    if (decision.only >= 0) {
      line += "the other card does not run " + joined(decision.tests) + ".";
    } else {
      std::vector<std::string> from;
      for (const std::string& test : decision.tests) {
        for (const CardRun& run : review.cards)
          from.push_back(fmt::format("{}.{}.{}", rule.per_watt ? "per_watt" : "run", run.card.id, test));
      }
      line += times(figures, review, rule.id, decision,
                    "geometric mean of the ratios of " + joined(decision.tests), std::move(from)) +
              (rule.per_watt ? " the work for each joule (" : " as fast (") + joined(decision.tests) + ").";
    }
    lines.add(decision, std::move(line));
  }
}

void add_file_rules(const Review& review, Figures& figures, Lines& lines) {
  for (const FileRule& rule : file_rules()) {
    const Decision decision = decide(rule, review);
    if (decision.only < 0 && decision.ratio == 0) continue;  // neither has it
    std::string line = escaped(rule.work) + " (" + escaped(rule.what) + ": ";
    for (std::size_t i = 0; i < review.cards.size(); ++i) {
      const CardRun& run = review.cards[i];
      const double value = rule.value(run.card);
      std::vector<std::string> from;
      for (const std::string& key : rule.keys) from.push_back(fmt::format("file.{}.{}", run.card.id, key));
      const std::string text =
          value <= 0
              ? "none"
              : figures.show({.id = fmt::format("rule.{}.{}", rule.id, run.card.id),
                              .how = How::Specification,
                              .source = "the card's file",
                              .text = value < 10 ? fmt::format("{:.0f}", value) : report::figures(value),
                              .value = value,
                              .unit = rule.unit,
                              .card = run.card.id,
                              .from = std::move(from)}) +
                    (*rule.unit == '\0' ? "" : fmt::format(" {}", rule.unit));
      line += fmt::format("{}{} {}", i == 0 ? "" : ", ", text, "on " + figures.name(run.name));
    }
    lines.add(decision, line + "; specification).");
  }
}

}  // namespace

std::string use_cases(const Review& review, Figures& figures) {
  Lines lines;
  add_run_rules(review, figures, lines);
  add_file_rules(review, figures, lines);
  std::string out = paragraph(
                        "Each line compares the two cards by figures of this page, and stands under the card "
                        "with the larger "
                        "one. What lies within the model's mean error stands under neither.") +
                    "<div class=\"choices\">\n";
  for (std::size_t i = 0; i < lines.of.size(); ++i) {
    if (lines.of[i].empty()) continue;
    out += fmt::format(
        "<div class=\"choice k{}\"><h4>{}</h4>\n{}</div>\n", i,
        i == kEither ? "Either serves if" : "Choose " + figures.name(review.cards[i].name) + " if",
        list_html(lines.of[i]));
  }
  return out + "</div>\n";
}

}  // namespace doppel::report::review
