// SPDX-License-Identifier: Apache-2.0
// Numbers of a card that contradict each other.
#pragma once

#include <optional>
#include <string>

#include "card/card.h"

namespace doppel::card {

struct Contradiction {
  std::string key;       // of the number at fault
  std::string expected;  // in terms of the others, with their values
};

// The first one found.
std::optional<Contradiction> contradiction(const Card& card);

}  // namespace doppel::card
