// SPDX-License-Identifier: Apache-2.0
// Reads the review's page as a stranger would, and holds it against the JSON beside it.
#pragma once

#include <string>
#include <vector>

namespace doppel::report {

// What is wrong with the page: a number that has no entry in the JSON or another text there, an entry without
// the way it was obtained, a name or source that is not listed, an element that is not closed, anything that
// would be fetched. Empty: nothing.
std::vector<std::string> faults_of_page(const std::string& html, const std::string& json);

}  // namespace doppel::report
