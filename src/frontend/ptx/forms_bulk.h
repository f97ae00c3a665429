// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frontend/ptx/form_builder.h"

namespace doppel::ptx {

// What follows cp.async.bulk, or cp.reduce.async.bulk.
bool bulk_copy(FormBuilder& builder, bool reduces);

}  // namespace doppel::ptx
