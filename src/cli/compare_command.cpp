// SPDX-License-Identifier: Apache-2.0
// `doppel compare`.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "cli/commands.h"
#include "cli/input_replay.h"
#include "cli/output.h"
#include "cli/private_folder.h"
#include "cli/program_flags.h"
#include "cli/progress.h"

namespace doppel::cli {
namespace {

// Stands before what the program writes on this card. Standard error is labelled too where somebody watches
// it apart from the output.
void print_label(const std::string& run, std::FILE* out) {
  const std::string label = fmt::format("--- on {} ---\n", run);
  say(out, "{}", label);
  std::fflush(out);
  if (out == stdout && isatty(STDOUT_FILENO) == 0 && isatty(STDERR_FILENO) != 0) say(stderr, "{}", label);
}

// "RTX A6000", at a limit that was asked for "RTX A6000 at 200 W".
std::string label_of(const card::Card& card, const ExecuteOptions& options) {
  return options.power_limit_w > 0 ? fmt::format("{} at {} W", short_name(card), options.power_limit_w)
                                   : short_name(card);
}

int compare(ProgramFlags& flags, const Program& program, const CLI::App& command) {
  if (flags.cards.empty()) flags.cards = {"rtx-a6000", "rtx-pro-5000-blackwell"};
  const Result<std::vector<card::Card>> cards = find_cards(flags.cards);
  if (!cards) return kBadUsage;
  if (const Result<void> ready = prepare(flags, program); !ready) {
    complain(ready.error().message);
    return ready.error().kind == Error::Kind::InvalidArgument ? kBadUsage : kFailed;
  }
  // Where a card has none, its doubles reach each other over PCI Express.
  const bool nvlink = flags.execute.nvlink;
  if (nvlink && std::ranges::none_of(*cards, [](const card::Card& card) { return card.nvlink.links > 0; })) {
    complain(fmt::format("--nvlink: {} has no NVLink", cards->front().name));
    return kBadUsage;
  }
  if (nvlink && flags.execute.devices < 2) {
    complain("--nvlink: a bridge joins two cards, and the program sees one: --devices 2");
    return kBadUsage;
  }
  if (const auto settings = check_settings(flags, *cards); !settings) {
    complain(settings.error().message);
    return kBadUsage;
  }
  std::FILE* const out = flags.reports_to_output ? stderr : stdout;
  report::Report report = new_report(program, command);
  // The program's own part is measured on the first card: what this machine does besides decides nothing.
  const Result<PrivateFolder> host_part = PrivateFolder::make();
  if (!host_part) {
    complain(host_part.error().message);
    return kFailed;
  }
  InputReplay input(STDIN_FILENO);
  flags.execute.input = &input;
  int status = 0;
  std::vector<double> limits = flags.power_limits_w;
  if (limits.empty()) limits.push_back(0);
  const std::size_t runs = limits.size() * cards->size();
  for (std::size_t i = 0; i < runs; ++i) {
    const card::Card& card = (*cards)[i % cards->size()];
    flags.execute.power_limit_w = limits[i / cards->size()];
    Progress progress(fmt::format("{} ({} of {})", label_of(card, flags.execute), i + 1, runs),
                      Progress::Beside::Output);
    if (!flags.quiet) {
      print_label(label_of(card, flags.execute), out);
      progress.watch(flags.execute);
    }
    flags.execute.host_part = shared_host_part(i, host_part->path());
    flags.execute.nvlink = nvlink && card.nvlink.links > 0;
    Result<Execution> execution = execute(program, {card}, flags.execute);
    progress.end();
    if (!execution) {
      complain(execution.error().message);
      return status_of(execution.error());
    }
    if (execution->interrupted) {
      complain("interrupted: no report is written");
      return execution->run.exit != 0 ? execution->run.exit : 130;
    }
    if (status == 0) status = status_of(execution->run, flags);
    execution->run.power_limit_w = flags.execute.power_limit_w;
    report.runs.push_back(std::move(execution->run));
  }
  int failed = finish(report, flags);
  if (!flags.quiet) print(report, out);
  if (failed == 0) failed = decide(report, flags);
  return status != 0 ? status : failed;
}

}  // namespace

void add_compare(CLI::App& app, const Program& program, int& status) {
  CLI::App* command =
      app.add_subcommand("compare", "Run a program on each card and print the cards side by side");
  auto flags = add_program_flags(
      *command, "A card, by name or file; repeated: these (default: rtx-a6000, rtx-pro-5000-blackwell)");
  command->prefix_command();
  command->footer(
      "The program runs once on each card; what standard input holds, each run reads. A line with the card's "
      "name "
      "stands before its output, the table after the last one. The status is the first that is not 0, or 3 "
      "where "
      "--fail-if holds.");
  command->callback([flags, &program, &status, command] { status = compare(*flags, program, *command); });
}

}  // namespace doppel::cli
