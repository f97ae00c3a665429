// SPDX-License-Identifier: Apache-2.0
// Equality of modules but for text positions and local names: what a round trip through print() must keep.
#pragma once

#include <string>

#include "frontend/ptx/module.h"

namespace doppel::ptx::test {

// Empty if equal, else what differs first.
std::string difference(const Module& a, const Module& b);

}  // namespace doppel::ptx::test
