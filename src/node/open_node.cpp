// SPDX-License-Identifier: Apache-2.0
#include "node/open_node.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "card/load_card.h"
#include "card/nvlink_pairs.h"
#include "node/process_life.h"

namespace doppel::node {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

// As the variables name them; empty: none does.
std::vector<std::string> names_of_cards() {
  std::string text = variable("DOPPEL_CARDS");
  if (text.empty()) text = variable("DOPPEL_CARD");
  std::vector<std::string> names;
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    if (comma != 0) names.emplace_back(rest.substr(0, comma));
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
  }
  return names;
}

// The process's cards are on the node from then on. Those that it has already need not be read.
Result<void> bring_cards(Node& node, const std::vector<std::string>& names) {
  std::map<std::string, int> seen;  // by file
  for (const std::string& name : names) {
    const auto file = card::find_card_file(name);
    if (!file) return tl::unexpected(file.error());
    std::error_code ignored;
    const std::string reference = std::filesystem::absolute(*file, ignored).string();
    const int nth = seen[reference]++;
    const auto known = node.has_card(reference, nth);
    if (!known) return tl::unexpected(known.error());
    if (*known) continue;
    const auto card = card::load_card(*file);
    if (!card) return tl::unexpected(card.error());
    if (auto added = node.card(*card, nth, wall_ns()); !added) return tl::unexpected(added.error());
  }
  return {};
}

// Bridges join the process's cards on the node two by two.
Result<void> join_cards(Node& node, const std::vector<std::string>& names) {
  std::vector<card::Card> cards;
  for (const std::string& name : names) {
    auto card = card::find_card(name);
    if (!card) return tl::unexpected(card.error());
    cards.push_back(std::move(*card));
  }
  const auto numbers = node.cards(cards, wall_ns());
  if (!numbers) return tl::unexpected(numbers.error());
  const auto pairs = card::nvlink_pairs(cards);
  if (!pairs) return tl::unexpected(pairs.error());
  for (const auto& [one, other] : *pairs) {
    if (auto joined = node.join_by_nvlink((*numbers)[one], (*numbers)[other]); !joined) return joined;
  }
  return {};
}

std::string name_of_node() {
  std::string name = variable("DOPPEL_NODE");
  return name == "off" ? std::string() : name;
}

}  // namespace

bool environment_names_node() { return !name_of_node().empty(); }

Result<std::shared_ptr<Node>> open_by_environment() {
  auto node = Node::open(name_of_node());
  if (!node) return node;
  std::vector<std::string> names = names_of_cards();
  const auto count = (*node)->card_count();
  if (!count) return tl::unexpected(count.error());
  if (names.empty() && *count == 0) names.emplace_back("rtx-a6000");
  if (auto brought = bring_cards(**node, names); !brought) return tl::unexpected(brought.error());
  if (const std::string nvlink = variable("DOPPEL_NVLINK"); nvlink == "1") {
    if (auto joined = join_cards(**node, names); !joined) return tl::unexpected(joined.error());
  } else if (!nvlink.empty() && nvlink != "0") {
    return fail(Error::Kind::InvalidArgument, fmt::format("DOPPEL_NVLINK={}: expected 0 or 1", nvlink));
  }
  return node;
}

}  // namespace doppel::node
