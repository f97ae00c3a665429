// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "card/peaks.h"
#include "report/review/sections.h"
#include "report/review/shown.h"

namespace doppel::report::review {

std::string nvlink(const Review& review, Figures& figures) {
  HtmlTable table{.caption = "", .columns = card_columns(figures, review, "Specification only"), .rows = {}};
  std::vector<std::string> links = {"Links"};
  std::vector<std::string> peers = {"Other cards it can be joined with"};
  std::vector<std::string> rate = {"Both directions together, GB/s"};
  for (const CardRun& run : review.cards) {
    const card::NvLink& own = run.card.nvlink;
    links.push_back(of_file(figures, run.card, "nvlink.links", own.links, "", fmt::format("{}", own.links)));
    peers.push_back(own.links == 0 ? "-"
                                   : of_file(figures, run.card, "nvlink.max_peers", own.max_peers, "",
                                             fmt::format("{}", own.max_peers)));
    rate.push_back(own.links == 0 ? "-"
                                  : derived(figures, run.card,
                                            {"nvlink",
                                             card::peaks(run.card).nvlink_gb_per_second,
                                             "GB/s",
                                             "links by bytes a second of each, both directions",
                                             {"nvlink.links", "nvlink.bytes_per_second_per_link"}}));
  }
  table.rows = {std::move(links), std::move(peers), std::move(rate)};
  return paragraph(
             "No test of links between cards is in the suite yet: nothing here was predicted by a run.") +
         table_html(table);
}

}  // namespace doppel::report::review
