// SPDX-License-Identifier: Apache-2.0
// What the doubles refused of what a program asked for: launches, kernels, modules, calls (Diagnostic::kind
// "refused ...").
#pragma once

#include <string>
#include <vector>

#include "report/report.h"

namespace doppel::report {

// "On RTX A6000 3 launches were refused:", and a line for each kernel with the reason; nothing where there
// are none.
std::vector<std::string> refusal_lines(const Run& run);

}  // namespace doppel::report
