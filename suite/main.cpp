// SPDX-License-Identifier: Apache-2.0
// doppel-suite [--list] [--answers | --times] [NAME…]: runs the tests named (or a group: the first word of
// their names), or all; of those that have a check of their own only that, or only the time.
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
  for (const auto tests : {fma_tests(), mandelbrot_tests(), stream_tests(), copy_tests(), peer_tests(),
                           launch_tests(), matmul_tests(), sgemm_step_tests(), tensor_tests(), gemm_tests(),
                           attention_tests(), data_tests(), application_tests(), cache_tests(),
                           cryptography_tests(), finance_tests(), science_tests(), texture_tests()}) {
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

// What is done of a test whose time and whose check take work of different size; the others are run whole, or
// with Half::Times not at all.
enum class Half { Both, Answers, Times };

// Of several published figures that of this very card.
const doppel::suite::Published* published(const Result& result, const std::string& card) {
  for (const doppel::suite::Published& each : result.published) {
    if (card == each.card) return &each;
  }
  return result.published.empty() ? nullptr : &result.published.front();
}

// Runs one test and prints its line; true if the card's answer was right.
bool run(const Test& test, const doppel::host::Card& card, Half half) {
  nlohmann::ordered_json line;
  line["test"] = test.name;
  line["what"] = test.what;
  line["card"] = card.name();
  bool correct = true;
  try {
    if (test.check == nullptr || half != Half::Answers) {
      const Result result = test.run(card);
      if (test.check == nullptr) correct = result.correct;
      if (std::isfinite(result.value)) {  // with `--timing off` nothing takes time
        line["value"] = result.value;
        line["unit"] = result.unit;
        line["time_us"] = result.time_us;
      }
      line["detail"] = result.detail;
      if (!result.kernel.empty()) line["kernel"] = result.kernel;
      if (const doppel::suite::Published* found = published(result, card.name())) {
        line["published"] = found->value;
        line["published_card"] = found->card;
        line["published_note"] = found->source;
      }
    }
    if (test.check != nullptr && half != Half::Times) correct = test.check(card);
    if (test.check == nullptr || half != Half::Times) line["check"] = correct ? "ok" : "failed";
  } catch (const doppel::suite::Absent& reason) {
    line["absent"] = reason.what();
  } catch (const std::exception& error) {
    correct = false;
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
  Half half = Half::Both;
  bool any_named = false;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--answers") == 0 || std::strcmp(argv[i], "--times") == 0) {
      half = std::strcmp(argv[i], "--times") == 0 ? Half::Times : Half::Answers;
      continue;
    }
    any_named = true;
    const std::size_t before = chosen.size();
    for (const Test& test : all) {
      if (is_named(test, argv[i])) chosen.push_back(test);
    }
    if (chosen.size() == before) {
      fmt::print(stderr, "doppel-suite: no test or group is named '{}'; --list prints them\n", argv[i]);
      return 2;
    }
  }
  if (!any_named) chosen = all;
  if (half == Half::Times) std::erase_if(chosen, [](const Test& test) { return test.check == nullptr; });
  try {
    const doppel::host::Card card;
    bool all_correct = true;
    for (const Test& test : chosen) all_correct = run(test, card, half) && all_correct;
    return all_correct ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "doppel-suite: {}\n", error.what());
    return 1;
  }
}
