// SPDX-License-Identifier: Apache-2.0
// `doppel run`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>

#include "card/nvlink_pairs.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/program_flags.h"
#include "cli/progress.h"

namespace doppel::cli {
namespace {

// The cards of a run without --card: those of the environment, as the library takes them.
std::vector<std::string> cards_of_environment() {
  const char* names = std::getenv("DOPPEL_CARDS");
  if (names == nullptr || *names == '\0') names = std::getenv("DOPPEL_CARD");
  if (names == nullptr || *names == '\0') return {"rtx-a6000"};
  return CLI::detail::split(names, ',');
}

int run(ProgramFlags& flags, const Program& program, const CLI::App& command) {
  const Result<std::vector<card::Card>> cards =
      find_cards(flags.cards.empty() ? cards_of_environment() : flags.cards);
  if (!cards) return kBadUsage;
  if (flags.execute.nvlink) {
    if (const auto pairs = card::nvlink_pairs(devices_of(*cards, flags.execute)); !pairs) {
      complain(fmt::format("--nvlink: {}", pairs.error().message));
      return kBadUsage;
    }
  }
  if (const Result<void> ready = prepare(flags, program); !ready) {
    complain(ready.error().message);
    return ready.error().kind == Error::Kind::InvalidArgument ? kBadUsage : kFailed;
  }
  if (const auto settings = check_settings(flags, *cards); !settings) {
    complain(settings.error().message);
    return kBadUsage;
  }
  if (flags.power_limits_w.size() > 1) {
    complain("--power-limit: a run has one; several are for `doppel compare`");
    return kBadUsage;
  }
  if (!flags.power_limits_w.empty()) flags.execute.power_limit_w = flags.power_limits_w.front();
  report::Report report = new_report(program, command);
  Progress progress(short_name(cards->front()), Progress::Beside::Output);
  if (!flags.quiet) progress.watch(flags.execute);
  Result<Execution> execution = execute(program, *cards, flags.execute);
  progress.end();
  if (!execution) {
    complain(execution.error().message);
    return status_of(execution.error());
  }
  const int status = status_of(execution->run, flags);
  execution->run.power_limit_w = flags.execute.power_limit_w;
  report.runs.push_back(std::move(execution->run));
  int failed = finish(report, flags);
  if (!flags.quiet && !execution->interrupted) print(report, stderr);
  if (failed == 0) failed = decide(report, flags);
  return status != 0 ? status : failed;
}

}  // namespace

void add_run(CLI::App& app, const Program& program, int& status) {
  CLI::App* command = app.add_subcommand("run", "Run a program on a card");
  auto flags = add_program_flags(*command,
                                 "The card, by name or file (see 'doppel cards'); repeated: several devices");
  command->prefix_command();
  command->footer(
      "Ends with the program's status, or with 3 where --fail-if holds. The program's standard output is "
      "left "
      "alone; the summary goes to standard error.");
  command->callback([flags, &program, &status, command] { status = run(*flags, program, *command); });
}

}  // namespace doppel::cli
