// SPDX-License-Identifier: Apache-2.0
#include "cli/smi_flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iterator>
#include <span>
#include <string_view>

namespace doppel::cli {
namespace {

struct Name {
  std::string_view small, large;
};
constexpr Name kNames[] = {
    {"-L", "--list-gpus"},
    {"-q", "--query"},
    {"-x", "--xml-format"},
    {"-d", "--display"},
    {"-i", "--id"},
    {"-f", "--filename"},
    {"-l", "--loop"},
    {"-lms", "--loop-ms"},
    {"-pl", "--power-limit"},
    {"-lgc", "--lock-gpu-clocks"},
    {"-rgc", "--reset-gpu-clocks"},
    {"-pm", "--persistence-mode"},
    {"-c", "--compute-mode"},
    {"-e", "--ecc-config"},
    {"-mig", "--multi-instance-gpu"},
    {"-r", "--gpu-reset"},
    {"-p", "--reset-ecc-errors"},
    {"-ac", "--applications-clocks"},
    {"-rac", "--reset-applications-clocks"},
    {"-lmc", "--lock-memory-clocks"},
    {"-rmc", "--reset-memory-clocks"},
    {"-am", "--accounting-mode"},
    {"-caa", "--clear-accounted-apps"},
    {"-gtt", "--gpu-target-temp"},
    {"-dm", "--driver-model"},
    {"-vm", "--virt-mode"},
    {"-u", "--unit"},
    {"-B", "--list-excluded-gpus"},
    {"-cc", "--cuda-clocks"},
};
constexpr Name kMonitor[] = {{"-i", "--id"},     {"-d", "--delay"},   {"-c", "--count"},
                             {"-s", "--select"}, {"-o", "--options"}, {"-f", "--filename"}};
constexpr Name kTopology[] = {{"-m", "--matrix"}, {"-p2p", "--p2p_matrix"}, {"-i", "--id"}};
constexpr Name kNvlink[] = {{"-s", "--status"},
                            {"-i", "--id"},
                            {"-c", "--capabilities"},
                            {"-e", "--errorcounters"},
                            {"-R", "--remotelinkinfo"}};

// Flags that only the original has: refused by name.
constexpr std::string_view kForeign[] = {"--reset-ecc-errors",
                                         "--applications-clocks",
                                         "--reset-applications-clocks",
                                         "--lock-memory-clocks",
                                         "--reset-memory-clocks",
                                         "--accounting-mode",
                                         "--clear-accounted-apps",
                                         "--gpu-target-temp",
                                         "--driver-model",
                                         "--virt-mode",
                                         "--gom",
                                         "--unit",
                                         "--list-excluded-gpus",
                                         "--cuda-clocks",
                                         "--query-accounted-apps",
                                         "--query-retired-pages",
                                         "--query-remapped-rows",
                                         "--dtd"};
constexpr std::string_view kForeignCommands[] = {"daemon",
                                                 "replay",
                                                 "stats",
                                                 "drain",
                                                 "clocks",
                                                 "encodersessions",
                                                 "fbcsessions",
                                                 "vgpu",
                                                 "compute-policy",
                                                 "boost-slider",
                                                 "power-hint",
                                                 "conf-compute",
                                                 "c2c",
                                                 "power-smoothing",
                                                 "power-profiles",
                                                 "gpm"};

constexpr const char* kHidden = "";  // CLI11's group of what --help does not list

CLI::Option* add_value(CLI::App& app, const char* name, std::string& to, const char* type, const char* text) {
  return app.add_option(name, to, text)->type_name(type);
}

void add_id(CLI::App& app, SmiFlags& flags) {
  add_value(app, "--id", flags.id, "ID,...", "-i: of these cards alone, by index, UUID or PCI bus id");
}

void add_views(CLI::App& smi, SmiFlags& flags) {
  smi.add_flag("--list-gpus", flags.list, "-L: a line a card, with its UUID");
  smi.add_flag("--query", flags.query, "-q: all that is known of the cards");
  smi.add_flag("--xml-format", flags.xml, "-x: with -q, as XML");
  add_value(smi, "--display", flags.display, "SECTION,...",
            "-d: with -q, these sections alone, such as MEMORY,POWER");
  add_value(smi, "--query-gpu", flags.query_gpu, "FIELD,...",
            "These values as CSV, a line a card (--help-query-gpu)");
  add_value(smi, "--query-compute-apps", flags.query_apps, "FIELD,...",
            "The same of the processes, a line each (--help-query-compute-apps)");
  add_value(smi, "--query-supported-clocks", flags.query_clocks, "FIELD,...",
            "The same of the clocks that can be set");
  add_value(smi, "--format", flags.format, "csv[,noheader][,nounits]", "The form of a query");
  smi.add_flag("--help-query-gpu", flags.help_gpu, "The fields of --query-gpu");
  smi.add_flag("--help-query-compute-apps", flags.help_apps, "The fields of --query-compute-apps");
  smi.add_flag("--help-query-supported-clocks", flags.help_clocks, "The fields of --query-supported-clocks");
  add_value(smi, "--filename", flags.file, "FILE", "-f: into this file");
  smi.add_option_function<double>(
         "--loop",
         [&flags](double seconds) {
           flags.loops = true;
           flags.every_s = seconds;
         },
         "-l: again and again, every SECONDS (5)")
      ->type_name("SECONDS")
      ->expected(0, 1)
      ->default_str("5")
      ->check(CLI::Range(0.001, 1e6).description(""));
  smi.add_option_function<double>(
         "--loop-ms",
         [&flags](double milliseconds) {
           constexpr double kMilli = 1e-3;
           flags.loops = true;
           flags.every_s = milliseconds * kMilli;
         },
         "-lms: the same, every MILLISECONDS")
      ->type_name("MILLISECONDS")
      ->check(CLI::Range(1.0, 1e9).description(""));
}

void add_settings(CLI::App& smi, SmiFlags& flags) {
  add_value(smi, "--power-limit", flags.power_limit, "W",
            "-pl: sets the power limit; programs that start then keep it");
  add_value(smi, "--lock-gpu-clocks", flags.lock_clocks, "MHZ[,MHZ]",
            "-lgc: keeps the clock of the SMs in this range");
  smi.add_flag("--reset-gpu-clocks", flags.reset_clocks, "-rgc: ends that");
  add_value(smi, "--persistence-mode", flags.persistence, "0|1",
            "-pm: whether cards stay ready while nobody uses them");
  add_value(smi, "--compute-mode", flags.compute_mode, "0|2|3",
            "-c: which processes may use the cards: all, none, or one at a time");
  add_value(smi, "--ecc-config", flags.ecc, "0|1", "-e: ECC from the next reset of the cards on (-r)");
  smi.add_flag("--gpu-reset", flags.reset, "-r: resets the cards, which no process may be using");
  add_value(smi, "--multi-instance-gpu", flags.mig, "0|1",
            "-mig: whether the cards can be split into instances");
}

void add_monitor(CLI::App& smi, SmiFlags& flags, const char* name, const char* text, const char* groups) {
  CLI::App* command = smi.add_subcommand(name, text);
  add_id(*command, flags);
  command->add_option("--delay", flags.delay_s, "-d: seconds between two looks (1)")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.001, 1e6).description(""));
  command->add_option("--count", flags.count, "-c: looks; without it, on and on")
      ->type_name("N")
      ->check(CLI::Range(1U, 1'000'000'000U).description(""));
  add_value(*command, "--select", flags.groups, "LETTERS", groups);
  add_value(*command, "--options", flags.moments, "D|T|DT", "-o: date and time before each line");
  add_value(*command, "--filename", flags.file, "FILE", "-f: into this file");
}

void add_commands(CLI::App& smi, SmiFlags& flags) {
  add_monitor(
      smi, flags, "dmon", "A line a card for each look",
      "-s: p power and temperature, u utilisation, c clocks, v violations, m memory, e errors, t PCIe (puc)");
  add_monitor(smi, flags, "pmon", "A line a process for each look", "-s: u utilisation, m memory (u)");
  CLI::App* topology = smi.add_subcommand("topo", "How cards reach each other");
  add_id(*topology, flags);
  topology->add_flag("--matrix", flags.matrix, "-m: by NVLink or over which parts of the host");
  add_value(*topology, "--p2p_matrix", flags.peers, "r|w|n|a|p",
            "-p2p: whether they may read, write, by NVLink, with atomics, over PCIe");
  CLI::App* nvlink = smi.add_subcommand("nvlink", "NVLink");
  add_id(*nvlink, flags);
  nvlink->add_flag("--status", flags.status, "-s: links and their speeds");
  nvlink->add_flag("--capabilities", flags.capabilities, "-c: what they can do");
  nvlink->add_flag("--errorcounters", flags.errors, "-e: their errors");
  nvlink->add_flag("--remotelinkinfo", flags.remotes, "-R: the cards at their other ends");
  smi.add_subcommand("mig", "Instances of cards (MIG)")->prefix_command();
  for (const std::string_view name : kForeignCommands) {
    CLI::App* foreign = smi.add_subcommand(std::string(name), "")->group(kHidden)->prefix_command();
    foreign->parse_complete_callback([&flags, name] { flags.refused = name; });
  }
}

std::span<const Name> names_of(std::string_view command) {
  if (command == "dmon" || command == "pmon") return kMonitor;
  if (command == "topo") return kTopology;
  if (command == "nvlink") return kNvlink;
  return kNames;
}

}  // namespace

void add_smi_flags(CLI::App& smi, SmiFlags& flags) {
  add_id(smi, flags);
  add_views(smi, flags);
  add_settings(smi, flags);
  smi.add_flag("--prometheus", flags.prometheus,
               "The values as metrics for Prometheus, named as DCGM's exporter does");
  for (const std::string_view name : kForeign) {
    smi.add_option_function<std::string>(
           std::string(name), [&flags, name](const std::string&) { flags.refused = name; }, "")
        ->expected(0, 1)
        ->default_str("-")
        ->group(kHidden);
  }
  add_commands(smi, flags);
}

std::vector<std::string> with_long_names(std::vector<std::string> arguments) {
  std::span<const Name> names = kNames;
  for (std::string& argument : arguments) {
    if (argument == "mig") break;
    if (!argument.starts_with('-')) {
      if (names.data() == std::data(kNames)) names = names_of(argument);
      continue;
    }
    const auto end = argument.find('=');
    const auto found = std::ranges::find(names, std::string_view(argument).substr(0, end), &Name::small);
    if (found == names.end()) continue;
    argument = std::string(found->large) + (end == std::string::npos ? "" : argument.substr(end));
  }
  return arguments;
}

}  // namespace doppel::cli
