// Doppel's own words: always standard error, never the program's standard output.
// DOPPEL_LOG=error|warn|info|debug|trace|off sets the level (default: warn).
#pragma once

#include <spdlog/spdlog.h>

#include <memory>

namespace doppel {

// The process's logger; made on first use, thread-safe. Lines are "doppel: LEVEL: text".
spdlog::logger& log();

}  // namespace doppel
