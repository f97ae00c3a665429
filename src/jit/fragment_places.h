// SPDX-License-Identifier: Apache-2.0
// Where the registers of fragments lie while a warp runs: those of one side by side, so that the engine reads
// and writes them there. A fragment that one block knows has its place only while it is needed: unrolled code
// names new registers in each round, and all of these together would not stay in the host's cache. What a
// product adds to and nobody needs any more leaves its place to the sum.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <span>
#include <vector>

#include "ir/module.h"

namespace doppel::jit {

struct FragmentPlace {
  std::uint64_t offset = 0, bytes = 0;
};

class FragmentPlaces {
 public:
  // of_block: by register, as EmissionPlan has it. can_be: whether it may be in a fragment.
  FragmentPlaces(const ir::Function& function, const std::vector<bool>& of_block,
                 const std::function<bool(const ir::Operand&)>& can_be);

  std::uint64_t bytes() const { return bytes_; }
  const std::map<ir::RegisterId, FragmentPlace>& places() const { return places_; }

 private:
  // Needed from one operation to another.
  struct Fragment {
    std::vector<ir::RegisterId> registers;
    std::uint64_t bytes = 0;
    std::uint32_t first = 0, last = 0;
    std::ptrdiff_t over = -1;  // of passing_: which one's place it takes, a sum that grows
  };

  void find(const std::vector<bool>& of_block, const std::function<bool(const ir::Operand&)>& can_be);
  void find_sums();
  void place(const Fragment& fragment, std::uint64_t offset);
  void place_in_turn();
  std::uint64_t bytes_of(ir::RegisterId reg) const;

  const ir::Function& function_;
  std::vector<Fragment> lasting_, passing_;
  std::map<ir::RegisterId, FragmentPlace> places_;
  std::uint64_t bytes_ = 0;
};

}  // namespace doppel::jit
