// SPDX-License-Identifier: Apache-2.0
// The digest of RFC 1319 (MD2) and its keyed form, on which the check of NVIDIA's CUDA runtime is built.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace doppel::driver {

using Digest = std::array<std::uint8_t, 16>;
Digest md2(std::span<const std::uint8_t> message);
// HMAC (RFC 2104) over md2 with a key of one block.
Digest hmac_md2(const Digest& key, std::span<const std::uint8_t> message);

}  // namespace doppel::driver
