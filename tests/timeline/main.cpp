// SPDX-License-Identifier: Apache-2.0
// Runs a case of a file and holds what it took against what its rule says:
//   timeline-program FILE CASE HOST.toml CARD.toml
// Status 0: as expected; 1: not; 2: the case cannot be run.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>

#include "case_file.h"
#include "number_table.h"
#include "program.h"

namespace {

using timeline::CaseError;

timeline::NumberTable numbers(const char* path) {
  std::ifstream in(path);
  if (!in) throw CaseError(std::string("cannot read '") + path + "'");
  return timeline::read_numbers(in);
}

timeline::Case find(const char* path, const std::string& name) {
  std::ifstream in(path);
  if (!in) throw CaseError("cannot be read");
  const std::vector<timeline::Case> cases = timeline::read_cases(in);
  const auto found = std::ranges::find(cases, name, &timeline::Case::name);
  if (found == cases.end()) throw CaseError("no case '" + name + "'");
  return *found;
}

int judge(const timeline::Case& tried, const timeline::Program& program) {
  std::printf("rule: %s (%s)\n", tried.rule.c_str(), tried.source.c_str());
  if (!tried.varies.empty()) std::printf("varies: %s\n", tried.varies.c_str());
  bool all_hold = true;
  for (const timeline::Expectation& expectation : tried.expectations) {
    const double seen = evaluate(expectation.seen, program);
    const double expected = evaluate(expectation.expected, program);
    const bool is_met = holds(expectation, seen, expected);
    all_hold = all_hold && is_met;
    std::printf("%s: %s: seen %.6g, expected %.6g\n", is_met ? "ok" : "FAILED", expectation.text.c_str(),
                seen, expected);
  }
  if (tried.fails.empty()) return all_hold ? 0 : 1;
  if (all_hold) {
    std::printf("FAILED: the rule holds now, so that its 'fails' can go: %s\n", tried.fails.c_str());
    return 1;
  }
  std::printf("fails, as is known: %s\n", tried.fails.c_str());
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 5) {
    std::fprintf(stderr, "usage: timeline-program FILE CASE HOST.toml CARD.toml\n");
    return 2;
  }
  try {
    const timeline::Case tried = find(arguments[1], arguments[2]);
    timeline::Program program(numbers(arguments[3]), numbers(arguments[4]));
    program.run(tried);
    return judge(tried, program);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s:%s\n", arguments[1], error.what());
    return 2;
  }
}
