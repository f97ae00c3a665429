// SPDX-License-Identifier: Apache-2.0
// `topo` and `nvlink`: how cards reach each other and the host.
#pragma once

#include <string>
#include <vector>

#include "smi/nvml_client.h"
#include "smi/outcome.h"

namespace doppel::smi {

// `topo -m`: the matrix of all cards, with the processors near each, and what its words mean.
std::string topology_matrix(const std::vector<Gpu>& gpus);
// `topo -p2p r|w|n|a|p`: whether cards may read and write each other's memory, by NVLink, with atomics, over
// PCIe. Failure kBadUsage of another letter.
Outcome<std::string> peer_matrix(const std::vector<Gpu>& gpus, const std::string& capability);

// `nvlink -s`, `-c`, `-e`, `-R`: links with their speeds, what they can do, errors, the other ends. The
// status says where a card has no links.
Said nvlink_status(const std::vector<Gpu>& gpus);
Said nvlink_capabilities(const std::vector<Gpu>& gpus);
Said nvlink_errors(const std::vector<Gpu>& gpus);
Said nvlink_remotes(const std::vector<Gpu>& gpus);

}  // namespace doppel::smi
