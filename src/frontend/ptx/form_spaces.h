// SPDX-License-Identifier: Apache-2.0
// The suffixes that memory, atomic and address forms share: state space, ordering, scope, cache hints.
#pragma once

#include "frontend/ptx/form_builder.h"

namespace doppel::ptx {

// Takes a state-space suffix (.shared means .shared::cta, .param .param::entry); false if there is none.
bool take_space(FormBuilder& builder, Space& space);

// .cta .cluster .gpu .sys; None if there is none.
Scope take_scope(FormBuilder& builder);

// Performance hints without a meaning for results: .L1::…, .L2::… eviction priorities and prefetch sizes.
// Sets `cache_policy` if an operand for .L2::cache_hint must follow.
void take_hints(FormBuilder& builder, bool& cache_policy);

}  // namespace doppel::ptx
