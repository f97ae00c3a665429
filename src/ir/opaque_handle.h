// SPDX-License-Identifier: Apache-2.0
// The 64 bits by which a kernel knows a texture, a sampler or a surface. The top byte says which it is. Of
// textures and surfaces the rest is a place in the card's table and how often that was given out before; a
// sampler's holds its state, as PTX numbers it (PTX ISA 5.3).
#pragma once

#include <array>
#include <cstdint>

namespace doppel::ir {

inline constexpr std::uint64_t kTextureTag = 0x54;  // 'T'
inline constexpr std::uint64_t kSurfaceTag = 0x53;  // 'S'
inline constexpr std::uint64_t kSamplerTag = 0x4d;
inline constexpr int kTagShift = 56;

constexpr std::uint64_t tag_of(std::uint64_t handle) { return handle >> kTagShift; }

// Values of the sampler's fields (PTX ISA 5.3, table of opaque type fields).
enum class PtxAddressMode : std::uint8_t { Wrap, Mirror, ClampOgl, ClampToEdge, ClampToBorder };

struct PtxSampler {
  std::array<PtxAddressMode, 3> modes{};
  bool linear = false;
  bool force_unnormalized = false;
};

constexpr std::uint64_t handle_of(const PtxSampler& sampler) {
  std::uint64_t bits = kSamplerTag << kTagShift;
  for (int i = 0; i < 3; ++i) bits |= static_cast<std::uint64_t>(sampler.modes[i]) << (3 * i);
  return bits | (sampler.linear ? 1u << 9 : 0u) | (sampler.force_unnormalized ? 1u << 10 : 0u);
}

constexpr PtxSampler sampler_of(std::uint64_t handle) {
  PtxSampler sampler;
  for (int i = 0; i < 3; ++i) sampler.modes[i] = static_cast<PtxAddressMode>(handle >> (3 * i) & 7);
  sampler.linear = (handle >> 9 & 1) != 0;
  sampler.force_unnormalized = (handle >> 10 & 1) != 0;
  return sampler;
}

}  // namespace doppel::ir
