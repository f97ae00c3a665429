// SPDX-License-Identifier: Apache-2.0
// What ECC takes of each card: from its file, and from runs with and without it.
#include "card/ecc.h"

#include <fmt/format.h>

#include "report/html_text.h"
#include "report/quantities.h"
#include "report/review/sections.h"
#include "report/review/shown.h"

namespace doppel::report::review {
namespace {

std::string memory_left(Figures& figures, const CardRun& run, bool on) {
  constexpr double kGib = 1 << 30;
  const double gib = static_cast<double>(card::memory_with_ecc(run.card, on).bytes) / kGib;
  return figures.show({.id = fmt::format("ecc.{}.memory.{}", run.card.id, on ? "on" : "off"),
                       .how = How::Derived,
                       .source = "memory of the card's file by what ECC leaves of it",
                       .text = fmt::format("{:.1f}", gib),
                       .value = gib,
                       .unit = "GiB",
                       .card = run.card.id,
                       .from = {fmt::format("file.{}.memory.bytes", run.card.id),
                                fmt::format("file.{}.ecc.memory_share", run.card.id)}});
}

}  // namespace

std::string ecc(const Review& review, Figures& figures) {
  HtmlTable table{.caption = "", .columns = {"With ECC off and on"}, .rows = {}};
  std::vector<std::string> memory = {"Memory for programs, GiB"};
  std::vector<std::string> share = {"Share of the memory that is left"};
  std::vector<std::string> delivered = {"Delivered so"};
  bool ran = false;
  for (const CardRun& run : review.cards) {
    table.columns.push_back(figures.name(run.name) + ", off");
    table.columns.emplace_back("on");
    const bool known = card::has_ecc(run.card);
    of_file(figures, run.card, "memory.bytes", static_cast<double>(run.card.memory.bytes), "bytes",
            bytes_text(static_cast<double>(run.card.memory.bytes)));
    const std::string left = known ? of_file(figures, run.card, "ecc.memory_share", run.card.ecc.memory_share,
                                             "of 1", percent_text(run.card.ecc.memory_share))
                                   : "-";
    memory.push_back(known ? memory_left(figures, run, false) : "-");
    memory.push_back(known ? memory_left(figures, run, true) : "-");
    share.insert(share.end(), {known ? "all" : "-", left});
    delivered.insert(delivered.end(),
                     {run.card.memory.ecc ? "no" : "yes", run.card.memory.ecc ? "yes" : "no"});
    ran |= !run.with_ecc.empty();
  }
  table.rows = {std::move(delivered), std::move(memory), std::move(share)};
  for (const char* test : {"stream-read", "stream-triad", "transpose"}) {
    const Measure* any = nullptr;
    for (const CardRun& run : review.cards) {
      if (any == nullptr) any = find(run.with_ecc, test);
    }
    if (any == nullptr) continue;
    std::vector<std::string> row = {title(figures, *any) + ", " + escaped(any->unit)};
    for (const CardRun& run : review.cards) {
      row.push_back(measured(figures, review, run, find(run.without_ecc, test), "ecc-off", "without ECC"));
      row.push_back(measured(figures, review, run, find(run.with_ecc, test), "ecc-on", "with ECC"));
    }
    table.rows.push_back(std::move(row));
  }
  const std::string out =
      paragraph("With ECC the memory finds and mends flipped bits, for results that must be right.") +
      table_html(table);
  if (!ran)
    return out + paragraph("No test was run with ECC and without: nothing here was predicted by a run.");
  return out + paragraph(
                   "Where the check bits lie in the memory itself they take a part of it, and of its "
                   "bandwidth; where "
                   "the memory chips keep them, ECC costs a program nothing.");
}

}  // namespace doppel::report::review
