// SPDX-License-Identifier: Apache-2.0
// `doppel run`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "card/load_card.h"
#include "card/nvlink_pairs.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/program_flags.h"
#include "cli/progress.h"
#include "node/node.h"
#include "node/process_life.h"

namespace doppel::cli {
namespace {

// The node that the user names, if any; null: none.
Result<std::shared_ptr<node::Node>> node_of_environment() {
  const char* const name = std::getenv("DOPPEL_NODE");
  if (name == nullptr || *name == '\0' || std::string_view(name) == "off") return nullptr;
  return node::Node::open(name);
}

// The cards of a run without --card: those of the environment or of the node, as the library takes them.
Result<std::vector<std::string>> usual_cards(const node::Node* node) {
  const char* names = std::getenv("DOPPEL_CARDS");
  if (names == nullptr || *names == '\0') names = std::getenv("DOPPEL_CARD");
  if (names != nullptr && *names != '\0') return CLI::detail::split(names, ',');
  std::vector<std::string> cards;
  if (node != nullptr) {
    const auto count = node->card_count();
    if (!count) return tl::unexpected<Error>(count.error());
    for (int number = 0; number < *count; ++number) {
      const auto name = node->name(number);
      if (!name) return tl::unexpected<Error>(name.error());
      cards.push_back(name->reference);
    }
  }
  if (cards.empty()) cards.emplace_back("rtx-a6000");
  return cards;
}

// The cards that the program sees, where the node has them.
Result<std::vector<card::Card>> cards_of(const ProgramFlags& flags) {
  const auto node = node_of_environment();
  if (!node) return tl::unexpected<Error>(node.error());
  const auto names = flags.cards.empty() ? usual_cards(node->get()) : flags.cards;
  if (!names) return tl::unexpected<Error>(names.error());
  std::vector<card::Card> cards;
  for (const std::string& name : *names) {
    auto card = card::find_card(name);
    if (!card) return tl::unexpected<Error>(card.error());
    cards.push_back(std::move(*card));
  }
  if (*node == nullptr) return cards;
  const auto description = (*node)->description();
  if (!description) return tl::unexpected<Error>(description.error());
  if (description->empty()) return cards;
  const auto there = (*node)->cards(devices_of(cards, flags.execute), node::wall_ns());
  if (!there) return tl::unexpected<Error>(there.error());
  return cards;
}

int run(ProgramFlags& flags, const Program& program, const CLI::App& command) {
  const Result<std::vector<card::Card>> cards = cards_of(flags);
  if (!cards) {
    complain(cards.error().message);
    return kBadUsage;
  }
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
  auto flags = add_program_flags(
      *command, "The card, by name or file (see 'doppel cards'); repeated, or with commas: several devices");
  command->prefix_command();
  command->footer(
      "Ends with the program's status, or with 3 where --fail-if holds. The program's standard output is "
      "left "
      "alone; the summary goes to standard error.");
  command->callback([flags, &program, &status, command] { status = run(*flags, program, *command); });
}

}  // namespace doppel::cli
