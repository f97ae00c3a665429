// SPDX-License-Identifier: Apache-2.0
// `-q`: all that is known of the cards, as text or XML.
#pragma once

#include <string>
#include <vector>

#include "smi/nvml_client.h"
#include "smi/outcome.h"

namespace doppel::smi {

// `sections`: those of `-d`, with commas between them; empty: all. Failure kBadUsage names one that is none.
Outcome<std::string> details(const Nvml& nvml, const std::vector<Gpu>& gpus, const std::string& date,
                             const std::string& sections, bool xml);
// What `-d` takes.
std::vector<std::string> known_sections();

}  // namespace doppel::smi
