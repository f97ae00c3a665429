// SPDX-License-Identifier: Apache-2.0
// What cp.reduce.async.bulk does to each element (PTX ISA 9.7.9.25.4.2), one after the other, each at once
// for other blocks that do the same.
#pragma once

#include <cstdint>

#include "ir/attributes.h"
#include "ir/types.h"

namespace doppel::engine {

// bytes: a multiple of the element's, to which both addresses are aligned.
void reduce_elements(ir::AtomicOp operation, ir::Type type, void* target, const void* source,
                     std::uint32_t bytes);

}  // namespace doppel::engine
