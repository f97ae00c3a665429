// SPDX-License-Identifier: Apache-2.0
// The forms of cvt that have a pair of floats of 4, 6 or 8 bits. False refuses the form.
#pragma once

#include "frontend/ptx/form_builder.h"

namespace doppel::ptx {

bool is_small_pair(Type type);
bool to_small_pair(FormBuilder& builder, Type result, Type source);
bool from_small_pair(FormBuilder& builder, Type result, Type source);

}  // namespace doppel::ptx
