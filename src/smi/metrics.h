// SPDX-License-Identifier: Apache-2.0
// The values of cards as metrics for Prometheus, with the names and labels that DCGM's exporter gives them
// (github.com/NVIDIA/dcgm-exporter, its default counters), in the text format 0.0.4.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "smi/nvml_client.h"

namespace doppel::smi {

// `last_xid`: the number of the last error of the card by its index; nothing where there was none.
// What a card does not have is left out.
std::string metrics(const std::vector<Gpu>& gpus, const std::string& host,
                    const std::function<std::optional<std::uint64_t>(unsigned)>& last_xid);

}  // namespace doppel::smi
