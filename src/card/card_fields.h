// SPDX-License-Identifier: Apache-2.0
// The keys of a card file, each bound to its member: one list serves reading, checking and printing.
#pragma once

#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "card/card.h"

namespace doppel::card {

struct Field {
  // `std::span<int>` binds the fixed arrays: the file must hold exactly as many numbers.
  using Target =
      std::variant<int*, std::int64_t*, double*, bool*, std::string*, std::vector<int>*, std::span<int>>;
  std::string_view key;  // "clocks.boost_mhz"
  Target target;
  double min = 0;  // numbers must lie in [min, max]
  double max = 1e18;
  bool optional = false;  // may be missing: the card has no such unit
};

// Every scalar key of a card file, bound to `card`, which must outlive the result. In the order of printing.
std::vector<Field> fields(Card& card);

}  // namespace doppel::card
