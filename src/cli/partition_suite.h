// SPDX-License-Identifier: Apache-2.0
// The suite in the instances that a card divides into (MIG), for `doppel review`.
#pragma once

#include <string>
#include <vector>

#include "card/card.h"
#include "cli/suite_run.h"
#include "support/result.h"

namespace doppel::cli {

struct PartitionSuite {
  card::Card card;      // the instance (card/partition.h); its id is the card's with the profile's name
  std::string profile;  // "1g.24gb"
  SuiteRun suite;
};

// Makes an instance of each plain profile (without `+` or `-`) on a machine of its own, one after the other,
// and runs in it those of `tests` (all: none are named) that tell an instance from the card. None where the
// card cannot be divided, and none after one that was interrupted.
Result<std::vector<PartitionSuite>> run_suite_in_partitions(const card::Card& card,
                                                            const std::vector<std::string>& tests);

}  // namespace doppel::cli
