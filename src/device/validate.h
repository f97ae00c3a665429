// SPDX-License-Identifier: Apache-2.0
// What can be told of queued work without running it.
#pragma once

#include "device/device.h"
#include "device/work.h"
#include "support/result.h"

namespace doppel::device {

// CooperativeTooLarge or InvalidArgument, with the limit.
Result<void> validate(const Work& work, Device& device);

}  // namespace doppel::device
