// SPDX-License-Identifier: Apache-2.0
// The numbers of a host's or card's file (hosts/*.toml, cards/*.toml), by section and key: "calls.launch_us".
#pragma once

#include <istream>
#include <map>
#include <string>

namespace timeline {

using NumberTable = std::map<std::string, double>;

// Takes `key = 1.5` and `key = { value = 1.5, ... }` in their sections; what is no number is left out.
NumberTable read_numbers(std::istream& in);

}  // namespace timeline
