// SPDX-License-Identifier: Apache-2.0
#include "cli/help.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <sstream>

#include "cli/terminal.h"
#include "report/table.h"

namespace doppel::cli {
namespace {

constexpr std::size_t kNames = 26;      // of flags
constexpr std::size_t kWidest = 120;    // longer lines are hard to read
constexpr std::size_t kNarrowest = 20;  // beside the names

std::size_t width() { return std::min(columns_of(STDOUT_FILENO), kWidest); }

class Help : public CLI::Formatter {
 public:
  // Commands and flags alike: the name, and beside it what it does.
  static std::string entry(const std::string& name, const std::string& text) {
    const std::size_t room = std::max(kNarrowest, width() > kNames + 2 ? width() - kNames - 2 : 0);
    std::istringstream lines(report::wrapped(text, room));
    std::string out = "  " + name;
    std::string line;
    bool first = name.size() + 2 < kNames + 2;
    if (!first) out += '\n';
    while (std::getline(lines, line)) {
      out += std::string(first ? kNames + 2 - 2 - name.size() : kNames + 2, ' ') + line + '\n';
      first = false;
    }
    return out;
  }
  std::string make_option(const CLI::Option* option, bool is_positional) const override {
    return entry(make_option_name(option, is_positional) + make_option_opts(option),
                 make_option_desc(option));
  }
  std::string make_subcommand(const CLI::App* command) const override {
    return entry(command->get_name(), command->get_description());
  }
  std::string make_usage(const CLI::App* app, std::string name) const override {
    if (app->get_prefix_command()) return "Usage: " + name + " [FLAG...] -- PROGRAM [ARG...]\n";
    return CLI::Formatter::make_usage(app, name);
  }
  std::string make_footer(const CLI::App* app) const override {
    return app->get_footer().empty() ? "" : report::wrapped(app->get_footer(), width()) + "\n";
  }
};

}  // namespace

std::shared_ptr<CLI::FormatterBase> help_formatter() { return std::make_shared<Help>(); }

}  // namespace doppel::cli
