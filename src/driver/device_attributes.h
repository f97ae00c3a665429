// SPDX-License-Identifier: Apache-2.0
// What cuDeviceGetAttribute answers for a card: from the card's data, and what this double can and cannot do.
#pragma once

#include <doppel/cuda/device_attribute.h>

#include <optional>

#include "card/card.h"

namespace doppel::driver {

// Where a card sits on the machine's bus.
struct PciLocation {
  int domain = 0;
  int bus = 0;
  int device = 0;
};

// Nothing for an attribute that does not exist.
std::optional<int> device_attribute(const card::Card& card, PciLocation location,
                                    CUdevice_attribute attribute);

}  // namespace doppel::driver
