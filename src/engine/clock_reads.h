// SPDX-License-Identifier: Apache-2.0
// What a warp's readings of its clock tell: how long its loops wait for it, and from when they count.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "analysis/spin_loops.h"

namespace doppel::engine {

// Which loop ends by what an operation reads of the clock: the kernel's, by the number of the operation over
// all its functions.
class ClockLoops {
 public:
  ClockLoops() = default;
  explicit ClockLoops(const analysis::AnalysedKernel& kernel);

  bool empty() const { return reads_.empty(); }
  // Null: none does.
  const analysis::SpinLoop* loop_of(std::uint32_t operation) const;
  bool counts_from(const analysis::SpinLoop& loop, std::uint32_t operation) const;

 private:
  struct Read {
    std::uint32_t operation;
    const analysis::SpinLoop* loop;
  };
  std::vector<Read> reads_, bases_;
};

// Of one warp, in cycles since the start of the launch.
class ClockReads {
 public:
  void clear() { *this = {}; }

  struct Step {
    const analysis::SpinLoop* loop = nullptr;  // that the reading is for; null: it is for none
    std::uint64_t skipped = 0;                 // by which the clock is set forward
  };
  // What the warp has come to.
  struct Moment {
    std::uint64_t now = 0;
    std::uint64_t issued = 0;  // instructions
    std::uint64_t slept = 0;   // of the time
  };
  Step read(const ClockLoops& loops, std::uint32_t operation, const Moment& moment);
  // That the warp has been in loops until its last reading there, without what it slept in them.
  std::uint64_t waited() const { return waited_; }

 private:
  const analysis::SpinLoop* loop_ = nullptr;  // that the last reading was for
  Moment last_;
  std::uint64_t began_ = 0;  // the time of the first reading of this wait
  std::uint64_t round_ = 0;  // instructions of one round, 0: not known
  std::uint64_t waited_ = 0;
};

// Of a traced warp: when each operation read the clock last.
class ClockBases {
 public:
  void clear() { last_.clear(); }
  void note(std::uint32_t operation, std::uint64_t now);
  struct Base {
    std::uint32_t operation;  // analysis::kFromStart: the warp has read no clock before
    std::uint64_t cycles = 0;
  };
  // From which reading a loop counts: the last of those that it is computed from, where it is known, else the
  // last that was made before it.
  Base of(const ClockLoops& loops, const analysis::SpinLoop& loop) const;

 private:
  struct Last {
    std::uint32_t operation;
    std::uint64_t cycles;
  };
  std::vector<Last> last_;
};

}  // namespace doppel::engine
