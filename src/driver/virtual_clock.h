// SPDX-License-Identifier: Apache-2.0
// The program's time on the virtual timeline: what its calls of the interface take there, and what the
// preloaded clock library (src/preload, --clock virtual) asks.
#pragma once

namespace doppel::driver {

// On the stack of every function of the interface: the time that passes in it is not the program's. The
// outermost one of a thread is a slice of the run's timeline, where that is kept.
class CallScope {
 public:
  // `name` outlives the object.
  explicit CallScope(const char* name);
  ~CallScope();
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;

 private:
  const char* name_;
  bool entered_ = false;
  bool recorded_ = false;
  double start_us_ = 0;
};

}  // namespace doppel::driver

extern "C" {

// 1: *time_us is the calling thread's virtual time. 0: the driver is not in use yet. -1: this is a thread of
// Doppel's own, or inside a call of the interface, and must see the host's clock, or its timed waits would go
// wrong.
int doppel_read_virtual_clock(double* time_us);
// The calling thread slept for so long.
void doppel_advance_virtual_clock(double microseconds);
}
