// SPDX-License-Identifier: Apache-2.0
// How a worker starts and ends thread block clusters, whose blocks it runs side by side.
#include <algorithm>

#include "engine/fault_report.h"
#include "engine/launch_shape.h"
#include "engine/worker.h"

namespace doppel::engine {

// One that no cluster of the grid is in, of the size that the grid needs. Null: the host has no memory.
Cluster* Worker::free_cluster() {
  const std::uint32_t blocks = grid->cluster_blocks, warps = grid->warps_per_block,
                      bytes = grid->shared_bytes;
  std::erase_if(free_clusters_, [&](Cluster* each) {
    if (each->suits(blocks, warps, bytes)) return false;
    std::erase_if(clusters_, [&](const auto& kept) { return kept.get() == each; });
    return true;
  });
  if (free_clusters_.empty()) {
    auto made = Cluster::make(blocks, warps, bytes);
    if (made == nullptr) return nullptr;
    free_clusters_.push_back(made.get());
    clusters_.push_back(std::move(made));
  }
  Cluster* const cluster = free_clusters_.back();
  free_clusters_.pop_back();
  return cluster;
}

bool Worker::start_cluster() {
  const std::uint64_t blocks = grid->cluster_blocks;
  if (grid->resident.fetch_add(blocks) + blocks > grid->residency_limit && !resident_.empty()) {
    grid->resident -= blocks;
    return false;
  }
  const std::optional<std::uint64_t> index = claim_block();
  if (!index) {
    grid->resident -= blocks;
    return false;
  }
  Cluster* const cluster = free_cluster();
  if (cluster == nullptr) {
    grid->resident -= blocks;
    grid->fail_with(out_of_memory("the shared memory of a cluster"));
    return false;
  }
  for (const auto& block : cluster->blocks()) {
    const LaunchConfig& config = grid->launch.config;
    begin(*block, block_of_cluster(config.grid, config.cluster, *index, block->rank));
    resident_.push_back(block.get());
  }
  cluster->begin();
  return true;
}

// Others may still touch its shared memory, so that it stays until the last of the cluster has ended.
void Worker::end_in_cluster(Block& block) {
  if (!block.cluster->block_ended()) return;
  for (const auto& each : block.cluster->blocks()) reset_block(*each);
  grid->resident -= block.cluster->blocks().size();
  free_clusters_.push_back(block.cluster);
}

}  // namespace doppel::engine
