// SPDX-License-Identifier: Apache-2.0
// `doppel inject`: errors in the memory of a node's cards.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "node/ecc.h"
#include "node/node.h"
#include "node/process_life.h"
#include "report/table.h"

namespace doppel::cli {
namespace {

struct InjectFlags {
  std::string node;
  int card = 0;
  int pid = 0;
  bool one_bit = false, two_bits = false;
  std::string address;
  bool random = false;
  std::uint64_t seed = 1, count = 1, at_launch = 0;
  std::string ecc;
  bool reset = false, log = false;
};

int failed(const Error& error) {
  complain(error.message);
  return kBadUsage;
}

Result<std::shared_ptr<node::Node>> open_node(const InjectFlags& flags) {
  const char* const named = std::getenv("DOPPEL_NODE");
  const std::string name = !flags.node.empty() ? flags.node : named != nullptr ? named : "";
  if (name.empty() || name == "off")
    return fail(
        Error::Kind::NotFound,
        "no node is named: run the program with DOPPEL_NODE=NAME, and give that name here too (--node NAME)");
  return node::Node::open(name);
}

// The process whose memory is meant: the one that is named, else the only one there is.
Result<int> process_on(const node::Node& node, const InjectFlags& flags) {
  const auto state = node.state(flags.card, node::wall_ns());
  if (!state) return tl::unexpected(state.error());
  if (flags.pid != 0) return flags.pid;
  if (state->processes.size() == 1) return state->processes.front().pid;
  if (state->processes.empty())
    return fail(Error::Kind::NotFound, fmt::format("no process uses card {} of the node", flags.card));
  std::string pids;
  for (const node::ProcessState& each : state->processes)
    pids += fmt::format("{}{}", pids.empty() ? "" : ", ", each.pid);
  return fail(
      Error::Kind::InvalidArgument,
      fmt::format("several processes use card {} of the node: name one with --pid ({})", flags.card, pids));
}

Result<std::uint64_t> address_of(const InjectFlags& flags) {
  if (flags.random) return 0;
  char* end = nullptr;
  const std::uint64_t address = std::strtoull(flags.address.c_str(), &end, 0);
  if (address == 0 || *end != '\0')
    return fail(Error::Kind::InvalidArgument,
                fmt::format("--address {}: expected a device address, as 0x7f0000001000", flags.address));
  return address;
}

int plant(const std::shared_ptr<node::Node>& node, const InjectFlags& flags) {
  const auto pid = process_on(*node, flags);
  if (!pid) return failed(pid.error());
  const auto address = address_of(flags);
  if (!address) return failed(address.error());
  node::Ecc ecc(node, flags.card);
  const int bits = flags.two_bits ? 2 : 1;
  for (std::uint64_t i = 0; i < flags.count; ++i) {
    const auto number = ecc.plant({.pid = *pid,
                                   .bits = bits,
                                   .address = *address,
                                   .seed = flags.seed + i,
                                   .at_launch = flags.at_launch},
                                  node::wall_ns());
    if (!number) return failed(number.error());
    say(stdout, "error {} of {} for process {} on card {}: taken up {}\n", *number,
        bits == 1 ? "one bit" : "two bits", *pid, flags.card,
        flags.at_launch > 0 ? fmt::format("before its kernel number {}", flags.at_launch)
                            : std::string("before its next kernel, copy or fill"));
  }
  return 0;
}

int show_log(const std::shared_ptr<node::Node>& node, const InjectFlags& flags) {
  const node::Ecc ecc(node, flags.card);
  const auto state = ecc.state();
  if (!state) return failed(state.error());
  const auto errors = ecc.errors();
  if (!errors) return failed(errors.error());
  const auto mode = [](bool on) { return on ? "on" : "off"; };
  say(stdout, "card {}: ECC {}{}\n", flags.card, mode(state->on),
      state->on != state->pending ? fmt::format(", {} from the next reset on", mode(state->pending)) : "");
  say(stdout, "since the last reset: {} corrected, {} uncorrectable; in all: {}, {}\n",
      state->since_reset.corrected, state->since_reset.uncorrectable, state->in_all.corrected,
      state->in_all.uncorrectable);
  say(stdout, "remapped rows: {}{}{}\n", state->remapped_rows,
      state->remap_pending ? ", out of use from the next reset on" : "",
      state->remap_failed ? "; no row is left" : "");
  if (errors->empty()) return 0;
  report::Table table;
  constexpr auto kRight = report::Align::Right;
  table.columns = {
      {"error", kRight}, {"bits", kRight}, {"process", kRight}, {"address"}, {"what became of it"}};
  for (const node::ErrorEntry& each : *errors) {
    table.add({fmt::format("{}", each.number), fmt::format("{}", each.bits), fmt::format("{}", each.pid),
               each.address != 0 ? fmt::format("{:#x}", each.address) : "random", node::text_of(each.fate)});
  }
  say(stdout, "\n{}", report::to_text(table, columns_of(STDOUT_FILENO)));
  return 0;
}

int inject(const InjectFlags& flags) {
  const bool plants = flags.one_bit || flags.two_bits;
  if (!plants && flags.ecc.empty() && !flags.reset && !flags.log) {
    complain("nothing to do: give --single, --double, --ecc, --reset or --log");
    return kBadUsage;
  }
  if (plants && flags.random == !flags.address.empty()) {
    complain("where does the error lie? Give --address, or --random");
    return kBadUsage;
  }
  const auto node = open_node(flags);
  if (!node) return failed(node.error());
  node::Ecc ecc(*node, flags.card);
  if (const auto state = ecc.state(); !state) return failed(state.error());
  if (!flags.ecc.empty()) {
    if (auto set = ecc.set_mode(flags.ecc == "on"); !set) return failed(set.error());
  }
  if (flags.reset) {
    if (auto done = ecc.reset(node::wall_ns()); !done) return failed(done.error());
  }
  if (plants) {
    if (const int status = plant(*node, flags); status != 0) return status;
  }
  return flags.log ? show_log(*node, flags) : 0;
}

}  // namespace

void add_inject(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand(
      "inject", "Plant errors in the memory of a running node's card, and show what became of them");
  command->footer(
      "The program runs on a node with a name: DOPPEL_NODE=lab doppel run ... -- PROGRAM.\n"
      "docs/fault-injection.md: how to test what a program does about errors.");
  auto flags = std::make_shared<InjectFlags>();
  command->add_option("--node", flags->node, "The node (default: DOPPEL_NODE)")->type_name("NAME");
  command->add_option("--card", flags->card, "Its card, by number (default 0)")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber);
  command
      ->add_option("--pid", flags->pid, "The process whose memory it is (default: the only one on the card)")
      ->type_name("PID")
      ->check(CLI::PositiveNumber);
  auto* one =
      command->add_flag("--single", flags->one_bit, "An error of one bit: ECC corrects and counts it");
  command->add_flag("--double", flags->two_bits, "Of two bits: the context that reads it ends")
      ->excludes(one);
  auto* address = command->add_option("--address", flags->address, "In this byte of the program's memory")
                      ->type_name("ADDRESS");
  command->add_flag("--random", flags->random, "In a random byte of what the process has allocated")
      ->excludes(address);
  command->add_option("--seed", flags->seed, "Of the random places (default 1)")->type_name("N");
  command->add_option("--count", flags->count, "So many errors (default 1)")
      ->type_name("N")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{node::kMostErrors}));
  command->add_option("--at-launch", flags->at_launch, "Only before the process's Nth kernel on the card")
      ->type_name("N");
  command->add_option("--ecc", flags->ecc, "Turn ECC on or off, from the next reset on")
      ->check(CLI::IsMember({"on", "off"}));
  command->add_flag("--reset", flags->reset, "Reset the card, which no process may be using");
  command->add_flag("--log", flags->log, "Show mode, counters, remapped rows, and the latest errors");
  command->callback([flags, &status] { status = inject(*flags); });
}

}  // namespace doppel::cli
