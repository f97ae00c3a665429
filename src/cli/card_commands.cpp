// SPDX-License-Identifier: Apache-2.0
// `doppel cards` and `doppel show`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "card/load_card.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "report/card_sheet.h"

namespace doppel::cli {
namespace {

int list_cards() {
  std::vector<card::Card> cards;
  int status = 0;
  for (const std::string& id : card::known_cards()) {
    Result<card::Card> card = card::find_card(id);
    if (card) {
      cards.push_back(std::move(*card));
    } else {
      complain(card.error().message);
      status = kFailed;
    }
  }
  say(stdout, "{}", report::cards_text(cards));
  return status;
}

struct ShowFlags {
  std::string card;
  bool json = false;
  bool sources = false;
};

int show(const ShowFlags& flags) {
  const Result<std::vector<card::Card>> cards = find_cards({flags.card});
  if (!cards) return kBadUsage;
  const card::Card& card = cards->front();
  say(stdout, "{}",
      flags.json      ? report::card_sheet_json(card)
      : flags.sources ? report::card_sources_text(card)
                      : report::card_sheet_text(card));
  return 0;
}

}  // namespace

Result<std::vector<card::Card>> find_cards(const std::vector<std::string>& names) {
  std::vector<card::Card> out;
  for (const std::string& name : names) {
    Result<card::Card> card = card::find_card(name);
    if (!card) {
      complain(card.error().message);
      return tl::unexpected<Error>(card.error());
    }
    out.push_back(std::move(*card));
  }
  return out;
}

void add_cards(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand("cards", "List the cards");
  command->footer(
      "Card files are looked for in the folders of DOPPEL_CARD_PATH (':' between them) and in this "
      "installation.");
  command->callback([&status] { status = list_cards(); });
}

void add_show(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand("show", "Show a card's specification and the peaks derived from it");
  auto flags = std::make_shared<ShowFlags>();
  command->add_option("card", flags->card, "The card, by name or file")->type_name("CARD")->required();
  auto* json = command->add_flag("--json", flags->json, "As JSON: every number with its mark and source");
  command->add_flag("--sources", flags->sources, "Every number of the card file with its mark and source")
      ->excludes(json);
  command->callback([flags, &status] { status = show(*flags); });
}

}  // namespace doppel::cli
