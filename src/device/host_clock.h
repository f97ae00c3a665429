// SPDX-License-Identifier: Apache-2.0
// Virtual time of the host: each thread's own processor time passes as it is, Doppel's does not; calls of the
// interface cost what they cost on a machine with the card, and waits end when the virtual timeline says.
//
// The driver puts an ApiCall on the stack of every function of the interface.
#pragma once

#include <atomic>
#include <cstdint>

namespace doppel::device {

class HostClock {
 public:
  HostClock();

  // Virtual time of the calling thread since the process's start, in microseconds. Outside of an ApiCall it
  // runs with the thread's processor time; inside it stands still.
  double now_us();
  // The calling thread waits until then: no effect where that is past.
  void wait_until_us(double time_us);
  // The calling thread was busy, or slept, for so long (modelled cost; nanosleep under the virtual clock).
  void advance_us(double microseconds);
  // What the thread's processor time says now is not the program's: called on the way out of Doppel's own
  // work.
  void enter();
  void leave();
  // The latest time any thread has shown: where a new thread starts.
  double latest_us() const { return latest_us_.load(std::memory_order_relaxed); }

 private:
  struct Line;
  Line& line();
  const std::uint64_t id_;  // tells it from clocks that lived before
  std::atomic<double> latest_us_{0};
};

// One call of the interface: entered at construction, left at destruction. Nests: only the outermost counts.
class ApiCall {
 public:
  explicit ApiCall(HostClock& clock, double cost_us = 0) : clock_(clock) {
    clock_.enter();
    if (cost_us > 0) clock_.advance_us(cost_us);
  }
  ~ApiCall() { clock_.leave(); }
  ApiCall(const ApiCall&) = delete;
  ApiCall& operator=(const ApiCall&) = delete;

 private:
  HostClock& clock_;
};

}  // namespace doppel::device
