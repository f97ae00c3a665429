// SPDX-License-Identifier: Apache-2.0
// The nearest known name to one that was mistyped, for error messages.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace doppel {

// The element of `known` with the smallest edit distance to `name`, or "" where none is near (more than a
// third of the letters differ and neither holds the other).
std::string nearest_name(std::string_view name, std::span<const std::string> known);

}  // namespace doppel
