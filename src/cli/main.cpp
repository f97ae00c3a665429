// SPDX-License-Identifier: Apache-2.0
// The `doppel` command.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.h"
#include "cli/help.h"
#include "cli/output.h"
#include "cli/smi_flags.h"
#include "cli/smi_mig.h"
#include "support/nearest.h"

namespace doppel::cli {

namespace {

CLI::App* chosen_command(CLI::App& app) {
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  return chosen.empty() ? nullptr : chosen.front();
}

// "smi dmon", for "doppel smi dmon"; and that command.
std::pair<CLI::App*, std::string> deepest_command(CLI::App& app) {
  CLI::App* command = chosen_command(app);
  std::string path;
  CLI::App* deepest = nullptr;
  for (; command != nullptr; command = chosen_command(*command)) {
    deepest = command;
    path += (path.empty() ? "" : " ") + command->get_name();
  }
  return {deepest, path};
}

std::vector<std::string> flag_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

// An argument that nothing takes: a flag, or the name of a command.
int complain_of_unknown(CLI::App& app, const std::string& argument) {
  const auto [command, path] = deepest_command(app);
  std::vector<std::string> known;
  if (argument.starts_with("-")) {
    known = flag_names(command == nullptr ? app : *command);
  } else if (command == nullptr) {
    for (const CLI::App* each : app.get_subcommands({})) known.push_back(each->get_name());
  }
  const std::string near = nearest_name(argument.substr(0, argument.find('=')), known);
  complain(fmt::format("unknown {} '{}'{}{}",
                       argument.starts_with("-") ? "flag"
                       : command == nullptr      ? "command"
                                                 : "argument",
                       argument, near.empty() ? "" : fmt::format("; did you mean '{}'?", near),
                       fmt::format(" (see doppel{} --help)", command == nullptr ? "" : " " + path)));
  return kBadUsage;
}

// Arguments before the program. Splits at the first "--"; without one, CLI11 stops at the first word that is
// no flag.
std::vector<std::string> own_arguments(int argc, char** argv, Program& program) {
  std::vector<std::string> own(argv + 1, argv + argc);
  const auto mark = std::ranges::find(own, "--");
  if (mark != own.end()) {
    program.assign(mark + 1, own.end());
    own.erase(mark, own.end());
  }
  return own;
}

int main_of(int argc, char** argv) {
  // Its flags are those of another tool, and not of CLI11's form.
  if (argc > 2 && std::string_view(argv[1]) == "smi" && std::string_view(argv[2]) == "mig")
    return smi_mig(std::vector<std::string>(argv + 3, argv + argc), stdout);
  CLI::App app(
      "Doppel: GPU programs on doubles of real cards, with the time and energy each card would have taken",
      "doppel");
  app.formatter(help_formatter());
  app.set_version_flag("--version", std::string("doppel ") + DOPPEL_VERSION);
  app.require_subcommand(1);
  Program program;
  int status = 0;
  add_run(app, program, status);
  add_compare(app, program, status);
  add_bench(app, status);
  add_inject(app, status);
  add_review(app, status);
  add_cards(app, status);
  add_show(app, status);
  add_explain(app, status);
  add_ptx(app, status);
  add_node(app, status);
  add_smi(app, status);
  add_manual(app, status);
  for (CLI::App* command : app.get_subcommands({})) {
    if (command->get_prefix_command()) {
      // Before the command's own callback: what is left is the program.
      command->parse_complete_callback([command, &program] {
        std::vector<std::string> rest = command->remaining();
        if (rest.empty()) return;
        if (rest.front().starts_with("-") || !program.empty()) throw CLI::ExtrasError({rest.front()});
        program = std::move(rest);
      });
    }
  }
  std::vector<std::string> arguments = own_arguments(argc, argv, program);
  if (!arguments.empty() && arguments.front() == "smi") arguments = with_long_names(std::move(arguments));
  std::ranges::reverse(arguments);  // as CLI11 takes them
  try {
    app.parse(arguments);
  } catch (const CLI::Success& wanted) {  // --help, --version
    return app.exit(wanted);
  } catch (const CLI::ExtrasError&) {
    const CLI::App* command = deepest_command(app).first;
    std::vector<std::string> rest = command == nullptr ? app.remaining() : command->remaining();
    if (rest.empty()) rest = app.remaining(true);
    return complain_of_unknown(app, rest.empty() ? "" : rest.front());
  } catch (const CLI::RequiredError& error) {
    if (chosen_command(app) == nullptr && !app.remaining().empty())
      return complain_of_unknown(app, app.remaining().front());
    complain(fmt::format("{} (see doppel --help)", error.what()));
    return kBadUsage;
  } catch (const CLI::ParseError& error) {
    complain(error.what());
    return kBadUsage;
  }
  // The status of a program is its own, whether the words about it could be written or not.
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return status;
  complain("cannot write to standard output");
  return chosen_command(app)->get_prefix_command() || status != 0 ? status : kFailed;
}

}  // namespace
}  // namespace doppel::cli

// NOLINTNEXTLINE(bugprone-exception-escape): one that nobody could answer ends the process
int main(int argc, char** argv) {
  doppel::cli::prepare_streams();
  return doppel::cli::main_of(argc, argv);
}
