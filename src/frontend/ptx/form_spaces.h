// SPDX-License-Identifier: Apache-2.0
// The suffixes that memory, atomic and address forms share: state space, ordering, scope, operation of a
// reduction, cache hints.
#pragma once

#include "frontend/ptx/form_builder.h"

namespace doppel::ptx {

// Takes a state-space suffix (.shared means .shared::cta, .param .param::entry); false if there is none.
bool take_space(FormBuilder& builder, Space& space);

// .cta .cluster .gpu .sys; None if there is none.
Scope take_scope(FormBuilder& builder);

// .add .and .or .xor .inc .dec .min .max, what red and its like do; None if there is none.
AtomicOp take_reduction_op(FormBuilder& builder);

// Performance hints without a meaning for results.
struct CacheHints {
  bool l1_priority = false;    // .L1::evict_… and .L1::no_allocate
  bool l2_priority = false;    // .L2::evict_…
  bool prefetch_size = false;  // .L2::64B and their like
  bool policy = false;         // .L2::cache_hint: its operand must follow
  bool any() const { return l1_priority || l2_priority || prefetch_size || policy; }
};
CacheHints take_hints(FormBuilder& builder);

}  // namespace doppel::ptx
