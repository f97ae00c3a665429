// SPDX-License-Identifier: Apache-2.0
// st.async, red.async and st.bulk: opcodes that begin as others do.
#pragma once

#include "frontend/ptx/form_builder.h"

namespace doppel::ptx {

bool store_async(FormBuilder& builder);   // behind st.async
bool reduce_async(FormBuilder& builder);  // behind red.async
bool store_bulk(FormBuilder& builder);    // behind st.bulk

}  // namespace doppel::ptx
