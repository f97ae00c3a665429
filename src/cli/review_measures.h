// SPDX-License-Identifier: Apache-2.0
// What the suite found on a card, as the review has it.
#pragma once

#include <vector>

#include "card/card.h"
#include "cli/suite_run.h"
#include "report/review/review.h"

namespace doppel::cli {

// One a test, in the suite's order. A published figure counts where it is of this very card.
std::vector<report::review::Measure> measures_of(const SuiteRun& suite, const card::Card& card);

}  // namespace doppel::cli
