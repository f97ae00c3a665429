// SPDX-License-Identifier: Apache-2.0
// The runs taken together: how often each card leads, by how much, and how far to trust it.
#include <fmt/format.h>

#include <algorithm>
#include <array>
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

// What the cards' runs and files decide, by the card that it speaks for.
struct Uses {
  std::array<std::vector<std::string>, 2> of;  // the work, in words
  int either = 0;
};

Uses uses_of(const Review& review) {
  Uses out;
  const auto add = [&](const auto& rule) {
    const Decision decision = decide(rule, review);
    const int card = decision.only >= 0 ? decision.only : decision.better;
    if (card >= 0) {
      out.of[static_cast<std::size_t>(card)].push_back(escaped(rule.work));
    } else if (decision.ratio > 0) {
      ++out.either;
    }
  };
  std::ranges::for_each(run_rules(), add);
  std::ranges::for_each(file_rules(), add);
  return out;
}

constexpr const char* kBeyond = "ratios beyond the model's mean error";
constexpr const char* kUses = "lines of 'choose it if'";

}  // namespace

std::string conclusion(const Review& review, Figures& figures) {
  const Together all = together(review);
  if (all.tests == 0) return paragraph("No test gave figures for both cards: there is nothing to conclude.");
  const auto number = [&](const char* id, int value, const char* how, const char* unit = "tests") {
    return figures.show({.id = fmt::format("conclusion.{}", id),
                         .how = How::Derived,
                         .source = how,
                         .text = fmt::format("{}", value),
                         .value = value,
                         .unit = unit});
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
  const std::size_t ahead = mean >= 1 ? 1 : 0;
  const bool clear = std::max(mean, 1 / mean) > 1 + error_of(review);
  std::string out =
      paragraph("<b>" +
                (clear ? name(mean, true) + " is the faster card."
                       : std::string("Neither card is the faster by more than the model's mean error.")) +
                "</b> Over " + number("tests", all.tests, "tests with figures on both cards") + " tests " +
                (clear ? "it" : name(mean, true)) + " does " +
                times("mean", mean, "geometric mean of the ratios of all tests") + " the work of " +
                name(mean, false) + " in the same time (geometric mean).");
  std::vector<std::string> lines;
  lines.push_back(figures.name(review.cards[ahead].name) + " leads in " +
                  number(ahead == 0 ? "leads.first" : "leads.second", all.leads[ahead], kBeyond) +
                  " of these tests by more than the model's mean error, " +
                  figures.name(review.cards[1 - ahead].name) + " in " +
                  number(ahead == 0 ? "leads.second" : "leads.first", all.leads[1 - ahead], kBeyond) + "; " +
                  number("even", all.even, "ratios within the model's mean error") + " lie within it.");
  if (all.widest != nullptr)
    lines.push_back("They are furthest apart in " + title(figures, *all.widest) + ": there " +
                    name(all.widest_ratio, true) + " does " +
                    times("widest", all.widest_ratio, "the largest of the ratios") + " the work of " +
                    name(all.widest_ratio, false) + ".");
  for (const RunRule& rule : run_rules()) {
    if (!rule.per_watt) continue;
    const Decision decision = decide(rule, review);
    if (decision.ratio <= 0) continue;
    lines.push_back("For the same energy " + name(decision.ratio, true) + " does " +
                    times("per_watt", decision.ratio, "geometric mean of the ratios by watts") +
                    " the work of " + name(decision.ratio, false) +
                    (decision.better < 0 ? ", which is within the model's mean error." : "."));
  }
  const Uses uses = uses_of(review);
  lines.push_back("Of the uses above, " + number("uses.ahead", int(uses.of[ahead].size()), kUses, "uses") +
                  " speak for " + figures.name(review.cards[ahead].name) + ", " +
                  number("uses.behind", int(uses.of[1 - ahead].size()), kUses, "uses") + " for " +
                  figures.name(review.cards[1 - ahead].name) + " and " +
                  number("uses.either", uses.either, kUses, "uses") + " for neither.");
  out += list_html(lines);
  const std::string behind = figures.name(review.cards[1 - ahead].name);
  if (uses.of[1 - ahead].empty()) {
    out += paragraph("No use above speaks for " + behind + ".");
  } else {
    out += "<h4>What speaks for " + behind + "</h4>\n" + list_html(uses.of[1 - ahead]);
  }
  return out + "<h4>How far to trust it</h4>\n" +
         paragraph(error_note(figures, review) + " Prices, noise and heat are not part of this review.") +
         (review.quick ? paragraph("A few tests stand for the whole suite here.") : "");
}

}  // namespace doppel::report::review
