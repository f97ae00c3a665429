// SPDX-License-Identifier: Apache-2.0
// The management library of this installation, in use; and the metrics that are made of its values.
#pragma once

#include <string>

#include "smi/nvml_client.h"
#include "support/result.h"

namespace doppel::cli {

// With the cards that the environment names. A failure says what is wrong with the node where it is that.
smi::Outcome<smi::Nvml> open_management();

// Of `doppel smi --prometheus` and `doppel node --listen`: of the cards as they are now. The library is used
// anew each time, for cards that came since.
smi::Outcome<std::string> metrics_text();

}  // namespace doppel::cli
