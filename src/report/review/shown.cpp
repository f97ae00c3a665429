// SPDX-License-Identifier: Apache-2.0
#include "report/review/shown.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/html_text.h"
#include "report/quantities.h"
#include "report/suite_peaks.h"

namespace doppel::report::review {
namespace {

Figure run_figure(const Review& review, const CardRun& run, const Measure& measure) {
  const double error = error_of(review);
  Figure out{.id = fmt::format("run.{}.{}", run.card.id, measure.test),
             .how = How::Predicted,
             .source = fmt::format("{} on the double of {}: {}", measure.test, run.name, measure.detail),
             .text = rounded(measure.value),
             .value = measure.value,
             .unit = measure.unit,
             .card = run.card.id};
  if (error > 0) {  // of the time, of which the figure is the inverse
    out.low = measure.value / (1 + error);
    out.high = error < 1 ? measure.value / (1 - error) : measure.value;
  }
  return out;
}

// Of the band, which is there.
std::string error_share(Figures& figures, const Review& review, const std::string& name, double percent) {
  return figures.show({.id = "band." + name,
                       .how = How::ModelError,
                       .source = review.band->set,
                       .text = fmt::format("{:.0f} %", percent),
                       .value = percent,
                       .unit = "%"});
}

}  // namespace

const Measure* find(const std::vector<Measure>& measures, std::string_view test) {
  const auto found = std::ranges::find(measures, test, &Measure::test);
  return found == measures.end() || found->value <= 0 ? nullptr : &*found;
}

const Measure* find(const CardRun& run, std::string_view test) { return find(run.measures, test); }

std::string measured(Figures& figures, const Review& review, const CardRun& run, const Measure* measure,
                     const std::string& state, const std::string& in) {
  if (measure == nullptr || measure->value <= 0) return "-";
  Figure figure = run_figure(review, run, *measure);
  figure.id += "." + state;
  figure.source += ", " + in;
  return figures.show(std::move(figure));
}

const Measure* any(const Review& review, std::string_view test) {
  const Measure* out = nullptr;
  for (const CardRun& run : review.cards) {
    if (const Measure* with_figure = find(run, test)) return with_figure;
    const auto found = std::ranges::find(run.measures, test, &Measure::test);
    if (found != run.measures.end() && out == nullptr) out = &*found;
  }
  return out;
}

std::string rounded(double value) { return value < 10 ? fmt::format("{:.2f}", value) : figures(value); }

double error_of(const Review& review) { return review.band ? review.band->mean_percent / 100 : 0; }

std::string of_file(Figures& figures, const card::Card& card, const std::string& key, double value,
                    const std::string& unit, const std::string& text) {
  const auto found = card.provenance.find(key);
  if (found == card.provenance.end()) return "none";  // the file may leave out what the card has not
  Figure out{.id = fmt::format("file.{}.{}", card.id, key),
             .how = How::Specification,
             .source = found->second.source,
             .text = text.empty() ? fmt::format("{:L}", value) : text,
             .value = value,
             .unit = unit,
             .card = card.id,
             .mark = found->second.mark};
  return figures.show(std::move(out));
}

std::string derived(Figures& all, const card::Card& card, const Derived& peak) {
  Figure out{.id = fmt::format("derived.{}.{}", card.id, peak.name),
             .how = How::Derived,
             .source = peak.how,
             .text = rounded(peak.value),
             .value = peak.value,
             .unit = peak.unit,
             .card = card.id};
  for (const std::string& key : peak.keys) out.from.push_back(fmt::format("file.{}.{}", card.id, key));
  return all.show(std::move(out));
}

std::string measured(Figures& figures, const Review& review, const CardRun& run, const std::string& test) {
  if (const Measure* measure = find(run, test)) {
    return figures.show(run_figure(review, run, *measure)) +
           (measure->trouble.empty() ? "" : " (" + escaped(measure->trouble) + ")");
  }
  const auto there = std::ranges::find(run.measures, test, &Measure::test);
  if (there == run.measures.end()) return "-";
  return there->trouble.empty() ? "none" : "failed";
}

std::string ratio(Figures& figures, const Review& review, const std::string& test) {
  const Measure* first = find(review.cards[0], test);
  const Measure* second = find(review.cards[1], test);
  if (first == nullptr || second == nullptr) return "-";
  const double value = second->value / first->value;
  return figures.show({.id = "ratio." + test,
                       .how = How::Derived,
                       .source = fmt::format("{} over {}", review.cards[1].name, review.cards[0].name),
                       .text = ratio_text(value),
                       .value = value,
                       .unit = "x",
                       .from = {fmt::format("run.{}.{}", review.cards[1].card.id, test),
                                fmt::format("run.{}.{}", review.cards[0].card.id, test)}});
}

std::string published(Figures& all, const CardRun& run, const Measure& measure, Sources sources) {
  std::string out;
  for (std::size_t i = 0; i < measure.published.size(); ++i) {
    const Published& found = measure.published[i];
    out += (out.empty() ? "" : "<br>") +
           all.show({.id = fmt::format("published.{}.{}.{}", run.card.id, measure.test, i),
                     .how = How::Published,
                     .source = found.source,
                     .text = rounded(found.value),
                     .value = found.value,
                     .unit = measure.unit,
                     .card = run.card.id}) +
           (sources == Sources::Beside ? " " + all.cite(found.source) : "");
  }
  return out;
}

std::string setting(Figures& figures, const Measure& measure) {
  if (measure.detail.empty()) return "";
  return figures.show(
      {.id = "setting." + measure.test, .how = How::Setting, .source = "the suite", .text = measure.detail});
}

std::string title(Figures& figures, const Measure& measure) {
  return "<b>" + escaped(measure.test) + "</b> " +
         figures.show({.id = "what." + measure.test,
                       .how = How::Setting,
                       .source = "the suite",
                       .text = measure.what});
}

std::vector<std::string> card_columns(Figures& figures, const Review& review, const std::string& first) {
  std::vector<std::string> out = {first};
  for (const CardRun& run : review.cards) out.push_back(figures.name(run.name));
  return out;
}

BarGroup bars_of(Figures& figures, const Review& review, const std::string& test, Against against) {
  BarGroup group;
  const Measure* one = any(review, test);
  if (one == nullptr) return group;
  group.name = title(figures, *one) + ", " + escaped(one->unit);
  for (std::size_t i = 0; i < review.cards.size(); ++i) {
    const CardRun& run = review.cards[i];
    const Measure* measure = find(run, test);
    if (measure == nullptr) continue;
    const Figure figure = run_figure(review, run, *measure);
    Bar bar{.card = i,
            .value = measure->value,
            .low = figure.low.value_or(measure->value),
            .high = figure.high.value_or(measure->value),
            .limit = against == Against::Peak ? peak_of_test(run.card, test) : 0,
            .label = figures.name(run.name) + " " + measured(figures, review, run, test)};
    if (bar.limit > 0) {
      const double share = measure->value / bar.limit;
      bar.label += ", " +
                   figures.show({.id = fmt::format("share.{}.{}", run.card.id, test),
                                 .how = How::Derived,
                                 .source = "the prediction over the peak at the advertised boost clock",
                                 .text = percent_text(share),
                                 .value = share,
                                 .unit = "of 1",
                                 .card = run.card.id,
                                 .from = {figure.id}}) +
                   " of the peak";
    }
    group.bars.push_back(std::move(bar));
  }
  return group;
}

std::string error_note(Figures& figures, const Review& review) {
  if (!review.band) return "The error of the model has not been measured in this installation.";
  std::string out = "Mean error of the model's times against real cards: " +
                    error_share(figures, review, "mean", review.band->mean_percent);
  if (review.band->p90_percent)
    out += "; nine of ten are within " + error_share(figures, review, "p90", *review.band->p90_percent);
  out += ", over " +
         figures.show({.id = "band.measurements",
                       .how = How::ModelError,
                       .source = review.band->set,
                       .text = fmt::format("{}", review.band->measurements),
                       .value = review.band->measurements,
                       .unit = "measurements"}) +
         " measurements of " + escaped(review.band->set) + ".";
  for (const CardRun& run : review.cards) {
    if (!review.band->verifies(run.card.id))
      out += " " + figures.name(run.name) +
             " is unverified: nobody has measured it, and its error is not known.";
  }
  return out;
}

std::string band_note(Figures& figures, const Review& review) {
  if (!review.band) return error_note(figures, review);
  return "The whiskers show the model's mean error, " +
         error_share(figures, review, "mean", review.band->mean_percent) + ".";
}

}  // namespace doppel::report::review
