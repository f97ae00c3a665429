// SPDX-License-Identifier: Apache-2.0
// ldmatrix and stmatrix (PTX ISA 9.7.14.5.15, 9.7.14.5.16), by whole matrices.
#pragma once

#include <vector>

#include "reference/thread.h"

namespace doppel::reference {

void load_matrices(Block& block, const std::vector<Thread*>& warp);
void store_matrices(Block& block, const std::vector<Thread*>& warp);

}  // namespace doppel::reference
