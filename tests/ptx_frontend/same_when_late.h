// SPDX-License-Identifier: Apache-2.0
// Whether a text is the same to a reader that reads bodies late as to one that reads it from its begin to its
// end.
#pragma once

#include <string>

namespace doppel::ptx::test {

// Empty: the same module, with the same functions refused for the same reasons; or refused as a whole in the
// same words. Else what differs. Bodies are read in an order that `seed` chooses.
std::string difference_when_late(const std::string& text, unsigned seed);

}  // namespace doppel::ptx::test
