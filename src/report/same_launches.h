// SPDX-License-Identifier: Apache-2.0
// Whether the runs of a comparison did the same work on every card.
#pragma once

#include <string>

#include "report/report.h"

namespace doppel::report {

// Empty where every kernel was launched as often on every card (and, without kernels, every copy was made as
// often); else the first difference in words: "step was launched 4 times on RTX A6000 and 0 times on …".
std::string difference_of_launches(const Report& report);

}  // namespace doppel::report
