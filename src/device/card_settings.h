// SPDX-License-Identifier: Apache-2.0
// What is set of cards: by the run, by the node for all processes.
#pragma once

#include <optional>

#include "card/card.h"
#include "node/node.h"
#include "support/result.h"

namespace doppel::device {

// What a run asks to be set of its cards.
struct CardSettings {
  std::optional<bool> ecc;
  // With it the limiter acts at once: who asks for a limit asks what a program is like that has run under it
  // for longer than the limiter averages.
  std::optional<double> power_limit_w;
};

// Of a card that no node has. InvalidArgument, NotSupported: the card does not take it.
Result<void> apply(const CardSettings& asked, card::Card& card);

// On the node first, for all processes. Then the card is as the node has it, in its slot, but for its limits
// and clocks, which may change while it is used (set_limits): those of the state. NotPermitted: others have
// the card, or it has MIG instances, and another mode of its ECC is asked for.
Result<node::CardState> apply(const CardSettings& asked, node::Node& node, int place, card::Card& card);

// Power limit and locked clocks.
void set_limits(const node::CardState& state, card::Card& card);

}  // namespace doppel::device
