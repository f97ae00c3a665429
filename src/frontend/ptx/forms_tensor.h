// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frontend/ptx/form_builder.h"

namespace doppel::ptx {

// Of cp.async.bulk and cp.reduce.async.bulk behind .tensor, also .prefetch.tensor.
bool tensor_copy(FormBuilder& builder, bool reduces);
// Of prefetch behind .tensormap.
bool prefetch_tensor_map(FormBuilder& builder);
// Of fence.proxy behind .tensormap::generic.
bool fence_tensor_map(FormBuilder& builder);

}  // namespace doppel::ptx
