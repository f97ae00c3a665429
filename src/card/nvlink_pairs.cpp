// SPDX-License-Identifier: Apache-2.0
#include "card/nvlink_pairs.h"

#include <fmt/format.h>

#include <map>
#include <string>

namespace doppel::card {

Result<std::vector<std::pair<std::size_t, std::size_t>>> nvlink_pairs(std::span<const Card> cards) {
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  std::map<std::string, std::size_t> alone;
  for (std::size_t i = 0; i < cards.size(); ++i) {
    const Card& card = cards[i];
    if (card.nvlink.links == 0)
      return fail(Error::Kind::InvalidArgument, fmt::format("{} has no NVLink", card.name));
    const auto [first, is_first] = alone.emplace(card.id, i);
    if (is_first) continue;
    pairs.emplace_back(first->second, i);
    alone.erase(first);
  }
  if (pairs.empty() && !cards.empty())
    return fail(Error::Kind::InvalidArgument,
                fmt::format("an NVLink bridge joins two cards of one model, and there is one {}",
                            cards.front().name));
  return pairs;
}

}  // namespace doppel::card
