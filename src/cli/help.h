// SPDX-License-Identifier: Apache-2.0
// `--help` in lines as wide as the terminal.
#pragma once

#include <CLI/App.hpp>
#include <memory>

namespace doppel::cli {

// For CLI::App::formatter(), before commands are added: they take it over.
std::shared_ptr<CLI::FormatterBase> help_formatter();

}  // namespace doppel::cli
