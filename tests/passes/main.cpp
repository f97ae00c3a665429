// SPDX-License-Identifier: Apache-2.0
// File tests: a kernel in the IR, and beside its lines what an analysis or a pass finds there.
//
//   pass_tests [--update] FILE...
//
// README.md has the format. --update writes what is found now in place of what was expected.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "ir/parse.h"
#include "stages.h"

namespace doppel::passes {
namespace {

struct TestFile {
  std::vector<std::string> lines;  // without their notes
  std::vector<std::string> expected;
  Settings settings;
};

constexpr std::string_view kMark = ";;";

std::string trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(' ') - first + 1));
}

// "; block: 16,16,1" gives "16,16,1" for "block".
std::optional<std::string> setting(const std::string& line, std::string_view name) {
  const std::string head = fmt::format("; {}:", name);
  if (!line.starts_with(head)) return std::nullopt;
  return trimmed(std::string_view(line).substr(head.size()));
}

std::optional<TestFile> read(const std::string& name) {
  std::ifstream in(name);
  if (!in) return std::nullopt;
  TestFile file;
  for (std::string line; std::getline(in, line);) {
    const std::size_t mark = line.find(kMark);
    file.expected.push_back(mark == std::string::npos ? "" : trimmed(line.substr(mark + kMark.size())));
    line.resize(std::min(mark, line.size()));
    line.resize(line.find_last_not_of(' ') + 1);
    if (const auto stage = setting(line, "stage")) file.settings.stage = *stage;
    if (const auto target = setting(line, "target")) {
      if (*target != "sm_86" && *target != "sm_120") return std::nullopt;
      file.settings.wide_integer_add = *target == "sm_120";
    }
    const auto block = setting(line, "block");
    Dim3& extents = file.settings.block;
    if (block && std::sscanf(block->c_str(), "%u,%u,%u", &extents.x, &extents.y, &extents.z) != 3)
      return std::nullopt;
    const auto registers = setting(line, "registers");
    if (registers && std::sscanf(registers->c_str(), "%u", &file.settings.most_registers) != 1)
      return std::nullopt;
    file.lines.push_back(line);
  }
  return file;
}

void write(const std::string& name, const TestFile& file, const Notes& notes) {
  std::ofstream out(name);
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    const auto note = notes.find(static_cast<std::uint32_t>(i + 1));
    out << file.lines[i];
    if (note != notes.end() && !note->second.empty()) out << "  " << kMark << " " << note->second;
    out << "\n";
  }
}

// "ir: function ... (line 14) ...: what is wrong" and "ir:14: what is wrong" beside line 14.
Notes error_at_its_line(const std::string& message) {
  for (const std::string_view before : {"line ", "ir:"}) {
    const std::size_t at = message.find(before);
    const int line = at == std::string::npos ? 0 : std::atoi(message.c_str() + at + before.size());
    if (line > 0) return {{static_cast<std::uint32_t>(line), message}};
  }
  return {{1, message}};
}

// How many lines differ; 1 for a file that cannot be tested.
int run(const std::string& name, bool update) {
  auto file = read(name);
  if (!file) {
    fmt::print("{}: cannot be read, or its head has a target, block or registers that there are not\n", name);
    return 1;
  }
  const Settings& settings = file->settings;
  const Stage* stage = nullptr;
  for (const auto* const part : {&analysis_stages(), &machine_stages(), &code_stages()}) {
    if (const auto found = part->find(settings.stage); found != part->end()) stage = &found->second;
  }
  if (stage == nullptr && settings.stage != "verify") {
    fmt::print("{}: there is no stage '{}'\n", name, settings.stage);
    return 1;
  }
  std::string text;
  for (const std::string& line : file->lines) {
    text += line;
    text += '\n';
  }
  Notes notes;
  auto module = ir::parse(text);
  if (settings.stage == "verify") {
    notes = module ? Notes{} : error_at_its_line(module.error().message);
  } else if (!module) {
    fmt::print("{}: {}\n", name, module.error().message);
    return 1;
  } else {
    try {
      notes = (*stage)(settings, analysis::AnalysedModule(std::move(*module)));
    } catch (const std::runtime_error& refused) {
      notes = error_at_its_line(refused.what());
    }
  }
  if (update) {
    write(name, *file, notes);
    return 0;
  }
  int differences = 0;
  for (std::size_t i = 0; i < file->lines.size(); ++i) {
    const auto found = notes.find(static_cast<std::uint32_t>(i + 1));
    const std::string now = found == notes.end() ? "" : found->second;
    if (now == file->expected[i]) continue;
    fmt::print("{}:{}: {}\n  expected: {}\n  found:    {}\n", name, i + 1, trimmed(file->lines[i]),
               file->expected[i], now);
    ++differences;
  }
  return differences;
}

int main_of(const std::vector<std::string>& arguments) {
  bool update = false;
  int differences = 0, files = 0;
  for (const std::string& each : arguments) {
    if (each == "--update") {
      update = true;
      continue;
    }
    ++files;
    differences += run(each, update);
  }
  if (files == 0) {
    fmt::print(stderr, "usage: pass_tests [--update] FILE...\n");
    return 2;
  }
  return differences == 0 ? 0 : 1;
}

}  // namespace
}  // namespace doppel::passes

int main(int count, char** arguments) {
  return doppel::passes::main_of(std::vector<std::string>(arguments + 1, arguments + count));
}
