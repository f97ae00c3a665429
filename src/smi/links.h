// SPDX-License-Identifier: Apache-2.0
// The NVLinks of a card.
#pragma once

#include <optional>

#include "smi/nvml_client.h"

namespace doppel::smi {

// Links of `gpu` whose other end is `other`.
unsigned links_between(const Gpu& gpu, const Gpu& other);
// Of one link, one way, in GB/s; nothing where the card has none.
std::optional<double> link_speed(const Gpu& gpu);

}  // namespace doppel::smi
