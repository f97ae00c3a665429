// SPDX-License-Identifier: Apache-2.0
// Reads card files. docs/adding-a-card.md describes the format.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "card/card.h"
#include "support/result.h"

namespace doppel::card {

// Reads and checks one file, and the card that it is based on, which is looked for in the file's own folder,
// then as find_card does. Errors are InvalidInput (or Io) and read "FILE:LINE: KEY: what was expected".
Result<Card> load_card(const std::filesystem::path& file);

// The same from text; of `file` only the folder is used, and messages name it.
Result<Card> parse_card(std::string_view text, const std::string& file);

// A card by its id ("rtx-a6000"), or by a path ending in ".toml". Error NotFound names the nearest known id.
Result<Card> find_card(const std::string& name);

// The file that find_card would read. Error NotFound names the nearest known id.
Result<std::filesystem::path> find_card_file(const std::string& name);

// Every card id that find_card would find, sorted.
std::vector<std::string> known_cards();

// Folders looked through, first match wins: those of DOPPEL_CARD_PATH (':' between them), then the cards
// folder beside this program or library (build tree and installed tree).
std::vector<std::filesystem::path> card_folders();

}  // namespace doppel::card
