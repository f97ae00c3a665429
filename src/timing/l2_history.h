// SPDX-License-Identifier: Apache-2.0
// What an operation finds in L2: the operations before it, the latest first, with the memory each touched.
// Where a range was last touched, and how much else has passed through L2 since, says how much of it is still
// there. Deterministic: what counts is the order in which operations were submitted.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

namespace doppel::timing {

// Bytes [begin, end) of the card's memory, counted from its start.
struct MemoryRange {
  std::uint64_t begin = 0, end = 0;
  bool written = false;
  bool in_order = false;  // gone through from begin to end; else in any order, all the time
};

// Of a launch that is about to run.
struct L2Start {
  std::vector<double> present;  // of each range that was asked for: the share of its bytes that is in L2
  double write_back = 0;        // bytes that leave to DRAM for each byte that comes in
  double bytes = 0;             // of distinct memory that the ranges cover
};

class L2History {
 public:
  L2History(std::int64_t capacity_bytes, int ways);

  // For an operation that touches all of these ranges, which may overlap.
  L2Start before(std::span<const MemoryRange> ranges) const;
  // The same, and the operation is through.
  L2Start pass(std::span<const MemoryRange> ranges);
  // The operation is through. Of a range that it went through in order, the end was touched last.
  void touch(std::span<const MemoryRange> ranges);

 private:
  struct Piece {
    std::uint64_t begin, end;
    bool dirty;
  };
  struct Entry {
    std::vector<Piece> pieces;  // ascending, none overlaps another, of this entry or any other
    double bytes = 0, dirty_bytes = 0;
    void count();
    // Those that overlap the range, or meet it.
    std::span<const Piece> at(std::uint64_t begin, std::uint64_t end) const;
  };

  // What an operation touches one after the other: the k-th part of the ranges that it goes through in order,
  // and all of the others.
  std::vector<std::vector<MemoryRange>> steps_of(std::span<const MemoryRange> ranges) const;
  // Of a step, that touches its memory in any order. dirty: bytes that leave to DRAM for it, of `incoming`.
  struct Found {
    std::vector<double> present;  // bytes of each range
    double incoming = 0, dirty = 0;
  };
  class Passed;
  Found find(std::span<const MemoryRange> ranges) const;
  void touch_step(std::span<const MemoryRange> ranges);
  // The part of a range that is still there when so many other bytes have been touched since.
  double survival(double distance) const;
  void forget();
  void join_oldest();

  double capacity_;
  int ways_;
  std::deque<Entry> entries_;  // the latest operation first
};

// Ranges that overlap or meet become one; written ones keep apart from those that are only read.
std::vector<MemoryRange> merged(std::vector<MemoryRange> ranges);

}  // namespace doppel::timing
