// SPDX-License-Identifier: Apache-2.0
// `doppel smi` without flags: the table of cards and processes; and `-L`.
#pragma once

#include <string>
#include <vector>

#include "smi/nvml_client.h"

namespace doppel::smi {

// `date`: of its first line; `version`: of Doppel.
std::string table(const Nvml& nvml, const std::vector<Gpu>& gpus, const std::string& date,
                  const std::string& version);
// "GPU 0: NVIDIA RTX A6000 (UUID: GPU-...)", a line a card, and one for each of its instances.
std::string list(const std::vector<Gpu>& gpus);

}  // namespace doppel::smi
