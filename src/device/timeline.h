// SPDX-License-Identifier: Apache-2.0
// The virtual time line of the cards: what ran when, had the cards been there.
//
// A simulation of events, in the order of virtual time. An operation is ready when those it depends on have
// ended and the host has submitted it. The blocks of kernels then share the card (timing/chip_schedule.h),
// copies take turns on the copy engines and share the links (link/bus_schedule.h), also with kernels that
// reach memory of the host. It is run only as far as somebody asks, and no thread of the program may still
// submit something earlier: whatever comes later than that comes later on the time line, too. What an
// operation takes is found out in the order of the submissions, so that the same program gives the same time
// line however the host's threads ran.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "device/memory_waits.h"
#include "device/operation.h"
#include "link/bus_schedule.h"

namespace doppel::device {

class Device;

class Timeline {
 public:
  // What the host submits no longer before, and whether that is less than some time; nothing: anything may
  // be.
  using Horizon = std::function<double(double needed_us)>;
  explicit Timeline(Horizon horizon = nullptr);
  ~Timeline();
  // In the order of the submissions; called by the scheduler. Neither finds out what it takes, which may need
  // a simulation: who queues work does not wait for one.
  void submitted(const std::shared_ptr<Operation>& operation);
  void began(Operation& operation);  // to run
  void finished(Operation& operation, const Cost& cost);
  // Finds out what takes how long of all that has run.
  void advance();
  // Only while that takes no simulation, and nobody else does it.
  void advance_if_quick();
  // Until the operation, which has run, has its place. An earlier one that only waits for somebody else is
  // not waited for. host_us: when the host asks.
  void wait_placed(Operation& operation, double host_us);
  // The same without waiting: whether it has its place now. past_waiting: also past what only waits.
  bool try_place(Operation& operation, bool past_waiting);
  // When all that the operation, which runs, depends on has ended; as far as that is known, where what was
  // submitted before it runs for long.
  double wait_ready(Operation& operation);
  // Whether it has ended by then; nothing where that hangs on what has not run.
  std::optional<bool> has_ended_by(Operation& operation, double time_us);
  // At the end: everything gets its place that has run and of which is known what it takes, whatever has not
  // run. Not where another thread has the timeline for too long: it may never come back.
  void place_rest();
  // The end of the last operation placed.
  double end_us() const;
  // In all, how long work of that device has waited for other processes' turns on it.
  double waited_for_turns_us(int ordinal) const;

 private:
  class Card;
  using Pointer = std::shared_ptr<Operation>;
  using Moment = std::pair<double, std::uint64_t>;  // and the operation's serial number

  // With place_mutex_ held.
  void link_submitted();
  // Operations that have not run: nobody passes them, or only those that wait themselves are passed, or all.
  enum class Past { Nothing, Waiting, All };
  void resolve(bool quick_ones, Past past);
  void release(Operation& operation);
  // horizon_us: that is known of the program's threads.
  void run(double limit_us, const std::function<bool()>& enough, Past past = Past::Waiting,
           double horizon_us = 0);
  double next_us() const;
  bool is_held_up(double until_us, Past past) const;
  bool may_pass(double time_us, Past past);
  void begin(Operation& operation);
  void share_links();
  void place(Operation& operation, double start_us, double end_us);
  Card& card_of(const Operation& operation);
  void begin_copy(Operation& operation, double ready_us);
  void settle_waits(double now_us, Past past);
  bool costed(const Operation& operation);

  const Horizon horizon_;
  mutable std::timed_mutex place_mutex_;                 // all but the queue
  double horizon_us_ = 0;                                // as the thread that runs it last asked for it
  std::vector<std::unique_ptr<Card>> cards_;             // by device ordinal
  link::BusSchedule bus_;                                // of all cards
  std::map<link::BusSchedule::CopyId, Pointer> copies_;  // on it
  std::deque<Pointer> unresolved_;                       // in the order of submission
  std::map<Moment, Pointer> unknown_;                    // ready, but nobody knows what they take
  std::map<Moment, Pointer> ready_;                      // will begin then
  std::vector<Pointer> placing_;                         // have ended, and their dependents do not know yet
  std::uint64_t serial_ = 0;
  double latest_us_ = 0;  // of the submissions
  double now_us_ = 0;     // everything before has happened
  MemoryWaits waits_;
  double asked_us_ = 0;  // when the host asked last
  std::chrono::steady_clock::time_point unknown_since_;
  bool waits_are_known_ = true;  // for whom they wait
  bool gives_up_waits_ = false;
  std::atomic<std::uint64_t> moments_{0};  // of operations that began to run, or had run
  std::size_t unplaced_ = 0;
  std::size_t most_unplaced_ = 0;  // that are left alone
  double end_us_ = 0;

  std::mutex queue_mutex_;  // never held for long
  std::condition_variable changed_;
  std::deque<Pointer> submitted_;  // under queue_mutex_, as is what operations cost
};

}  // namespace doppel::device
