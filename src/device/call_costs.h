// SPDX-License-Identifier: Apache-2.0
// What queueing work costs the thread that does, by the host's table.
#pragma once

#include "card/host.h"
#include "device/work.h"

namespace doppel::device {

double queueing_us(const Work& work, const card::Host& host);

}  // namespace doppel::device
