// SPDX-License-Identifier: Apache-2.0
// The OpenCL twins of turned_kernels.cu.
#pragma once

#include "turned_image.h"

namespace bench {

// Prints the JSON line of the work.
void turn(const Turn& how, int side);

}  // namespace bench
