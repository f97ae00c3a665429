// SPDX-License-Identifier: Apache-2.0
// How the addresses of one access instruction move from block to block. Learnt from the sampled blocks: the
// k-th execution of an instruction in the same warp of two neighbouring blocks differs by the stride. With
// that, the accesses of blocks that nobody traced are known, and so is what the SMs share in L2.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "analysis/trace.h"
#include "support/dim3.h"
#include "timing/l2_history.h"
#include "timing/scattered_access.h"

namespace doppel::timing {

struct BlockIndex {
  std::int64_t x = 0, y = 0, z = 0;
};
inline BlockIndex block_index(std::uint64_t linear, const Dim3& grid) {
  return {static_cast<std::int64_t>(linear % grid.x), static_cast<std::int64_t>(linear / grid.x % grid.y),
          static_cast<std::int64_t>(linear / (std::uint64_t{grid.x} * grid.y))};
}

struct AddressPattern {
  bool seen = false;
  // True: sector(block) = sector(other) + stride * (block - other), in sectors, per axis of the grid.
  bool affine = false;
  // Neighbours keep the stride, but far blocks do not: what the samples touched is gone through again and
  // again.
  bool wraps = false;
  double stride_x = 0, stride_y = 0, stride_z = 0;
  // What the samples touched.
  std::uint64_t first_sector = UINT64_MAX;
  std::uint64_t last_sector = 0;
  std::uint64_t block_sectors = 0;  // from the first to the last of one block, at most
  std::uint64_t touched = 0;        // sectors of the samples, with repetition

  std::int64_t shift(const BlockIndex& from, const BlockIndex& to) const {
    const double sectors = stride_x * static_cast<double>(to.x - from.x) +
                           stride_y * static_cast<double>(to.y - from.y) +
                           stride_z * static_cast<double>(to.z - from.z);
    return static_cast<std::int64_t>(sectors >= 0 ? sectors + 0.5 : sectors - 0.5);
  }
  // Where it follows no stride.
  ScatteredAccess scattered;
  Dim3 grid{};

  // From block to block in their order, so that each part of the grid has its own memory.
  bool goes_up() const;
  std::uint64_t linear(const BlockIndex& block) const {
    return static_cast<std::uint64_t>(block.x) +
           std::uint64_t{grid.x} * (static_cast<std::uint64_t>(block.y) +
                                    std::uint64_t{grid.y} * static_cast<std::uint64_t>(block.z));
  }
  // Where block `to` has the access that the sampled block `from` has at `sector`.
  std::uint64_t moved(std::uint64_t sector, const BlockIndex& from, const BlockIndex& to) const {
    if (!affine) return scattered.line(sector / 4, linear(from), linear(to)) * 4 + sector % 4;
    const std::uint64_t there = sector + static_cast<std::uint64_t>(shift(from, to));
    if (!wraps) return there;
    const auto span = static_cast<std::int64_t>(last_sector - first_sector + 1);
    const std::int64_t offset = static_cast<std::int64_t>(there - first_sector) % span;
    return first_sector + static_cast<std::uint64_t>(offset < 0 ? offset + span : offset);
  }
};

class AddressPatterns {
 public:
  // instruction_base[f]: number of the first instruction of function f, over all functions that are reached,
  // as in traces; one more entry ends it.
  AddressPatterns(std::span<const analysis::BlockTrace> traces, const Dim3& grid,
                  std::span<const std::uint32_t> instruction_base);

  std::uint32_t index_of(std::uint32_t function, std::uint32_t instruction) const {
    return instruction_base_[function] + instruction;
  }
  const AddressPattern& operator[](std::uint32_t index) const { return patterns_[index]; }
  std::size_t size() const { return patterns_.size(); }
  // What the whole grid touches with each instruction, as far as the samples tell: by pattern, empty where
  // none was seen. writes: by pattern, does the instruction write?
  std::vector<MemoryRange> ranges(const Dim3& grid, const std::vector<bool>& writes) const;

 private:
  void find_wraps(std::span<const analysis::BlockTrace> traces, const analysis::BlockTrace& base,
                  const Dim3& grid);
  void find_scattered(const std::map<std::uint64_t, const analysis::BlockTrace*>& by_index);

  std::vector<std::uint32_t> instruction_base_;
  std::vector<AddressPattern> patterns_;
};

}  // namespace doppel::timing
