// SPDX-License-Identifier: Apache-2.0
// Copies of any number of bytes that a warp's threads have begun (cp.async.bulk and cp.reduce.async.bulk, PTX
// ISA 9.7.9.25.4). All of one is done when somebody looks at its barrier, when its thread waits for its
// group, or when the warp ends: the latest that the ISA allows.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/announced_access.h"
#include "engine/pending_copies.h"
#include "ir/operation.h"

namespace doppel::engine {

struct TensorBox;

struct BulkCopy {
  ir::AtomicOp reduction = ir::AtomicOp::None;
  ir::Type type = ir::Type::None;        // of a reduction's elements
  std::uint64_t target = 0, source = 0;  // addresses of the host
  bool is_value = false;                 // what is written is `value`, not what lies at the source
  std::array<std::byte, 16> value{};
  std::uint32_t bytes = 0;
  std::uint32_t byte_mask = 0xffff;  // of each 16 bytes those that are written
  bool to_shared = false;
  std::uint32_t barrier = 0;  // of a copy to shared memory: the offset in the window of what tells of its end
  std::uint32_t lanes = 0;    // a bit: whose it is
  std::shared_ptr<const TensorBox> tensor;  // of a copy of a tensor's box: what it moves
  ClosedGroups group;
  Site site;
};

class BulkCopies {
 public:
  std::size_t size() const { return copies_.size(); }
  void add(BulkCopy copy);
  void close_group(std::uint32_t mask) { closed_.close(mask); }
  // Calls end(BulkCopy) for those that `chosen` is true of, and forgets them; how many.
  template <typename Chosen, typename End>
  std::uint32_t finish(const Chosen& chosen, const End& end);
  bool in_closed_group(const BulkCopy& copy, std::uint32_t kept) const {
    return (closed_.closed_since(copy.group, kept) & copy.lanes) != 0;
  }
  void clear();

 private:
  std::vector<BulkCopy> copies_;  // in the order in which they were begun
  ClosedGroups closed_;
};

template <typename Chosen, typename End>
std::uint32_t BulkCopies::finish(const Chosen& chosen, const End& end) {
  std::uint32_t finished = 0;
  std::erase_if(copies_, [&](const BulkCopy& copy) {
    if (!chosen(copy)) return false;
    end(copy);
    ++finished;
    return true;
  });
  return finished;
}

// Keeps what has been tested until it is to be done.
void add_bulk_copy(Warp& warp, BulkCopy copy);
// The same copy to the same places in the block of that rank in the cluster.
BulkCopy in_block_of(const Warp& warp, BulkCopy copy, std::uint32_t rank);
// .multicast::cluster. blocks: a bit for each rank. What is wrong with them, or nothing.
std::string problem_of_blocks(const Warp& warp, std::uint64_t blocks);
// To each of them, at its own place.
void add_in_blocks(Warp& warp, const BulkCopy& copy, std::uint64_t blocks);
// That so many bytes from there on are aligned, and of shared memory of the block or its cluster.
std::optional<Fault> test_shared_range(const Warp& warp, std::uint32_t mask, Site site, LaneValues targets,
                                       std::uint32_t bytes, std::uint32_t alignment);
// For --check. offset: in the block's window.
void note_copy_begins(const Warp& warp, std::uint32_t offset, std::uint32_t bytes);
void note_copy_ends(const Warp& warp, std::uint32_t offset, std::uint32_t bytes);

// values: as of run_asynchronous, with the barrier's address behind the target's and the source's.
std::optional<Fault> begin_bulk_copies(Warp& warp, std::uint32_t mask, Site site,
                                       const ir::Operation& operation, LaneValues values);
void close_bulk_group(Warp& warp, std::uint32_t mask);
std::optional<Fault> wait_for_bulk_groups(Warp& warp, std::uint32_t mask, std::uint32_t kept);
// Those of the warp that arrive at this barrier of the block; all of them where there is none.
std::optional<Fault> finish_bulk_copies(Warp& warp, std::optional<std::uint32_t> barrier);

}  // namespace doppel::engine
