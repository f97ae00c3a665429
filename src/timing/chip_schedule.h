// SPDX-License-Identifier: Apache-2.0
// Grids that run side by side on one card: when the blocks of each find room, and how fast they go.
//
// The card's block scheduler gives free room to the blocks of one grid after the other: those of a higher
// priority first, then in the order in which the grids became ready (CUDA C++ Programming Guide, "Stream
// Priorities"); the blocks of the first that has some left are waited for by all behind it. Blocks that run
// are never taken off. What runs together shares the card's rates: where it asks for more of one than there
// is, those that ask for less than an equal part get it, and the others share the rest.
//
// A power limiter acts on an average: what draws more than the limit goes on at its speed until the average
// over the last time has reached it, then at the clock that keeps it, until less is asked for.
//
// While another process has its turn on the card (turns.h), nothing of this one goes on.
//
// The blocks of a grid take the same time each, so those that begin together end together; a grid that nobody
// disturbs takes its own time to the digit. Deterministic: times follow from the grids and their order alone.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "timing/turns.h"

namespace doppel::timing {

// What the blocks on one SM share by having it to themselves.
enum class Room : std::uint8_t { Warps, Registers, SharedMemory, Blocks };
inline constexpr std::size_t kRooms = 4;

// What all blocks of the card share by using it in turns.
enum class Rate : std::uint8_t {
  Dram,
  L2,
  Issue,
  Fp32,
  Int32,
  Fp16,
  Fp64,
  Special,
  Tensor,
  LoadStore,
  BusToDevice,  // of the link to the host: copies use it, too
  BusToHost,
  NvLinkIn,  // and of the links to another card
  NvLinkOut,
};
inline constexpr std::size_t kRates = 14;

struct GridDemand {
  double time_us = 0;                  // on the card alone
  std::uint64_t blocks = 1;            // at least 1
  std::uint64_t blocks_at_once = 1;    // on the card alone: that its SMs hold
  std::array<double, kRooms> room{};   // that a block takes of an SM's: 0 to 1
  std::array<double, kRates> rates{};  // that the grid alone takes of the card's: mean over time_us, 0 to 1
  int priority = 0;                    // as CUDA counts: smaller goes first
  bool open = false;  // behind its own work it keeps its room until close() is called: it waits for others
  double watts = 0;   // above the awake card: mean over time_us
  double limited_time = 1;  // what it takes at the clock that keeps the power limit / time_us
};

// Of a card's power limiter.
struct PowerLimit {
  double limit_w = std::numeric_limits<double>::infinity();
  double awake_w = 0;     // that the card draws before anything runs
  double average_us = 1;  // time constant of the average that is held to the limit
};

class ChipSchedule {
 public:
  using GridId = std::uint64_t;
  // Grids that may have blocks on the card at once (CUDA C++ Programming Guide, "Technical Specifications per
  // Compute Capability").
  static constexpr std::size_t kMostResident = 128;

  explicit ChipSchedule(int sm_count, const PowerLimit& power = {}, Turns turns = {});
  void set_power(const PowerLimit& power) { power_ = power; }  // from now on; the average goes on

  // The grid may start at `ready_us`, or now where that is past.
  GridId add(const GridDemand& demand, double ready_us);
  // When anything happens next: a grid begins, or blocks end. Infinity: nothing does.
  double next_us() const;
  // Everything up to then, as if no other grid came before.
  void advance_to(double time_us);
  double now_us() const { return now_us_; }
  // In all, that work has waited for other processes' turns.
  double away_us() const { return turns_.away_us(); }

  // The part of each direction of the links to the host and to another card that is there for the grids, from
  // now on.
  struct Link {
    double to_device = 1, to_host = 1;
    double nvlink_in = 1, nvlink_out = 1;
  };
  void set_link(const Link& there);
  // Whether any grid that has not ended uses one; what those that run use of them now, and how many they are.
  bool uses_link() const { return on_link_ > 0; }
  Link link_use() const;
  int link_users() const;

  // So much more of the SMs' room is taken from that moment on, or less: in SMs.
  struct RoomStep {
    double time_us = 0;
    double sms = 0;
  };
  struct Ended {
    GridId grid = 0;
    double start_us = 0, end_us = 0;  // of its first block and of its last one
    double limited_share = 0;         // of its work that was done at the clock that keeps the power limit
    std::vector<RoomStep> room;       // of all its blocks, where keep_room_steps() was called before it came
  };
  void keep_room_steps() { keeps_room_steps_ = true; }
  // The open grids whose own work has been done since the last time, in order.
  std::vector<GridId> take_done() { return std::exchange(done_, {}); }
  // An open grid whose own work is done ends then, or now where that is past.
  void close(GridId grid, double time_us);
  // The grids that have ended since the last time, in order.
  std::vector<Ended> take_ended() { return std::exchange(ended_, {}); }

 private:
  // Blocks of a grid that began together.
  struct Cohort {
    std::uint64_t blocks = 0;
    std::vector<std::uint32_t> on_sm;  // of them, by SM
    double left_us = 0;                // at full speed
  };
  struct Grid {
    GridDemand demand;
    double block_us = 0;                       // at full speed
    std::array<double, kRates> block_rates{};  // of one that runs, at full speed
    double block_watts = 0;                    // likewise
    double work_us = 0, limited_us = 0;        // block_us of all blocks, and of these under the limit
    std::uint64_t pending = 0;                 // blocks that wait for room
    std::uint64_t running = 0;
    std::vector<Cohort> cohorts;
    bool begun = false;
    double start_us = 0;
    double speed = 1;
    bool undisturbed = true;
    bool done = false;  // its own work, and it is open or was until it ended
    double done_us = 0;
    double end_us = 0;  // where it is done: of that; where it was closed: of all
    std::vector<RoomStep> room_steps;
    bool on_link() const;
  };
  struct Sm {
    std::array<double, kRooms> free;
  };
  using Order = std::pair<int, GridId>;  // by priority, then by when it came

  bool make_ready();
  void give_room();
  std::uint64_t place(Grid& grid, std::uint64_t wanted);
  void join(Grid& grid, Cohort cohort);
  void note_room(Grid& grid, double blocks) const;
  void set_speeds();
  void stop();
  double watts() const;
  void share_rates();
  double there(std::size_t rate) const;
  void share(std::size_t rate, double there);
  void pass(double until_us);
  void end_cohorts(GridId id, Grid& grid);
  bool has_ended(const Grid& grid, const Cohort& cohort) const;
  double own_end_us(const Grid& grid) const;
  void keep_open(GridId id, Grid& grid);
  void step();

  double now_us_ = 0;
  PowerLimit power_;
  Turns turns_;
  double drawn_w_;        // at the present speeds
  double average_w_;      // over the last time
  bool limited_ = false;  // the clock keeps the limit
  Link link_;
  std::size_t on_link_ = 0;  // grids that use one
  bool keeps_room_steps_ = false;
  GridId next_ = 0;
  std::vector<Sm> sms_;
  std::map<GridId, Grid> grids_;                 // that have not ended
  std::set<std::pair<double, GridId>> waiting_;  // by when they are ready
  std::set<Order> ready_;                        // with blocks that wait for room
  std::set<GridId> resident_;                    // with blocks that run
  std::vector<GridId> done_;
  std::vector<Ended> ended_;
};

}  // namespace doppel::timing
