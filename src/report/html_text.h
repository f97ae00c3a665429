// SPDX-License-Identifier: Apache-2.0
// Text as HTML takes it.
#pragma once

#include <string>
#include <string_view>

namespace doppel::report {

// For the text of an element, or of an attribute in double quotes.
std::string escaped(std::string_view text);

}  // namespace doppel::report
