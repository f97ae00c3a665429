// SPDX-License-Identifier: Apache-2.0
// The blocks of a thread block cluster (PTX ISA 2.2.2), which run on one host thread: their barrier, and
// their shared memory, which each of them can touch. At kClusterRankShift and above, a block's window shows
// the shared memory of every block of the cluster, by rank, so that an address of another block's is an
// address like any other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/block.h"
#include "ir/attributes.h"

namespace doppel::engine {

class Cluster {
 public:
  Cluster();
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;
  // So many blocks, each of so many warps and bytes of shared memory. Null: the host refuses.
  static std::unique_ptr<Cluster> make(std::uint32_t blocks, std::uint32_t warps, std::uint32_t bytes);
  bool suits(std::uint32_t blocks, std::uint32_t warps, std::uint32_t bytes) const {
    return blocks_.size() == blocks && warps_ == warps && bytes_ == bytes;
  }
  std::span<const std::unique_ptr<Block>> blocks() const { return blocks_; }

  // All warps of all blocks are still to start.
  void begin();
  // The lanes in `mask` arrive at the barrier; `live` are those of the warp that have not exited.
  void arrive(Warp& warp, std::uint32_t mask, std::uint32_t live);
  // True: the warp has to wait until all have arrived.
  bool wait(Warp& warp, std::uint32_t mask, std::uint32_t live);
  // The warp has ended: nobody waits for it any more.
  void left(Warp& warp);
  // Every warp that still runs waits, and none of them for a phase of an mbarrier.
  bool is_stuck() const;
  // A block has ended. True: it was the last.
  bool block_ended() { return ++ended_ == blocks_.size(); }

 private:
  void note_arrival(Warp& warp, std::uint32_t live);
  void complete();
  void share_time();

  std::vector<std::unique_ptr<Block>> blocks_;  // by rank
  std::uint32_t warps_ = 0, bytes_ = 0;
  std::uint32_t missing_ = 0;  // warps that the barrier still waits for
  std::size_t ended_ = 0;      // blocks
};

}  // namespace doppel::engine
