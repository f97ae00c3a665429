// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "card/peaks.h"
#include "report/html_text.h"
#include "report/review/sections.h"
#include "report/review/shown.h"

namespace doppel::report::review {
namespace {

// A row a test, for each card on the bus alone, and with a bridge where it takes one.
HtmlTable between_cards(const Review& review, Figures& figures) {
  HtmlTable table{.caption = "", .columns = {"Between two cards"}, .rows = {}};
  for (const CardRun& run : review.cards) {
    if (!run.joined.empty()) table.columns.push_back(figures.name(run.name) + " by NVLink");
    table.columns.push_back(figures.name(run.name) + " by the bus");
  }
  for (const char* test : {"peer-copy", "peer-both", "peer-read"}) {
    const Measure* any = nullptr;
    for (const CardRun& run : review.cards) {
      for (const std::vector<Measure>* each : {&run.joined, &run.apart}) {
        if (any == nullptr) any = find(*each, test);
      }
    }
    if (any == nullptr) continue;
    std::vector<std::string> row = {title(figures, *any) + ", " + escaped(any->unit)};
    for (const CardRun& run : review.cards) {
      if (!run.joined.empty())
        row.push_back(
            measured(figures, review, run, find(run.joined, test), "joined", "two cards with a bridge"));
      row.push_back(
          measured(figures, review, run, find(run.apart, test), "apart", "two cards without a bridge"));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace

std::string nvlink(const Review& review, Figures& figures) {
  HtmlTable table{.caption = "", .columns = card_columns(figures, review, "Specification"), .rows = {}};
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
  const HtmlTable runs = between_cards(review, figures);
  if (runs.rows.empty())
    return paragraph("No test of two cards was run: nothing here was predicted by a run.") +
           table_html(table);
  return table_html(table) +
         paragraph(
             "Two cards of a kind in one machine, each of which may use the other's memory. Without a bridge "
             "what "
             "goes between them goes over the bus.") +
         table_html(runs);
}

}  // namespace doppel::report::review
