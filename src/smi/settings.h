// SPDX-License-Identifier: Apache-2.0
// What is set of cards: -pl, -lgc, -rgc, -pm, -c, -e. Each goes through all cards, says what became of each,
// and has the status of the first that failed.
#pragma once

#include <string>
#include <vector>

#include "smi/nvml_client.h"
#include "smi/outcome.h"

namespace doppel::smi {

// Failure kBadUsage of what is no number.
Outcome<Said> set_power_limit(const std::vector<Gpu>& gpus, const std::string& watts);
// "1200" or "1000,1500". Failure kBadUsage of another text.
Outcome<Said> lock_clocks(const std::vector<Gpu>& gpus, const std::string& range_mhz);
Said reset_clocks(const std::vector<Gpu>& gpus);
// "0" or "1", or a word for it. Failure kBadUsage of another text.
Outcome<Said> set_persistence(const std::vector<Gpu>& gpus, const std::string& mode);
Outcome<Said> set_compute_mode(const std::vector<Gpu>& gpus, const std::string& mode);
Outcome<Said> set_ecc(const std::vector<Gpu>& gpus, const std::string& mode);

}  // namespace doppel::smi
