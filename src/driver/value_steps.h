// SPDX-License-Identifier: Apache-2.0
// Memory operations in stream order, between the interface's structures and work.
#pragma once

#include <doppel/cuda/stream.h>

#include "device/work.h"
#include "support/result.h"

namespace doppel::driver {

// InvalidArgument: an operation or a flag that does not exist, or more than 256 of them.
Result<device::ValueWork> value_work(unsigned count, const CUstreamBatchMemOpParams* operations,
                                     unsigned flags);
CUstreamBatchMemOpParams value_parameters(const device::ValueWork::Step& step);

}  // namespace doppel::driver
