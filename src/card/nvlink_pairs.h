// SPDX-License-Identifier: Apache-2.0
// Which cards of a machine NVLink bridges join where all bridges are there that fit (`--nvlink`).
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "card/card.h"
#include "support/result.h"

namespace doppel::card {

// Places in `cards`: those of one model two by two, in their order. InvalidArgument: a card has no NVLink, or
// no two are of one model; names the card.
Result<std::vector<std::pair<std::size_t, std::size_t>>> nvlink_pairs(std::span<const Card> cards);

}  // namespace doppel::card
