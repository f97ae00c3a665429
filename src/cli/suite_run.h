// SPDX-License-Identifier: Apache-2.0
// The suite on one card, for the commands that show its figures.
#pragma once

#include <cstddef>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "card/card.h"
#include "cli/execute.h"
#include "cli/private_folder.h"
#include "support/result.h"

namespace doppel::cli {

struct SuiteRun {
  // One object a test, as suite/README.md describes its line; where a kernel was timed also `watts`,
  // `clock_mhz`, `power_bound` and `bound` of it.
  std::vector<nlohmann::ordered_json> results;
  int status = 0;  // of the suite: 1 an answer was wrong, 2 a test is unknown
  bool interrupted = false;
};

// Runs the tests of these names (all where there are none) on the card, showing how far it is. `index` is
// that of the card among those that share `host_part` (execute.h). Tests that time more work than they check
// run twice: for their answers, and for their times only the blocks that the predictions need. Errors are of
// this installation.
//
// settings: devices, nvlink, ecc, power_limit_w and variables of them count. `name` is that of these runs
// among those that share `host_part`, and stands behind the card's where a terminal shows how far it is.
Result<SuiteRun> run_suite(const card::Card& card, const std::vector<std::string>& tests, std::size_t index,
                           const PrivateFolder& host_part, const ExecuteOptions& settings = {},
                           const std::string& name = "");

// Calls with `test` and `what` of each.
Result<void> list_suite(const std::function<void(const nlohmann::ordered_json&)>& on_test);

// A test's figure for people, or what is wrong with it; "-" for null.
std::string value_text(const nlohmann::ordered_json& result);

}  // namespace doppel::cli
