// SPDX-License-Identifier: Apache-2.0
// Whether a function keeps the rules of barriers of lanes (converge_set, converge_break, converge_wait).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "ir/module.h"

namespace doppel::ir {

// As many as machine code of sm_70 and later has: B0 to B15.
inline constexpr std::uint64_t kConvergenceBarriers = 16;

struct ConvergenceViolation {
  std::uint32_t operation = 0;
  std::string message;
};

// The first rule that is broken. Held: a barrier is named by a constant, and is one that there is; on each
// way from the function's start it is set before it is left or waited for, and not set again before that;
// setting and waiting have no guard; waiting begins a block. Blocks and targets must be well-formed.
std::optional<ConvergenceViolation> verify_convergence(const Function& function);

}  // namespace doppel::ir
