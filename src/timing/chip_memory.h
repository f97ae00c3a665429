// SPDX-License-Identifier: Apache-2.0
// L2 and DRAM as the simulated SMs see them. The simulated SMs stand for all SMs of the chip: each access
// that misses L1 is repeated, in tags only, for the SMs that are not simulated, at the addresses their blocks
// would use (address_pattern.h). So what the SMs share, and what the L2's capacity loses, comes out of the
// addresses. Bandwidth is shared out in proportion.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <unordered_set>
#include <vector>

#include "timing/address_pattern.h"
#include "timing/sm_parameters.h"

namespace doppel::timing {

// A block that an SM runs: its place in the grid and that of the blocks beside it on the SMs that are not
// simulated.
struct BlockPlacement {
  BlockIndex traced;  // whose trace it replays
  BlockIndex block;
  std::vector<BlockIndex> peers;  // including the block itself
};

// Over a link to other memory.
struct LinkTraffic {
  double read_bytes = 0, write_bytes = 0;
  double read_busy = 0, write_busy = 0;  // cycles
  double read_work = 0, write_work = 0;  // cycles of the whole link for these SMs' requests alone
  double busy() const { return std::max(read_busy, write_busy); }
  double work() const { return std::max(read_work, write_work); }
};

struct MemoryTraffic {
  double l2_bytes = 0;
  double l2_sectors = 0, l2_missed_sectors = 0;
  double dram_read_bytes = 0, dram_write_bytes = 0;
  double l2_read_busy = 0, l2_write_busy = 0, dram_busy = 0, atomic_busy = 0;  // cycles
  LinkTraffic bus, nvlink;
};

class ChipMemory {
 public:
  struct Options {
    std::int64_t l2_bytes = 0;
    // Of each pattern's memory, the share that L2 has from before; empty: none.
    std::vector<double> present;
    // Bytes that leave L2 to DRAM for each that comes in, until the launch's own memory fills it.
    double write_back = 0;
    double simulated_share = 1;  // simulated SMs / SMs that have work
    double spill_bytes = 0;      // that registers could not hold, of all threads on the chip at once
  };
  ChipMemory(const SmParameters& parameters, const AddressPatterns& patterns, const Options& options);

  // The share of the chip's bandwidth that the simulated SMs have: falls to what is left of the grid at its
  // end.
  void set_share(double simulated_share) { share_ = simulated_share; }

  // One line's sectors [first, first + count), as traced (not yet moved to the block). Returns when the data
  // is back at the SM.
  Cycle load(std::uint32_t pattern, const BlockPlacement& placement, std::uint64_t first, int count,
             Cycle now);
  // When the SM is rid of it.
  Cycle store(std::uint32_t pattern, const BlockPlacement& placement, std::uint64_t first, int count,
              Cycle now);
  // What registers could not hold: every SM has its own, so only the bytes count.
  Cycle load_spilled(double bytes, Cycle now);
  Cycle store_spilled(double bytes, Cycle now);
  // operations: that the line's slice does for it, one a cycle. Returns when the old value is back.
  Cycle atomic(std::uint32_t pattern, const BlockPlacement& placement, std::uint64_t first, int count,
               int operations, Cycle now);

  // When the slice of a line has done all atomics that it was given.
  Cycle atomics_done_at(std::uint32_t pattern, const BlockPlacement& placement, std::uint64_t first) const;
  // All SMs look at a line where one does, in a loop that waits: a slice serves one of them a cycle. Returns
  // when it looks the line up.
  Cycle poll(std::uint32_t pattern, const BlockPlacement& placement, std::uint64_t first, Cycle now);
  // The line is polled: L2 has it from now on.
  void keep(std::uint32_t pattern, const BlockPlacement& placement, std::uint64_t first) {
    polled_.insert(line_of(pattern, placement, first));
  }

  // How far the queues reach beyond now: stores wait where it grows too long.
  Cycle backlog(Cycle now) const;
  // When the last atomic is done, and the last write over the bus on its way: a launch does not end before.
  Cycle all_done() const {
    return static_cast<Cycle>(std::max({atomics_free_, bus_.write_free, nvlink_.write_free}));
  }
  const MemoryTraffic& traffic() const { return traffic_; }  // of the simulated SMs

 private:
  struct Line {
    std::uint64_t tag = UINT64_MAX;
    std::uint64_t used = 0;
    std::uint8_t valid = 0;  // a bit a sector
    std::uint8_t dirty = 0;
  };
  // What the accesses of one instruction met, lately: over all SMs.
  struct Outcome {
    double sectors = 0, missed = 0;
    double fetched = 0;       // sectors that DRAM was read for: whole accesses of it
    double written_back = 0;  // sectors that had to leave for them
    double absent = 1;        // of what this launch has not touched before: the share that L2 lacks
    double carry = 0;         // error diffusion: decides hit or miss of each simulated access
  };

  void touch_all(std::uint32_t pattern, const BlockPlacement& placement, std::uint64_t first, int count,
                 bool store);
  void touch(Outcome& outcome, std::uint64_t line, std::uint8_t sectors, bool store);
  std::uint8_t fetched_with(int missing) const;
  double miss_rate(const Outcome& outcome) const;
  double fetch_rate(const Outcome& outcome) const;
  double write_back_rate(const Outcome& outcome) const;
  // Memory of the host: its lines are found again in L2 during the launch. That of another card over NVLink
  // is in the other one's L2 alone. Writes go through.
  struct Link {
    const LinkParameters& costs;
    LinkTraffic& traffic;
    double read_free = 0, write_free = 0;
  };
  Link& link_of(std::uint64_t sector) { return analysis::is_over_nvlink(sector) ? nvlink_ : bus_; }
  void write_over(Link& link, double work, Cycle now);
  Cycle load_over(Link& link, std::uint32_t pattern, const BlockPlacement& placement, std::uint64_t first,
                  int count, Cycle now);
  Cycle store_over(Link& link, int count, Cycle now);
  std::uint64_t line_of(std::uint32_t pattern, const BlockPlacement& placement, std::uint64_t first) const;
  std::size_t slice_of(std::uint64_t line) const;
  void use_dram(double read_bytes, double write_bytes, Cycle now);
  // One direction of the L2: when its queue ends, and for how long it was busy.
  Cycle use_l2(double bytes, double bytes_per_cycle, double& free, double& busy, Cycle now);

  const SmParameters& parameters_;
  const AddressPatterns& patterns_;
  double share_ = 1;
  double write_back_ = 0;
  double spill_misses_ = 0;   // the share of what is spilled that L2 cannot hold
  bool all_present_ = false;  // nothing comes from DRAM
  std::uint64_t sample_ = 1;  // one in so many lines is kept track of
  std::uint64_t sets_ = 1;
  std::size_t ways_ = 1;
  std::uint64_t clock_ = 0;
  std::vector<Line> lines_;
  std::vector<Outcome> outcomes_;
  std::vector<double> slice_free_, slice_busy_;  // with atomics
  std::vector<double> polls_free_;               // by slice, with polls
  std::unordered_set<std::uint64_t> polled_;     // lines: in use all the time, so L2 keeps them
  double atomics_free_ = 0;                      // the latest of slice_free_
  double l2_read_free_ = 0, l2_write_free_ = 0, dram_free_ = 0;
  double credit_ = 0;  // cycles
  double recent_read_ = 0, recent_write_ = 0;
  double writing_ = 0;  // share of the time that DRAM wrote, lately
  double writing_at_ = 0;
  MemoryTraffic traffic_;
  Link bus_, nvlink_;
};

}  // namespace doppel::timing
