// SPDX-License-Identifier: Apache-2.0
// Forms in which a card's own compiler was seen to leave the ISA's text (docs/exactness.md).
#pragma once

#include <string>

#include "random/kernel_tree.h"

namespace doppel::random {

// The first such form in the kernel; empty where there is none.
std::string known_card_difference(const Kernel& kernel);

}  // namespace doppel::random
