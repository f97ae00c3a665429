// SPDX-License-Identifier: Apache-2.0
// MIG: what the card can be divided into, and what the suite found in instances.
#include <fmt/format.h>

#include <algorithm>

#include "report/html_text.h"
#include "report/quantities.h"
#include "report/review/sections.h"
#include "report/review/shown.h"

namespace doppel::report::review {
namespace {

std::string of_profile(Figures& figures, const card::Card& card, const card::PartitionProfile& profile,
                       const char* what, double value, const std::string& text) {
  return figures.show({.id = fmt::format("file.{}.partition.{}.{}", card.id, profile.name, what),
                       .how = How::Specification,
                       .source = profile.provenance.source,
                       .text = text,
                       .value = value,
                       .card = card.id,
                       .mark = profile.provenance.mark});
}

// An instance's figure over the whole card's.
std::string share_of(Figures& figures, const CardRun& whole, const CardRun& instance,
                     const std::string& test) {
  const Measure* of = find(whole, test);
  const Measure* part = find(instance, test);
  if (of == nullptr || part == nullptr) return "-";
  const double share = part->value / of->value;
  return figures.show({.id = fmt::format("share.{}.{}", instance.card.id, test),
                       .how = How::Derived,
                       .source = "what the instance reaches over what the whole card does",
                       .text = percent_text(share),
                       .value = share,
                       .card = whole.card.id,
                       .from = {fmt::format("run.{}.{}", instance.card.id, test),
                                fmt::format("run.{}.{}", whole.card.id, test)}});
}

std::string at_work(const Review& review, Figures& figures, const CardRun& run) {
  HtmlTable table{
      .caption = figures.name(run.name) + ": tests in one part, and its share of what the whole card does",
      .columns = {"Test", "whole card"},
      .rows = {}};
  for (const CardRun& instance : run.instances) {
    table.columns.push_back(figures.name(instance.name));
    table.columns.emplace_back("share");
  }
  for (const Measure& measure : run.instances.front().measures) {
    std::vector<std::string> row = {title(figures, measure) + ", " + escaped(measure.unit),
                                    measured(figures, review, run, measure.test)};
    for (const CardRun& instance : run.instances) {
      row.push_back(measured(figures, review, instance, measure.test));
      row.push_back(share_of(figures, run, instance, measure.test));
    }
    table.rows.push_back(std::move(row));
  }
  return table_html(table) +
         paragraph(
             "Each part is predicted as a card of its own: what runs in another one "
             "changes nothing but the time of copies over the bus, which they share; that is not predicted.");
}

}  // namespace

std::string partitions(const Review& review, Figures& figures) {
  std::string out;
  const bool ran =
      std::ranges::any_of(review.cards, [](const CardRun& run) { return !run.instances.empty(); });
  if (!ran) out += paragraph("No test ran in an instance: nothing here was predicted by a run.");
  for (const CardRun& run : review.cards) {
    if (run.card.partitions.empty()) {
      out += paragraph(figures.name(run.name) + " cannot be divided.");
      continue;
    }
    HtmlTable table{.caption = figures.name(run.name) + ": what each part gets",
                    .columns = {"Profile", "parts", "SMs", "memory", "L2 cache", "NVENC", "NVDEC"},
                    .rows = {}};
    for (const card::PartitionProfile& p : run.card.partitions) {
      const auto number = [&](const char* what, int value) {
        return of_profile(figures, run.card, p, what, value, fmt::format("{}", value));
      };
      const auto share = [&](const char* what, double value) {
        return of_profile(figures, run.card, p, what, value, percent_text(value));
      };
      table.rows.push_back({figures.name(p.name), number("max_instances", p.max_instances),
                            share("sm_fraction", p.sm_fraction), share("memory_fraction", p.memory_fraction),
                            share("l2_fraction", p.l2_fraction), number("nvenc", p.nvenc),
                            number("nvdec", p.nvdec)});
    }
    out += table_html(table);
    if (!run.instances.empty()) out += at_work(review, figures, run);
  }
  return out;
}

}  // namespace doppel::report::review
