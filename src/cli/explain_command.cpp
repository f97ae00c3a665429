// SPDX-License-Identifier: Apache-2.0
// `doppel explain`.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "report/explain.h"

namespace doppel::cli {
namespace {

int explain(const std::string& kernel, const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    complain(fmt::format("cannot read the report {}", file));
    return kFailed;
  }
  std::ostringstream text;
  text << in.rdbuf();
  const Result<std::string> answer = report::explain(text.str(), kernel, columns_of(STDOUT_FILENO));
  if (!answer) {
    complain(fmt::format("{}: {}", file, answer.error().message));
    return kFailed;
  }
  say(stdout, "{}", *answer);
  return 0;
}

}  // namespace

void add_explain(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand("explain", "Say why a kernel takes its time, from a JSON report");
  auto kernel = std::make_shared<std::string>();
  auto file = std::make_shared<std::string>();
  command->add_option("kernel", *kernel, "A kernel, or a part of its name")->type_name("KERNEL")->required();
  command->add_option("--from", *file, "The report, written by 'doppel run --report FILE.json' or by compare")
      ->type_name("FILE.json")
      ->required();
  command->callback([kernel, file, &status] { status = explain(*kernel, *file); });
}

}  // namespace doppel::cli
