// SPDX-License-Identifier: Apache-2.0
// Where blocks that nobody traced have the accesses that follow no stride: their addresses come from data.
// What the samples show of them is kept: how much one block repeats, what many blocks share, and whether a
// block keeps to a part of the memory. What they do not show to repeat is not taken to repeat.
#pragma once

#include <cstdint>
#include <vector>

namespace doppel::timing {

class ScatteredAccess {
 public:
  // The distinct 128-byte lines that one sampled block touched, ascending. Blocks come in ascending order.
  void add_block(std::uint64_t block, const std::vector<std::uint64_t>& lines);
  // After the last block.
  void finish();

  // The line that block `to` touches where the sampled block `from` touches `line`. The same for the same
  // arguments, on every host.
  std::uint64_t line(std::uint64_t line, std::uint64_t from, std::uint64_t to) const;

  // Of the lines that another block touches, the share that no sampled one did.
  double unseen() const { return unseen_; }

 private:
  struct Window {  // that a sampled block keeps to
    std::uint64_t block = 0, first = 0, last = 0;
  };
  std::uint64_t window_of(std::uint64_t block) const;

  std::vector<Window> windows_;
  std::vector<std::uint64_t> touched_;  // until finish(): lines by block, one behind the other
  std::vector<std::uint64_t> shared_;   // lines of several blocks, each as often as blocks touched it
  std::uint64_t first_ = UINT64_MAX, last_ = 0;
  std::uint64_t lines_ = 0;  // of all blocks, each block's counted once
  double unseen_ = 1;
  std::uint64_t width_ = 1;  // lines of a block's window
  bool moves_ = false;       // blocks keep to windows
  bool in_order_ = false;    // whose places follow the blocks' numbers
  bool dense_ = false;       // and which they fill
};

}  // namespace doppel::timing
