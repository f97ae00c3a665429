// SPDX-License-Identifier: Apache-2.0
// A card's specification: for people (`doppel show CARD`) and for programs (`--json`).
#pragma once

#include <string>
#include <vector>

#include "card/card.h"

namespace doppel::report {

// The cards' list: id, name, what it is.
std::string cards_text(const std::vector<card::Card>& cards);

// Specification and derived peaks.
std::string card_sheet_text(const card::Card& card);

// Every number with its mark and source, and the derived peaks.
std::string card_sheet_json(const card::Card& card);

// Every number with its mark and source, for people.
std::string card_sources_text(const card::Card& card);

}  // namespace doppel::report
