// SPDX-License-Identifier: Apache-2.0
// What `run` and `compare` share: their flags, and what happens before and after a program.
#pragma once

#include <CLI/App.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/execute.h"
#include "report/condition.h"
#include "report/report.h"

namespace doppel::cli {

struct ProgramFlags {
  std::vector<std::string> cards;
  std::string clock = "host";
  std::string timing;
  double timeout_s = 0;
  std::vector<std::string> reports;
  std::string fail_if;
  bool quiet = false;
  bool strict = false;
  std::string ecc;
  std::vector<double> power_limits_w;  // none: the cards' own
  ExecuteOptions execute;

  std::optional<report::Condition> condition;  // of fail_if
  bool reports_to_output = false;              // a report goes to standard output: nothing else does
};

std::shared_ptr<ProgramFlags> add_program_flags(CLI::App& command, const std::string& card_help);

// What must hold before a program is started. Error InvalidArgument: of the command line.
Result<void> prepare(ProgramFlags& flags, const Program& program);

// Whether these cards take the ECC mode and the power limits. Error InvalidArgument names the card.
Result<void> check_settings(const ProgramFlags& flags, const std::vector<card::Card>& cards);

// The program's status, or what --strict makes of it.
int status_of(const report::Run& run, const ProgramFlags& flags);
// The status for an error of execute(), as shells and coreutils give it.
int status_of(const Error& error);

// Judges, and writes the reports: the status for what of it went wrong, or 0. Complains itself.
int finish(report::Report& report, const ProgramFlags& flags);

// Tries the condition, after all else was said: kConditionHolds, or 0. Says so itself.
int decide(const report::Report& report, const ProgramFlags& flags);

// The table and the sentences under it, as wide as the terminal.
void print(const report::Report& report, std::FILE* out);

// What reports say of themselves: their date and the flags that made them.
report::Report new_report(const Program& program, const CLI::App& command);

}  // namespace doppel::cli
