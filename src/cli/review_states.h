// SPDX-License-Identifier: Apache-2.0
// Runs of a few tests on a card in other states than it comes in: two cards, ECC, power limits.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "card/card.h"
#include "cli/execute.h"
#include "cli/private_folder.h"
#include "report/review/review.h"
#include "support/result.h"

namespace doppel::cli {

class OtherStates {
 public:
  // index: of the card among those that share `host_part` (execute.h). quick: fewer tests and limits.
  OtherStates(const PrivateFolder& host_part, std::size_t index, bool quick)
      : host_part_(host_part), index_(index), quick_(quick) {}

  // Fills what `out` has of these states, each that its card takes. Errors as of run_suite().
  Result<void> run(report::review::CardRun& out);
  // Of the suite: the first that was not 0.
  int status() const { return status_; }
  // Some states are then missing.
  bool interrupted() const { return interrupted_; }

 private:
  std::vector<std::string> memory_tests() const;
  std::vector<std::string> power_tests() const;
  // That the card takes, in W.
  std::vector<double> limits_of(const card::Card& card) const;
  // name: of the state, in words.
  Result<void> add(const std::vector<std::string>& tests, const ExecuteOptions& settings,
                   const std::string& name, const card::Card& card,
                   std::vector<report::review::Measure>& out);

  const PrivateFolder& host_part_;
  std::size_t index_;
  bool quick_;
  int status_ = 0;
  bool interrupted_ = false;
};

}  // namespace doppel::cli
