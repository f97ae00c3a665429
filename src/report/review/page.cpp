// SPDX-License-Identifier: Apache-2.0
// The page from its sections, and the JSON from the figures that they showed.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "report/html_style.h"
#include "report/html_text.h"
#include "report/quantities.h"
#include "report/review/rules.h"
#include "report/review/sections.h"
#include "report/review/shown.h"
#include "report/review/style.h"

namespace doppel::report::review {
namespace {

using Json = nlohmann::ordered_json;

std::string head(const Review& review, Figures& figures) {
  std::string out = "<header><h1>" + figures.name(review.cards[0].name) + " and " +
                    figures.name(review.cards[1].name) + "</h1>\n";
  out += paragraph(
      "A review by Doppel " + figures.name(review.version) + ", " + figures.name(review.date.substr(0, 10)) +
      ". No card was at hand: what is called predicted comes from programs that ran on Doppel's doubles "
      "of the two cards: the answers were checked, the times are modelled.");
  out += paragraph(error_note(figures, review));
  if (review.quick)
    out += paragraph(
        "A few tests stand for the whole suite here (<code>--quick</code>): without the flag, all run.");
  out += "<ul class=\"key\">";
  for (std::size_t i = 0; i < review.cards.size(); ++i)
    out += fmt::format("<li><i class=\"c{}\"></i>{}</li>", i, figures.name(review.cards[i].name));
  out += "</ul>\n<nav aria-label=\"Sections\"><ul>";
  for (const Section& section : sections())
    out += fmt::format("<li><a href=\"#{}\">{}</a></li>", section.id, escaped(section.title));
  return out + "</ul></nav></header>\n";
}

std::string body(const Review& review, Figures& figures) {
  std::string out;
  const Part* last = nullptr;
  for (const Section& section : sections()) {
    if (last == nullptr || *last != section.part) out += fmt::format("<h2>{}</h2>\n", title_of(section.part));
    last = &section.part;
    out += fmt::format("<section id=\"{}\"><h3>{}</h3>\n{}</section>\n", section.id, escaped(section.title),
                       section.html(review, figures));
  }
  return out;
}

Json figure_json(const Figure& figure) {
  Json out = {{"text", figure.text},     {"value", figure.value ? Json(*figure.value) : Json()},
              {"unit", figure.unit},     {"card", figure.card.empty() ? Json() : Json(figure.card)},
              {"how", word(figure.how)}, {"source", figure.source}};
  if (!figure.mark.empty()) out["mark"] = figure.mark;
  if (!figure.from.empty()) out["from"] = figure.from;
  if (figure.low) out["low"] = *figure.low;
  if (figure.high) out["high"] = *figure.high;
  return out;
}

template <typename Rule>
Json rule_json(const Rule& rule, const Review& review) {
  const Decision decision = decide(rule, review);
  const int card = decision.only >= 0 ? decision.only : decision.better;
  return {{"rule", rule.id},
          {"if", rule.work},
          {"choose", card < 0 ? Json() : Json(review.cards[static_cast<std::size_t>(card)].card.id)},
          {"ratio", decision.ratio > 0 ? Json(decision.ratio) : Json()},
          {"tests", decision.tests}};
}

std::string json(const Review& review, const Figures& figures) {
  Json out;
  out["doppel"] = review.version;
  out["date"] = review.date;
  out["quick"] = review.quick;
  out["cards"] = Json::array();
  for (const CardRun& run : review.cards) out["cards"].push_back({{"card", run.card.id}, {"name", run.name}});
  Json choices = Json::array();
  for (const RunRule& rule : run_rules()) choices.push_back(rule_json(rule, review));
  for (const FileRule& rule : file_rules()) choices.push_back(rule_json(rule, review));
  out["choices"] = choices;
  out["figures"] = Json::object();
  for (const auto& [id, figure] : figures.all()) out["figures"][id] = figure_json(figure);
  out["names"] = figures.names();
  out["sources"] = figures.sources();
  return out.dump(2) + "\n";
}

}  // namespace

Page page(const Review& review) {
  Figures figures;
  std::string html = fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<link rel=\"icon\" href=\"data:,\">\n<title>{} and {}: a review by "
      "Doppel</title>\n<style>{}{}</style>\n</head>\n<body>\n",
      escaped(review.cards[0].name), escaped(review.cards[1].name), kHtmlStyle, kReviewStyle);
  html += head(review, figures) + "<main>\n" + body(review, figures) + "</main>\n";
  html +=
      "<footer>Point at a number to read how it was obtained: specification (with its mark: M measured on "
      "this "
      "card, M-n on a neighbour, V vendor, R research, D derived, K not confirmed), derived, predicted by a "
      "run, or "
      "published. The JSON beside this page holds each of them with its source.</footer>\n</body>\n</html>\n";
  return {std::move(html), json(review, figures)};
}

}  // namespace doppel::report::review
