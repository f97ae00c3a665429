// SPDX-License-Identifier: Apache-2.0
// What a card's advertised figures say of a test of the suite.
#pragma once

#include <string_view>

#include "card/card.h"

namespace doppel::report {

// The peak at the advertised boost clock that the test works towards, in the test's own unit
// (TFLOP/s, GFLOP/s, GIOP/s, GB/s); of a sparse test with sparsity. 0: the test has none, or the card no such
// unit.
double peak_of_test(const card::Card& card, std::string_view test);

}  // namespace doppel::report
