// SPDX-License-Identifier: Apache-2.0
// How far the program's threads have come in virtual time. A thread may get to its next call here long after
// others were done waiting for a card, though its own time is older: the timeline is not run past what a
// thread of the program may still submit (a conservative simulation: Chandy and Misra, "Distributed
// Simulation", IEEE Transactions on Software Engineering 5, 1979).
//
// A thread that is blocked holds nobody up: what it waits for is another thread, which is followed itself, or
// is outside of the process.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <limits>
#include <mutex>
#include <set>

namespace doppel::device {

class Operation;

class ProgramThreads {
 public:
  // Of one thread; its own to change.
  class Thread {
   public:
    // Outside of Doppel's calls: its processor time passes from there on; probably most_us until it calls.
    void computes(double from_us, double cpu_us, double most_us);
    // Inside of a call: whatever it submits comes no earlier.
    void calls(double at_us);
    // For the end of an operation that nobody destroys meanwhile.
    void waits(const Operation& operation);
    // It will be there then.
    void sleeps(double until_us);
    // It is not the program's for now.
    void rests();

   private:
    friend class ProgramThreads;
    enum class State : std::uint8_t { Resting, Computing, Calling, Waiting, Asleep };
    std::mutex mutex_;
    State state_ = State::Resting;
    int id_ = 0;  // by the system; none: nobody's
    double us_ = 0;
    double cpu_us_ = 0, most_us_ = 0;
    const Operation* operation_ = nullptr;
    // Blocked, as it was first seen with that processor time.
    double blocked_cpu_us_ = -1;
    std::chrono::steady_clock::time_point blocked_since_;
  };

  explicit ProgramThreads(double processor_factor) : processor_factor_(processor_factor) {}

  // For the calling thread, until it is removed or gone.
  Thread& add();
  void remove(Thread& thread);
  // A thread will begin then; and it has, or could not be made.
  void announce(double begins_us);
  void withdraw(double begins_us);

  // What no other thread than the calling one will submit anything before. Only whether that is less than
  // `needed_us` is looked at closely.
  double earliest_of_others_us(double needed_us);

  static constexpr double kNever = std::numeric_limits<double>::infinity();

 private:
  double earliest_us(Thread& thread, double needed_us) const;
  static bool is_blocked_for(Thread& thread, std::chrono::microseconds most);
  const double processor_factor_;
  std::mutex mutex_;
  std::deque<Thread> threads_;
  std::multiset<double> announced_us_;
  std::atomic<std::size_t> count_{0};  // of threads and those announced
};

}  // namespace doppel::device
