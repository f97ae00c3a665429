// SPDX-License-Identifier: Apache-2.0
// One piece of queued work: waits for the operations before it, runs once, and has a place on the virtual
// timeline.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "device/flag_use.h"
#include "device/work.h"
#include "link/transfer.h"
#include "timing/chip_schedule.h"

namespace doppel::device {

class Context;

// Where on the timeline an operation takes place.
enum class Lane : std::uint8_t { None, Compute, CopyToDevice, CopyToHost, CopyToPeer, CopyFromPeer, Host };

// What a copy or fill moves, for the energy of it.
struct Moved {
  double dram_bytes = 0, l2_bytes = 0, bus_bytes = 0;
  double busy_sms = 0;  // the part of the SMs that do it
};

// Over a bus, into the memory of a card or out of it.
inline Moved moved_over_the_bus(std::uint64_t bytes) {
  const auto each = static_cast<double>(bytes);
  return {.dram_bytes = each, .l2_bytes = each, .bus_bytes = each};
}

// What an operation needs of the timeline: known when it has run.
struct Cost {
  Lane lane = Lane::None;
  double duration_us = 0;  // on its lane
  double gap_us = 0;       // before it starts, after the operations it depends on (launch overhead)
  // What its blocks take of the card, on the compute lane; its time is duration_us.
  timing::GridDemand grid;
  Moved moved;
  // Fills in the rest when the operation is placed: predictions that depend on the launches submitted before.
  std::function<void(Cost&)> resolve;
  bool resolves_slowly = false;  // a simulation, maybe
  // Of copies: what they use of the links between cards and host.
  std::vector<link::Use> uses;
  double not_before_us = 0;  // by what another process did
};

class Operation : public std::enable_shared_from_this<Operation> {
 public:
  // run: called once, on a thread of the scheduler, or nothing. Returns what it cost.
  Operation(std::shared_ptr<Context> context, std::function<Cost()> run, double submitted_us);

  bool done() const { return done_.load(std::memory_order_acquire); }
  bool placed() const { return placed_.load(std::memory_order_acquire); }
  const std::shared_ptr<Context>& context() const { return context_; }
  double submitted_us() const { return submitted_us_; }  // of the host's clock
  // On the virtual timeline, in microseconds; valid when placed().
  double start_us() const { return start_us_; }
  double end_us() const { return end_us_; }
  const Cost& cost() const { return cost_; }
  double ready_us() const { return ready_us_; }  // when it could begin, where it has
  std::uint64_t serial() const { return serial_; }
  // Here, on this machine.
  bool began_before_end_of(const Operation& other) const { return began_ != 0 && began_ < other.ran_; }
  // Of a grid: of its work that was done at the clock that keeps the power limit.
  double limited_share() const { return limited_share_; }
  std::string name;  // for traces
  std::uint64_t stream_id = 0;
  std::function<void(const Operation&)> on_placed;  // records it
  void set_run(std::function<Cost()> run) { run_ = std::move(run); }
  // Of an operation inside of another one, which the scheduler and the timeline do not know: runs it on the
  // calling thread, and tells it its place.
  Cost run_inside();
  void place_inside(double start_us, double end_us);
  // By which memory it waits for others, and others for it; null: by none. Known when it has run.
  std::shared_ptr<const FlagUse> flags;
  // Set while it runs and only waits (for another launch, or for the host): nobody may wait for its place
  // then.
  std::atomic<bool> waiting{false};
  // A thread of the program goes on when it has ended.
  mutable std::atomic<bool> awaited{false};

 private:
  friend class Scheduler;
  friend class Timeline;
  std::shared_ptr<Context> context_;
  std::function<Cost()> run_;
  double submitted_us_ = 0;
  Cost cost_;
  bool costed_ = false;  // under the timeline's lock of its queue, as cost_ until then
  double start_us_ = 0, end_us_ = 0;
  double limited_share_ = 0;
  std::atomic<bool> done_{false}, placed_{false};
  // Of the scheduler, under its lock.
  std::uint32_t pending_ = 0;
  bool released_ = false;
  std::vector<std::shared_ptr<Operation>> followers_;
  // Of the timeline, until placed.
  std::vector<std::shared_ptr<Operation>> dependencies_;  // until it is linked to them
  std::vector<std::shared_ptr<Operation>> dependents_;
  std::uint64_t serial_ = 0;  // by submission
  // By when it began to run, and when it had run, among all: 0, not yet.
  std::atomic<std::uint64_t> began_{0}, ran_{0};
  std::uint32_t open_ = 0;  // dependencies without a place
  bool resolved_ = false;   // its cost is known
  bool passed_ = false;     // others went on while it waited
  double ready_us_ = 0;     // that it may begin at, as far as is known
};

}  // namespace doppel::device
