// SPDX-License-Identifier: Apache-2.0
// `doppel manual` and `doppel completion`: the manual page and bash's completions, from the commands' own
// flags.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/output.h"

namespace doppel::cli {
namespace {

constexpr const char* kHidden = "";  // CLI11's group of what --help does not list

// With those below them, by their whole names: "smi dmon".
struct NamedCommand {
  std::string name;
  const CLI::App* command;
};
std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  std::vector<const CLI::App*> commands;
  for (const CLI::App* each : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (each->get_group() != kHidden) commands.push_back(each);
  }
  return commands;
}

std::vector<NamedCommand> all_commands_of(const CLI::App& app) {
  std::vector<NamedCommand> all;
  for (const CLI::App* command : commands_of(app)) {
    all.push_back({command->get_name(), command});
    for (const NamedCommand& below : all_commands_of(*command))
      all.push_back({command->get_name() + " " + below.name, below.command});
  }
  return all;
}

// As troff takes it: a hyphen that is one, and no line that it would read as a request.
std::string troff(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  if (out.starts_with('.') || out.starts_with('\'')) out.insert(0, "\\&");
  return out;
}

std::string options_of(const CLI::App& command) {
  std::string out;
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_group() == kHidden) continue;
    const bool positional = option->get_positional();
    const std::string name = positional ? option->get_type_name() : option->get_name(false, true);
    out += fmt::format(".TP\n\\fB{}\\fR", troff(name));
    if (!positional && option->get_items_expected_max() > 0)
      out += fmt::format(" \\fI{}\\fR", troff(option->get_type_name()));
    out += "\n" + troff(option->get_description()) + "\n";
  }
  return out;
}

std::string usage_of(const std::string& name, const CLI::App& command) {
  if (name == "smi mig") return "[FLAG...]";  // it reads them itself
  if (command.get_prefix_command()) return "[FLAG...] \\-\\- PROGRAM [ARG...]";
  std::string out = "[FLAG...]";
  for (const CLI::Option* option : command.get_options()) {
    if (!option->get_positional()) continue;
    out += " " + (option->get_required() ? troff(option->get_type_name())
                                         : "[" + troff(option->get_type_name()) + "...]");
  }
  return out;
}

std::string manual_of(const CLI::App& app) {
  std::string out = fmt::format(".TH DOPPEL 1 \"\" \"doppel {}\" \"User Commands\"\n", DOPPEL_VERSION);
  const std::string about = app.get_description();
  const std::size_t colon = about.find(": ");  // behind the name
  out += fmt::format(".SH NAME\ndoppel \\- {}\n.SH SYNOPSIS\n",
                     troff(colon == std::string::npos ? about : about.substr(colon + 2)));
  for (const auto& [name, command] : all_commands_of(app))
    out += fmt::format("\\fBdoppel {}\\fR {}\n.br\n", name, usage_of(name, *command));
  out += ".SH COMMANDS\n";
  for (const auto& [name, command] : all_commands_of(app)) {
    out += fmt::format(".SS doppel {}\n{}.\n", name, troff(command->get_description()));
    out += options_of(*command);
    if (!command->get_footer().empty()) out += fmt::format(".PP\n{}\n", troff(command->get_footer()));
  }
  return out + ".SH OPTIONS\n" + options_of(app) +
         ".SH SEE ALSO\nThe documents of the project, beside its source: docs/command\\-line.md has the exit "
         "statuses, the\nforms of reports and the expressions of \\-\\-fail\\-if.\n";
}

// What may stand behind an option: its words, where its type names them; "CARDS" for a card; else empty.
std::string words_behind(const CLI::Option& option) {
  std::string type = option.get_type_name();
  if (type == "NAME" || type == "NAME,..." || type == "CARD")
    return option.check_lname("card") ? "CARDS" : "";
  if (type.find('|') == std::string::npos) return "";
  for (char& c : type) {
    if (c == '|') c = ' ';
  }
  return type;
}

std::string completion_of(const CLI::App& app) {
  std::string names, flags, behind;
  for (const CLI::App* command : commands_of(app)) {
    names += (names.empty() ? "" : " ") + command->get_name();
    std::string all;
    for (const CLI::Option* option : command->get_options()) {
      if (option->get_group() == kHidden) continue;
      for (const std::string& name : option->get_lnames()) {
        all += (all.empty() ? "--" : " --") + name;
        const std::string words = words_behind(*option);
        if (words == "CARDS") {
          behind +=
              fmt::format("    {}:--{}) words=$(doppel cards 2>/dev/null | awk 'NR > 2 {{ print $1 }}') ;;\n",
                          command->get_name(), name);
        } else if (!words.empty()) {
          behind += fmt::format("    {}:--{}) words=\"{}\" ;;\n", command->get_name(), name, words);
        }
      }
    }
    flags += fmt::format("    {}) words=\"{}\" ;;\n", command->get_name(), all);
  }
  return fmt::format(R"(# bash completion for doppel: made by `doppel completion`.
_doppel() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} command=${{COMP_WORDS[1]}} words="" i
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "{} --help --version" -- "$word"))
    return
  fi
  # Behind -- stands the program, which completes itself.
  for ((i = 2; i < COMP_CWORD; ++i)); do
    if [ "${{COMP_WORDS[i]}}" = -- ]; then
      COMPREPLY=($(compgen -c -f -- "$word"))
      return
    fi
  done
  case "$command:$before" in
{}  esac
  if [ -z "$words" ] && [[ $word == -* ]]; then
    case "$command" in
{}    esac
  fi
  if [ -n "$words" ]; then
    COMPREPLY=($(compgen -W "$words" -- "$word"))
  else
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}}
complete -o filenames -F _doppel doppel
)",
                     names, behind, flags);
}

}  // namespace

void add_manual(CLI::App& app, int& status) {
  for (const auto& [name, text] : {std::pair{"manual", "Print the manual page, for man(1)"},
                                   {"completion", "Print the completions, for bash"}}) {
    CLI::App* command = app.add_subcommand(name, text);
    command->group(kHidden);
    command->callback([&app, &status, is_manual = command->get_name() == "manual"] {
      say(stdout, "{}", is_manual ? manual_of(app) : completion_of(app));
      status = 0;
    });
  }
}

}  // namespace doppel::cli
