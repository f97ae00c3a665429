// SPDX-License-Identifier: Apache-2.0
// MIG: what the card can be divided into.
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

}  // namespace

std::string partitions(const Review& review, Figures& figures) {
  std::string out = paragraph("Partitions do not run yet: nothing here was predicted by a run.");
  for (const CardRun& run : review.cards) {
    if (run.card.partitions.empty()) {
      out += paragraph(figures.name(run.name) + " cannot be divided.");
      continue;
    }
    HtmlTable table{.caption = figures.name(run.name) + ": what a partition gets",
                    .columns = {"Profile", "instances", "SMs", "memory", "L2", "NVENC", "NVDEC"},
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
  }
  return out;
}

}  // namespace doppel::report::review
