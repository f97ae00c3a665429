// SPDX-License-Identifier: Apache-2.0
// What a warp's lanes do to mbarriers (PTX ISA 9.7.13.15), one after the other. A block lives on one host
// thread, so no step is seen half done.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "engine/announced_access.h"
#include "ir/operation.h"

namespace doppel::engine {

// The numbers under which a block's traces know the phases of its barriers.
class BarrierPhases {
 public:
  struct Numbers {
    std::uint32_t last = 0, current = 0;  // 0: there is none
  };
  void clear();
  Numbers& of(std::uint32_t offset);
  void completed(std::uint32_t offset);

 private:
  std::unordered_map<std::uint32_t, Numbers> numbers_;
  std::uint32_t used_ = 0;
};

// values: the addresses, then what the step takes, then room for the states before it.
std::optional<Fault> step_barrier(Warp& warp, std::uint32_t mask, Site site, const ir::Operation& operation,
                                  std::uint64_t* values);
// The offset of the first lane's barrier whose test does not hold; none, too, where an address is no
// barrier's.
std::optional<std::uint32_t> first_ahead(const Warp& warp, std::uint32_t mask, const ir::Operation& operation,
                                         LaneValues values);
// values: the addresses, then states or parities, then room for the answers.
std::optional<Fault> test_barrier(Warp& warp, std::uint32_t mask, Site site, const ir::Operation& operation,
                                  std::uint64_t* values);
// Each lane will arrive at its barrier; one_more: which does not expect it yet.
std::optional<Fault> announce_arrivals(Warp& warp, std::uint32_t mask, Site site, LaneValues addresses,
                                       bool one_more);
// Of a copy that ends: so many bytes.
std::optional<Fault> complete_transactions(Warp& warp, std::uint32_t lane, Site site, std::uint32_t offset,
                                           std::uint32_t bytes);
// And does so. offsets: of the barriers, in the block's shared memory.
std::optional<Fault> arrive_at(Warp& warp, std::uint32_t mask, Site site, const std::uint32_t* offsets);

}  // namespace doppel::engine
