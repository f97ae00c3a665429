// SPDX-License-Identifier: Apache-2.0
// Why a kernel takes the time it takes, from a report that `doppel run --report FILE.json` wrote.
#pragma once

#include <cstddef>
#include <string>

#include "support/result.h"

namespace doppel::report {

// Every kernel of the report whose name holds `kernel`, on each of its cards: what bound it, how busy the
// units were, what limits its occupancy, and its rates beside the card's; lines of at most `width` characters
// where words allow it. Errors: InvalidInput (no report),
// NotFound (names the kernels there are).
Result<std::string> explain(const std::string& report_json, const std::string& kernel, std::size_t width);

}  // namespace doppel::report
