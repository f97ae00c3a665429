// SPDX-License-Identifier: Apache-2.0
#include "driver/device_attributes.h"

#include <algorithm>
#include <climits>
#include <cmath>

namespace doppel::driver {
namespace {

int saturated(std::int64_t value) {
  return static_cast<int>(std::clamp<std::int64_t>(value, INT_MIN, INT_MAX));
}
int khz(double mhz) { return saturated(std::llround(mhz * 1000)); }

std::optional<int> limit_of_launch(const card::Card& card, CUdevice_attribute attribute) {
  switch (attribute) {
    case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
      return card.sm.max_threads_per_block;
    case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X:
      return card.sm.max_block_dim[0];
    case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y:
      return card.sm.max_block_dim[1];
    case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z:
      return card.sm.max_block_dim[2];
    case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X:
      return card.sm.max_grid_dim[0];
    case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y:
      return card.sm.max_grid_dim[1];
    case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z:
      return card.sm.max_grid_dim[2];
    case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK:
      return card.shared.bytes_per_block;
    case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN:
      return card.shared.bytes_per_block_optin;
    case CU_DEVICE_ATTRIBUTE_RESERVED_SHARED_MEMORY_PER_BLOCK:
      return card.shared.reserved_bytes_per_block;
    case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR:
      return card.shared.bytes_per_sm;
    case CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK:
      return card.sm.registers_per_block;
    case CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR:
      return card.sm.registers;
    case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR:
      return card.sm.max_threads;
    case CU_DEVICE_ATTRIBUTE_MAX_BLOCKS_PER_MULTIPROCESSOR:
      return card.sm.max_blocks;
    case CU_DEVICE_ATTRIBUTE_WARP_SIZE:
      return card.sm.warp_size;
    case CU_DEVICE_ATTRIBUTE_TOTAL_CONSTANT_MEMORY:
      return saturated(card.constant_bytes);
    default:
      return std::nullopt;
  }
}

std::optional<int> property_of_chip(const card::Card& card, PciLocation location,
                                    CUdevice_attribute attribute) {
  switch (attribute) {
    case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT:
      return card.sm_count;
    case CU_DEVICE_ATTRIBUTE_CLOCK_RATE:
      // The advertised boost clock, which a card may run above: NVIDIA's nvbench shows 2520 MHz for an RTX
      // 4090 that it measures at 2655 (nvbench, pull request 207).
      return khz(card.clocks.boost_mhz);
    case CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE:
      return khz(card.memory.clock_mhz);
    case CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH:
      return card.memory.bus_width_bits;
    case CU_DEVICE_ATTRIBUTE_ECC_ENABLED:
      return card.memory.ecc ? 1 : 0;
    case CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE:
      return saturated(card.l2.bytes);
    case CU_DEVICE_ATTRIBUTE_MAX_PERSISTING_L2_CACHE_SIZE:
      return saturated(card.l2.max_persisting_bytes);
    case CU_DEVICE_ATTRIBUTE_MAX_ACCESS_POLICY_WINDOW_SIZE:
      return saturated(card.l2.max_access_window_bytes);
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR:
      return card.compute_capability.major;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR:
      return card.compute_capability.minor;
    case CU_DEVICE_ATTRIBUTE_ASYNC_ENGINE_COUNT:
      return card.engines.copy;
    case CU_DEVICE_ATTRIBUTE_GPU_OVERLAP:
      return card.engines.copy > 0 ? 1 : 0;
    case CU_DEVICE_ATTRIBUTE_SINGLE_TO_DOUBLE_PRECISION_PERF_RATIO:
      return card.pipes.fp64.per_cycle > 0
                 ? static_cast<int>(card.pipes.fp32.per_cycle / card.pipes.fp64.per_cycle)
                 : 0;
    case CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID:
      return location.domain;
    case CU_DEVICE_ATTRIBUTE_PCI_BUS_ID:
      return location.bus;
    case CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID:
      return location.device;
    case CU_DEVICE_ATTRIBUTE_GPU_PCI_DEVICE_ID:
      return static_cast<int>(static_cast<unsigned>(card.pcie.device_id) << 16U |
                              static_cast<unsigned>(card.pcie.vendor_id));
    case CU_DEVICE_ATTRIBUTE_CLUSTER_LAUNCH:
      return card.sm.max_cluster_blocks > 0 ? 1 : 0;
    case CU_DEVICE_ATTRIBUTE_TENSOR_MAP_ACCESS_SUPPORTED:
      return card.compute_capability.major >= 9 ? 1 : 0;
    case CU_DEVICE_ATTRIBUTE_MEM_SYNC_DOMAIN_COUNT:
      return card.compute_capability.major >= 9 ? 4 : 1;
    default:
      return std::nullopt;
  }
}

std::optional<int> limit_of_texture(const card::Textures& limit, CUdevice_attribute attribute) {
  switch (attribute) {
    case CU_DEVICE_ATTRIBUTE_MAX_PITCH:
      return saturated(limit.max_pitch_bytes);
    case CU_DEVICE_ATTRIBUTE_TEXTURE_ALIGNMENT:
      return limit.alignment_bytes;
    case CU_DEVICE_ATTRIBUTE_TEXTURE_PITCH_ALIGNMENT:
      return limit.pitch_alignment_bytes;
    case CU_DEVICE_ATTRIBUTE_SURFACE_ALIGNMENT:
      return limit.surface_alignment_bytes;
    case CU_DEVICE_ATTRIBUTE_CAN_TEX2D_GATHER:
      return 1;
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_WIDTH:
      return limit.max_1d;
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_LINEAR_WIDTH:
      return limit.max_1d_linear;
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_MIPMAPPED_WIDTH:
      return limit.max_1d_mipmapped;
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_LAYERED_WIDTH:
      return limit.max_1d_layered[0];
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_LAYERED_LAYERS:
      return limit.max_1d_layered[1];
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_WIDTH:
      return limit.max_2d[0];
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_HEIGHT:
      return limit.max_2d[1];
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LINEAR_WIDTH:
      return limit.max_2d_linear[0];
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LINEAR_HEIGHT:
      return limit.max_2d_linear[1];
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LINEAR_PITCH:
      return limit.max_2d_linear[2];
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_MIPMAPPED_WIDTH:
      return limit.max_2d_mipmapped[0];
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_MIPMAPPED_HEIGHT:
      return limit.max_2d_mipmapped[1];
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_GATHER_WIDTH:
      return limit.max_2d_gather[0];
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_GATHER_HEIGHT:
      return limit.max_2d_gather[1];
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LAYERED_WIDTH:
      return limit.max_2d_layered[0];
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LAYERED_HEIGHT:
      return limit.max_2d_layered[1];
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LAYERED_LAYERS:
      return limit.max_2d_layered[2];
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE3D_WIDTH:
      return limit.max_3d[0];
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE3D_HEIGHT:
      return limit.max_3d[1];
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE3D_DEPTH:
      return limit.max_3d[2];
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE3D_WIDTH_ALTERNATE:
      return limit.max_3d_alternate[0];
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE3D_HEIGHT_ALTERNATE:
      return limit.max_3d_alternate[1];
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE3D_DEPTH_ALTERNATE:
      return limit.max_3d_alternate[2];
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURECUBEMAP_WIDTH:
      return limit.max_cubemap;
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURECUBEMAP_LAYERED_WIDTH:
      return limit.max_cubemap_layered[0];
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURECUBEMAP_LAYERED_LAYERS:
      return limit.max_cubemap_layered[1];
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_SURFACE1D_WIDTH:
      return limit.max_surface_1d;
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_SURFACE1D_LAYERED_WIDTH:
      return limit.max_surface_1d_layered[0];
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_SURFACE1D_LAYERED_LAYERS:
      return limit.max_surface_1d_layered[1];
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_SURFACE2D_WIDTH:
      return limit.max_surface_2d[0];
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_SURFACE2D_HEIGHT:
      return limit.max_surface_2d[1];
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_SURFACE2D_LAYERED_WIDTH:
      return limit.max_surface_2d_layered[0];
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_SURFACE2D_LAYERED_HEIGHT:
      return limit.max_surface_2d_layered[1];
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_SURFACE2D_LAYERED_LAYERS:
      return limit.max_surface_2d_layered[2];
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_SURFACE3D_WIDTH:
      return limit.max_surface_3d[0];
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_SURFACE3D_HEIGHT:
      return limit.max_surface_3d[1];
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_SURFACE3D_DEPTH:
      return limit.max_surface_3d[2];
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_SURFACECUBEMAP_WIDTH:
      return limit.max_surface_cubemap;
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_SURFACECUBEMAP_LAYERED_WIDTH:
      return limit.max_surface_cubemap_layered[0];
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_SURFACECUBEMAP_LAYERED_LAYERS:
      return limit.max_surface_cubemap_layered[1];
    default:
      return std::nullopt;
  }
}

// What the driver around the card offers: 1 for what this one does. Sharing with graphics and network cards
// is not among it, so programs that ask take their other way.
int ability(CUdevice_attribute attribute) {
  switch (attribute) {
    case CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY:
    case CU_DEVICE_ATTRIBUTE_CONCURRENT_KERNELS:
    case CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING:
    case CU_DEVICE_ATTRIBUTE_STREAM_PRIORITIES_SUPPORTED:
    case CU_DEVICE_ATTRIBUTE_GLOBAL_L1_CACHE_SUPPORTED:
    case CU_DEVICE_ATTRIBUTE_LOCAL_L1_CACHE_SUPPORTED:
    case CU_DEVICE_ATTRIBUTE_MANAGED_MEMORY:
    case CU_DEVICE_ATTRIBUTE_CONCURRENT_MANAGED_ACCESS:
    case CU_DEVICE_ATTRIBUTE_COMPUTE_PREEMPTION_SUPPORTED:
    case CU_DEVICE_ATTRIBUTE_CAN_USE_HOST_POINTER_FOR_REGISTERED_MEM:
    case CU_DEVICE_ATTRIBUTE_CAN_USE_STREAM_MEM_OPS_V1:
    case CU_DEVICE_ATTRIBUTE_CAN_USE_64_BIT_STREAM_MEM_OPS_V1:
    case CU_DEVICE_ATTRIBUTE_CAN_USE_STREAM_WAIT_VALUE_NOR_V1:
    case CU_DEVICE_ATTRIBUTE_CAN_USE_64_BIT_STREAM_MEM_OPS:
    case CU_DEVICE_ATTRIBUTE_CAN_USE_STREAM_WAIT_VALUE_NOR:
    case CU_DEVICE_ATTRIBUTE_COOPERATIVE_LAUNCH:
    case CU_DEVICE_ATTRIBUTE_HOST_REGISTER_SUPPORTED:
    case CU_DEVICE_ATTRIBUTE_READ_ONLY_HOST_REGISTER_SUPPORTED:
    case CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED:
    case CU_DEVICE_ATTRIBUTE_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR_SUPPORTED:
    case CU_DEVICE_ATTRIBUTE_IPC_EVENT_SUPPORTED:
    case CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED:
      return 1;
    default:
      return 0;
  }
}

}  // namespace

std::optional<int> device_attribute(const card::Card& card, PciLocation location,
                                    CUdevice_attribute attribute) {
  if (attribute < CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK || attribute >= CU_DEVICE_ATTRIBUTE_MAX)
    return std::nullopt;
  if (const auto value = limit_of_launch(card, attribute)) return value;
  if (const auto value = property_of_chip(card, location, attribute)) return value;
  if (const auto value = limit_of_texture(card.textures, attribute)) return value;
  return ability(attribute);
}

}  // namespace doppel::driver
