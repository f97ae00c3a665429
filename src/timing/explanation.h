// SPDX-License-Identifier: Apache-2.0
// Where a launch's time went, as the simulation saw it: why the SMs issued nothing, and at which places of
// the code.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace doppel::timing {

enum class Bound : std::uint8_t;

// What the warp that a sub-core issued next had waited for.
enum class Stall : std::uint8_t {
  Start,       // for the block to start
  Dependence,  // for the result of arithmetic
  Memory,      // for a load or an atomic
  Pipe,        // for the unit
  Queue,       // for a place in the load/store path
  Barrier,
  Fence,
  Branch,  // for the fetch behind a branch that was taken
  Clock,   // for a clock, or asleep
};
inline constexpr int kStallCount = static_cast<int>(Stall::Clock) + 1;
std::string_view name_of(Stall stall);

// Of one operation, or of a part of the code: cycles of sub-cores.
struct CodeCycles {
  double issued = 0;
  std::array<double, kStallCount> stalled{};  // before it was issued
  // Of accesses to global and shared memory: 32-byte sectors or turns of the banks, and as few as would do
  // for the bytes that the lanes asked for.
  double accesses = 0;
  double transfers = 0;
  double least_transfers = 0;

  double all() const;
  void add(const CodeCycles& more);
};

// A place of the code with its part of the time.
struct CodeCost {
  std::string function;
  std::uint32_t line = 0;           // of the PTX
  std::string source;               // "file.cu:12", where the PTX says so
  std::string instruction;          // "ld.global.f32"; empty: not one alone
  double share = 0;                 // of the cycles of all sub-cores
  double issued = 0;                // the part of it in which it was issued
  Stall stall = Stall::Dependence;  // what most of the rest was
  double stalled = 0;               // and its share
  // Of accesses: sectors (global memory) or turns of the banks (shared memory) of one access, and as few as
  // would do for its bytes; else 0.
  double transfers = 0;
  double least_transfers = 0;
  bool is_shared_memory = false;
};

// A basic block: its number, the PTX lines of its first and last instruction.
struct BlockCost {
  std::string function;
  std::uint32_t block = 0;
  std::uint32_t first_line = 0, last_line = 0;
  double share = 0;
  double warps = 0;  // that entered it, in the whole grid
};

// Shares are of the cycles of all sub-cores of the simulated SMs: issuing, stalled and idle sum to 1.
struct Explanation {
  double issuing = 0;
  std::array<double, kStallCount> stalled{};
  double idle = 0;  // no warp left, while another sub-core or the memory was at work
  // What may have bound the launch, with the share of the time it was busy or waited for, largest first.
  std::vector<std::pair<Bound, double>> candidates;
  double simulated = 0;           // of the launch's instructions; the rest is extrapolated from these
  double achieved_occupancy = 0;  // warps that were resident on a working SM, on average / its maximum
  int working_sms = 0;
  std::vector<CodeCost> instructions;  // the largest, largest first
  std::vector<CodeCost> lines;         // of the user's source, where the PTX says so
  std::vector<BlockCost> blocks;
};

}  // namespace doppel::timing
