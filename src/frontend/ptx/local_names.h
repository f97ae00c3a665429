// SPDX-License-Identifier: Apache-2.0
// Names for what a function declares, each used once: nested scopes of the source may have shared them.
#pragma once

#include <string>
#include <vector>

#include "frontend/ptx/module.h"

namespace doppel::ptx {

struct LocalNames {
  std::vector<std::string> registers, variables, parameters, return_parameters, labels, prototypes;
};

LocalNames local_names(const Function& function, const Module& module);

}  // namespace doppel::ptx
