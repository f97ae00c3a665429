// SPDX-License-Identifier: Apache-2.0
// The metrics of `doppel smi --prometheus` and `doppel node --listen`.
#pragma once

#include <filesystem>
#include <string>

#include "support/result.h"

namespace doppel::cli {

// Of the cards that the environment names, as they stand now. `library` is libnvidia-ml.so.1; it is used anew
// each time, for cards that came since.
Result<std::string> metrics_text(const std::filesystem::path& library);

}  // namespace doppel::cli
