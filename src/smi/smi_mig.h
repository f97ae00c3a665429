// SPDX-License-Identifier: Apache-2.0
// `doppel smi mig`, `-mig`, and what the other views show of instances.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "smi/nvml_client.h"
#include "smi/outcome.h"

namespace doppel::smi {

// `doppel smi mig ARGUMENTS`, with the flags as the user wrote them.
Outcome<Said> mig(const Nvml& nvml, std::span<const std::string> arguments);
// `-mig 0|1`: from the next start of the card on, or at once where nothing uses it.
Outcome<Said> set_mig_mode(const std::vector<Gpu>& gpus, const std::string& mode);

// The lines of a card's instances in `-L`.
std::string mig_list(const Gpu& gpu);
// The table of instances below that of the cards; empty where there are none.
std::string mig_table(const std::vector<Gpu>& gpus);

}  // namespace doppel::smi
