// SPDX-License-Identifier: Apache-2.0
// What the views show of a card's instances (MIG).
#pragma once

#include <string>
#include <vector>

#include "smi/nvml_client.h"

namespace doppel::smi {

// The lines of a card's instances in `-L`.
std::string mig_list(const Gpu& gpu);
// The table of instances below that of the cards; empty where there are none.
std::string mig_table(const std::vector<Gpu>& gpus);

}  // namespace doppel::smi
