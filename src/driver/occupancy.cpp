// SPDX-License-Identifier: Apache-2.0
// How many blocks of a kernel fit on a card.
#include "driver/call.h"
#include "driver/launch_request.h"
#include "driver/objects.h"

namespace doppel::driver {
namespace {

CUresult max_active_blocks(int* blocks, CUfunction function, int block_threads, std::size_t dynamic_shared) {
  if (blocks == nullptr || block_threads <= 0) return CUDA_ERROR_INVALID_VALUE;
  return answer(find_function(function).and_then([&](const auto& kernel) {
    return kernel->max_active_blocks(static_cast<std::uint32_t>(block_threads), dynamic_shared);
  }),
                blocks);
}

CUresult best_block_size(int* min_grid, int* block, CUfunction function, CUoccupancyB2DSize shared_of_block,
                         std::size_t dynamic_shared, int limit) {
  if (min_grid == nullptr || block == nullptr) return CUDA_ERROR_INVALID_VALUE;
  const auto kernel = find_function(function);
  if (!kernel) return to_result(kernel.error());
  const auto shared = [&](int threads) -> std::uint64_t {
    return shared_of_block != nullptr ? shared_of_block(threads) : dynamic_shared;
  };
  const auto best = (*kernel)->best_block_size(shared, limit);
  *min_grid = best.min_grid;
  *block = best.block;
  return CUDA_SUCCESS;
}

Result<LaunchConfig> config_of(const CUlaunchConfig& from) {
  LaunchConfig config;
  config.grid = {from.gridDimX, from.gridDimY, from.gridDimZ};
  config.block = {from.blockDimX, from.blockDimY, from.blockDimZ};
  config.dynamic_shared_bytes = from.sharedMemBytes;
  return apply_attributes(config, from.attrs, from.numAttrs).map([&] { return config; });
}

// What `ask` tells of the kernel launched like that.
template <typename Ask>
CUresult of_clusters(int* value, CUfunction function, const CUlaunchConfig* config, const Ask& ask) {
  if (value == nullptr || config == nullptr) return CUDA_ERROR_INVALID_VALUE;
  return answer(find_function(function).and_then([&](const auto& kernel) {
    return config_of(*config).and_then(
        [&](const LaunchConfig& launch) -> Result<int> { return ask(*kernel, launch); });
  }),
                value);
}

constexpr unsigned kOccupancyFlags = CU_OCCUPANCY_DISABLE_CACHING_OVERRIDE;

}  // namespace
}  // namespace doppel::driver

extern "C" {
using namespace doppel::driver;

CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, CUfunction function, int block_threads,
                                                     size_t dynamic_shared) {
  return call(__func__, std::tuple(blocks, function, block_threads, dynamic_shared),
              [&] { return max_active_blocks(blocks, function, block_threads, dynamic_shared); });
}

CUresult cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, CUfunction function,
                                                              int block_threads, size_t dynamic_shared,
                                                              unsigned flags) {
  return call(__func__, std::tuple(blocks, function, block_threads, dynamic_shared, flags), [&] {
    if ((flags & ~kOccupancyFlags) != 0) return CUDA_ERROR_INVALID_VALUE;
    return max_active_blocks(blocks, function, block_threads, dynamic_shared);
  });
}

CUresult cuOccupancyMaxActiveClusters(int* clusters, CUfunction function, const CUlaunchConfig* config) {
  return call(__func__, std::tuple(clusters, function, config), [&] {
    return of_clusters(clusters, function, config,
                       [](const doppel::device::Kernel& kernel, const doppel::LaunchConfig& launch) {
                         return kernel.max_active_clusters(launch);
                       });
  });
}

CUresult cuOccupancyMaxPotentialClusterSize(int* blocks, CUfunction function, const CUlaunchConfig* config) {
  return call(__func__, std::tuple(blocks, function, config), [&] {
    return of_clusters(blocks, function, config,
                       [](const doppel::device::Kernel& kernel, const doppel::LaunchConfig& launch) {
                         return kernel.max_cluster_blocks(launch);
                       });
  });
}

CUresult cuOccupancyMaxPotentialBlockSize(int* min_grid, int* block, CUfunction function,
                                          CUoccupancyB2DSize shared_of_block, size_t dynamic_shared,
                                          int limit) {
  return call(__func__, std::tuple(min_grid, block, function, shared_of_block, dynamic_shared, limit), [&] {
    return best_block_size(min_grid, block, function, shared_of_block, dynamic_shared, limit);
  });
}

CUresult cuOccupancyMaxPotentialBlockSizeWithFlags(int* min_grid, int* block, CUfunction function,
                                                   CUoccupancyB2DSize shared_of_block, size_t dynamic_shared,
                                                   int limit, unsigned flags) {
  return call(__func__, std::tuple(min_grid, block, function, shared_of_block, dynamic_shared, limit, flags),
              [&] {
                if ((flags & ~kOccupancyFlags) != 0) return CUDA_ERROR_INVALID_VALUE;
                return best_block_size(min_grid, block, function, shared_of_block, dynamic_shared, limit);
              });
}

CUresult cuOccupancyAvailableDynamicSMemPerBlock(size_t* bytes, CUfunction function, int blocks,
                                                 int block_threads) {
  return call(__func__, std::tuple(bytes, function, blocks, block_threads), [&] {
    if (bytes == nullptr || blocks <= 0 || block_threads <= 0) return CUDA_ERROR_INVALID_VALUE;
    return answer(find_function(function).map([&](const auto& kernel) {
      return kernel->available_dynamic_shared(blocks, block_threads);
    }),
                  bytes);
  });
}

}  // extern "C"
