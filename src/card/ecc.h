// SPDX-License-Identifier: Apache-2.0
// What ECC takes of a card's memory and of its bandwidth.
#pragma once

#include "card/card.h"

namespace doppel::card {

// Whether it can be turned on and off: the card's file says what it takes.
bool has_ecc(const Card& card);

// The memory in that mode; as the card's file has it, in the mode that it describes.
Memory memory_with_ecc(const Card& card, bool on);

}  // namespace doppel::card
