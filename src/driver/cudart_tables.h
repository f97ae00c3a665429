// The private tables of functions that NVIDIA's CUDA runtime asks of the driver by UUID (cuGetExportTable),
// and the keyed check by which it satisfies itself that the driver answers consistently. Left out by
// DOPPEL_CUDART_TABLES=OFF: then only programs on the driver API alone run.
#pragma once

#include <doppel/cuda/handles.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace doppel::driver {

// The table of this UUID, or null: the caller answers CUDA_ERROR_NOT_FOUND.
const void* export_table(const CUuuid& id);

// The digest of RFC 1319, 16 bytes: the runtime's check is built on it.
using Digest = std::array<std::uint8_t, 16>;
Digest md2(std::span<const std::uint8_t> message);
// HMAC (RFC 2104) over md2 with a key of one block.
Digest hmac_md2(const Digest& key, std::span<const std::uint8_t> message);

}  // namespace doppel::driver
