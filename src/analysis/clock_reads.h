// SPDX-License-Identifier: Apache-2.0
// Which instructions need to know how many instructions a warp has issued: the time that it sees goes by
// them.
#pragma once

#include "ir/operation.h"

namespace doppel::analysis {

// %clock, %globaltimer and their like among the operands, or nanosleep.
bool reads_clock(const ir::Operation& operation);
// The same without nanosleep.
bool reads_clock_register(const ir::Operation& operation);

}  // namespace doppel::analysis
