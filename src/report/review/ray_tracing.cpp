// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "card/peaks.h"
#include "report/review/sections.h"
#include "report/review/shown.h"

namespace doppel::report::review {

std::string ray_tracing(const Review& review, Figures& figures) {
  HtmlTable table{.caption = "", .columns = card_columns(figures, review, "Specification only"), .rows = {}};
  std::vector<std::string> cores = {"RT cores of an SM"};
  std::vector<std::string> peak = {"RT TFLOPS, as the vendor counts"};
  for (const CardRun& run : review.cards) {
    cores.push_back(of_file(figures, run.card, "sm.rt_cores", run.card.sm.rt_cores, "",
                            fmt::format("{}", run.card.sm.rt_cores)));
    peak.push_back(
        derived(figures, run.card,
                {"ray_tracing",
                 card::peaks(run.card).ray_tracing_tflops,
                 "RT TFLOPS",
                 "the vendor's figure by cores and boost clock",
                 {"sm_count", "sm.rt_cores", "ray_tracing.tflops_per_core_ghz", "clocks.boost_mhz"}}));
  }
  table.rows = {std::move(cores), std::move(peak)};
  return paragraph("These units do not run yet: nothing here was predicted by a run.") + table_html(table);
}

}  // namespace doppel::report::review
