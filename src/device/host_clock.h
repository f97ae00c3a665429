// SPDX-License-Identifier: Apache-2.0
// Virtual time of the host: each thread's own processor time passes as it is, Doppel's does not; calls of the
// interface cost what they cost on a plain host with the card (card/host.h), waits end when the virtual
// timeline says, and so do sleeps.
//
// Each thread of the program has a line of its own. A thread begins at the time at which it was created, and
// who waits for another thread goes on no earlier than what it waited for. The driver puts an ApiCall on the
// stack of every function of the interface; src/preload tells of threads, waits between them, and sleeps.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "card/host.h"
#include "device/program_threads.h"

namespace doppel::device {

class HostPart;
class Operation;

// Memory of which it can be found out afterwards that the program touched it, and that such a touch brings
// back from a card.
class HostMemoryWatch {
 public:
  virtual ~HostMemoryWatch() = default;
  // Pages of the host's that were touched since the last look.
  virtual std::uint64_t look() = 0;
  // What the card needed, in microseconds, to bring back what was found and lay there.
  virtual double bring_back(double now_us) = 0;
};

class HostClock {
 public:
  HostClock(card::Host host, std::unique_ptr<HostPart> part);
  ~HostClock();

  // What calls cost.
  const card::Host& host() const { return host_; }
  HostPart& part() { return *part_; }
  // How far its threads have come.
  ProgramThreads& threads() { return threads_; }

  // Virtual time of the calling thread since the process's start, in microseconds. Outside of an ApiCall it
  // runs with the thread's processor time; inside it stands still.
  double now_us();
  // The calling thread waits until then: no effect where that is past. Awake: it is busy meanwhile.
  void wait_until_us(double time_us, bool awake = false);
  // How long the calling thread has waited for a card in all.
  double waited_us();
  // The calling thread will do nothing before the operation, which somebody keeps, has ended: called before
  // it waits for that in fact; after it comes wait_for_card_us().
  void waits_for(const Operation& operation);
  // The same as wait_until_us for the end of work on a card, which is noticed a little later.
  void wait_for_card_us(double end_us);
  // The calling thread was busy for so long.
  void advance_us(double microseconds);
  // It made or destroyed a context; and how long that took in all, of all threads.
  void advance_context_us(double microseconds);
  double context_us() const { return context_us_.load(std::memory_order_relaxed); }
  // The calling thread slept or waited for something outside of the process.
  void sleep_us(double microseconds);
  // It is about to, for so long.
  void falls_asleep(double microseconds);
  // Sleeps are told from here on (src/preload is there). Where they are not, what a thread is away between
  // two polls counts as one: a program that polls and sleeps would poll for ever.
  void set_sleeps_told() { sleeps_told_ = true; }
  void poll_begins();
  void poll_was_too_early();
  // What the thread's processor time says now is not the program's: called on the way out of Doppel's own
  // work.
  void enter(const char* call = "");
  void leave();
  // The latest time any thread has shown: where a thread starts of whose creation nothing is known.
  double latest_us() const { return latest_us_.load(std::memory_order_relaxed); }

  // A thread is being created by the calling one, whose time is that; it could not be. Both by the creator.
  void announce_thread(double created_us);
  void withdraw_thread(double created_us);
  // The calling thread, which is new, was created at that time; it ends.
  void begin_thread(double created_us);
  void end_thread();
  // The calling thread, one of Doppel's, runs a function of the program's in stream order from then on, until
  // leave_host_function() says what time it is.
  void enter_host_function(double start_us);
  double leave_host_function();
  bool in_host_function();

  // From now on the watch looks whenever a thread of the program's calls or asks for the time and has had
  // page faults since. For each page that is found it had a fault of the watch's making, which is no time of
  // the program's.
  void watch_memory(HostMemoryWatch* watch, double page_fault_us);
  // It looks now, whoever touched what; the calling thread waits for what has to be brought back.
  void look_at_memory();

  // Processor time by this clock: of the calling thread, and of all of the program's that have called or
  // asked.
  double thread_busy_us();
  double process_busy_us();

 private:
  struct Line;
  Line& line();
  void take_processor_time(Line& self, const char* call);
  std::uint64_t look_after_faults(Line& self);
  void publish(Line& self);
  void bring_back(Line& self);
  // It is outside of Doppel's calls from here on.
  void let_compute(Line& self);
  const std::uint64_t id_;  // tells it from clocks that lived before
  const card::Host host_;
  const std::unique_ptr<HostPart> part_;
  ProgramThreads threads_;
  const double reading_us_;  // what reading a thread's processor time takes
  std::atomic<double> latest_us_{0};
  std::atomic<bool> sleeps_told_{false};
  std::atomic<double> context_us_{0};
  std::atomic<double> busy_us_{0};  // of all threads, as they published it
  std::atomic<HostMemoryWatch*> watch_{nullptr};
  std::atomic<double> page_fault_us_{0};
};

// One call of the interface: entered at construction, left at destruction. Nests: only the outermost counts.
class ApiCall {
 public:
  explicit ApiCall(HostClock& clock) : clock_(clock) { clock_.enter(); }
  ~ApiCall() { clock_.leave(); }
  ApiCall(const ApiCall&) = delete;
  ApiCall& operator=(const ApiCall&) = delete;

 private:
  HostClock& clock_;
};

}  // namespace doppel::device
