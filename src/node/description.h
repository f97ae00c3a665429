// SPDX-License-Identifier: Apache-2.0
// A machine as a file describes it (`DOPPEL_NODE=node.toml`): cards in their slots, bridges between them, the
// host. docs/node.md has the format.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "card/card.h"
#include "card/slot.h"
#include "support/result.h"

namespace doppel::node {

struct DescribedCard {
  card::Card card;
  card::Slot slot;
};

struct Description {
  std::string host;  // the absolute path of its file; empty: the plain one
  std::vector<DescribedCard> cards;
  std::vector<std::pair<int, int>> bridges;  // numbers of cards
};

// The text of a description, and the number of its version: another text, or another file, is another
// machine.
struct DescriptionText {
  std::string text;
  std::uint64_t version = 0;
};
// Error Io: names the file.
Result<DescriptionText> read_description(const std::filesystem::path& file);

// Error InvalidInput: reads "FILE:LINE: KEY: what was expected". Files of cards and of the host that are
// named with a
// '/' or end in ".toml" lie from the description's own folder on; of `file` only that and the name are used.
Result<Description> parse_description(std::string_view text, const std::filesystem::path& file);

// Whether the name of a node is that of a description.
bool is_description(std::string_view name);

}  // namespace doppel::node
