// SPDX-License-Identifier: Apache-2.0
// The private tables of functions that NVIDIA's CUDA runtime asks of the driver by UUID (cuGetExportTable),
// and the keyed check by which it satisfies itself that the driver answers consistently. Left out by
// DOPPEL_CUDART_TABLES=OFF: then only programs on the driver API alone run.
#pragma once

#include <doppel/cuda/handles.h>

namespace doppel::driver {

// The table of this UUID, or null: the caller answers CUDA_ERROR_NOT_FOUND.
const void* export_table(const CUuuid& id);

}  // namespace doppel::driver
