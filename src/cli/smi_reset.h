// SPDX-License-Identifier: Apache-2.0
// `doppel smi -r`: cards of a node are reset, in the words of `nvidia-smi -r`.
#pragma once

#include <vector>

#include "smi/nvml_client.h"
#include "smi/outcome.h"

namespace doppel::cli {

// Of the node that DOPPEL_NODE names; what a reset does is in node/ecc.h. All cards are tried; the status is
// NVML's code of the last that was not reset (19: processes have it). Failure: there is no node to reset.
smi::Outcome<smi::Said> smi_reset(const std::vector<smi::Gpu>& gpus);

}  // namespace doppel::cli
