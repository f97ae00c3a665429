// SPDX-License-Identifier: Apache-2.0
// A program on each card at several power limits (`doppel compare --power-limit 150,200,250,300`).
#pragma once

#include "report/report.h"
#include "report/table.h"

namespace doppel::report {

// Whether its runs differ in their power limits.
bool is_power_sweep(const Report& report);

// A row a limit, for each card: the time of its kernels, their mean clock and power, and the work for each
// joule, as a ratio to the first card's at the highest limit.
Table power_sweep(const Report& report);

}  // namespace doppel::report
