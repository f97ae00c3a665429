// SPDX-License-Identifier: Apache-2.0
// The kernels of the cases, as PTX.
#pragma once

namespace timeline {

const char* kernels_ptx();

}  // namespace timeline
