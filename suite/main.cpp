// SPDX-License-Identifier: Apache-2.0
// doppel-suite [--list] [NAME…]: runs the tests named (or a group: the first word of their names), or all.
// One JSON object a line on standard output; README.md has its fields. Ends with 1 if any answer was wrong.
#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <exception>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "tests.h"

namespace {

using doppel::suite::Result;
using doppel::suite::Test;

std::vector<Test> all_tests() {
  using namespace doppel::suite;
  std::vector<Test> all;
  for (const auto tests : {fma_tests(), mandelbrot_tests(), stream_tests(), copy_tests(), launch_tests(),
                           matmul_tests(), sgemm_step_tests(), data_tests(), application_tests()}) {
    all.insert(all.end(), tests.begin(), tests.end());
  }
  return all;
}

bool is_named(const Test& test, std::string_view name) {
  const std::string_view own = test.name;
  return own == name || (own.starts_with(name) && own.size() > name.size() && own[name.size()] == '-');
}

void print(const nlohmann::ordered_json& line) {
  fmt::print("{}\n", line.dump());
  std::fflush(stdout);
}

// Runs one test and prints its line; true if the card's answer was right.
bool run(const Test& test, const doppel::host::Card& card) {
  nlohmann::ordered_json line;
  line["test"] = test.name;
  line["what"] = test.what;
  line["card"] = card.name();
  bool correct = false;
  try {
    const Result result = test.run(card);
    correct = result.correct;
    if (std::isfinite(result.value)) {  // with `--timing off` nothing takes time
      line["value"] = result.value;
      line["unit"] = result.unit;
      line["time_us"] = result.time_us;
    }
    line["check"] = correct ? "ok" : "failed";
    line["detail"] = result.detail;
    if (result.published > 0) {
      line["published"] = result.published;
      line["published_card"] = result.published_card;
      line["published_note"] = result.published_note;
    }
  } catch (const std::exception& error) {
    line["check"] = "failed";
    line["error"] = error.what();
  }
  print(line);
  return correct;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<Test> all = all_tests();
  if (argc == 2 && std::strcmp(argv[1], "--list") == 0) {
    for (const Test& test : all) print({{"test", test.name}, {"what", test.what}});
    return 0;
  }
  std::vector<Test> chosen;
  for (int i = 1; i < argc; ++i) {
    const std::size_t before = chosen.size();
    for (const Test& test : all) {
      if (is_named(test, argv[i])) chosen.push_back(test);
    }
    if (chosen.size() == before) {
      fmt::print(stderr, "doppel-suite: no test or group is named '{}'; --list prints them\n", argv[i]);
      return 2;
    }
  }
  if (argc == 1) chosen = all;
  try {
    const doppel::host::Card card;
    bool all_correct = true;
    for (const Test& test : chosen) all_correct = run(test, card) && all_correct;
    return all_correct ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "doppel-suite: {}\n", error.what());
    return 1;
  }
}
