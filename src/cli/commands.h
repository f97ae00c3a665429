// SPDX-License-Identifier: Apache-2.0
// The commands of `doppel`, each in its own file. Each adds itself to the application; its callback sets
// `status`, the exit status of `doppel`.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "card/card.h"
#include "support/result.h"

namespace doppel::cli {

// Status of doppel itself, where no program gives one.
inline constexpr int kBadUsage = 2;
inline constexpr int kRefused = 2;         // --strict: something was refused, and the program ended with 0
inline constexpr int kConditionHolds = 3;  // of --fail-if, or it could not be decided
inline constexpr int kFailed = 125;  // doppel could not do its part, as coreutils' env and timeout say it
inline constexpr int kNotExecutable = 126;
inline constexpr int kNotFound = 127;

// What stands behind "--" on the command line, or behind the flags where there is no "--": the program and
// its arguments.
using Program = std::vector<std::string>;

void add_run(CLI::App& app, const Program& program, int& status);
void add_compare(CLI::App& app, const Program& program, int& status);
void add_bench(CLI::App& app, int& status);
void add_review(CLI::App& app, int& status);
void add_cards(CLI::App& app, int& status);
void add_show(CLI::App& app, int& status);
void add_inject(CLI::App& app, int& status);
void add_explain(CLI::App& app, int& status);
void add_ptx(CLI::App& app, int& status);
void add_smi(CLI::App& app, int& status);
void add_node(CLI::App& app, int& status);
void add_manual(CLI::App& app, int& status);  // and completion; last: they tell of the others

// Loads every named card, or complains and answers an error.
Result<std::vector<card::Card>> find_cards(const std::vector<std::string>& names);

}  // namespace doppel::cli
