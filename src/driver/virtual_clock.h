// SPDX-License-Identifier: Apache-2.0
// The program's time on the virtual timeline: what its calls of the interface take there, and what the
// library that is loaded into the program asks and tells (src/preload, support/program_clock.h).
#pragma once

namespace doppel::driver {

// On the stack of every function of the interface: the time that passes in it is not the program's. The
// outermost one of a thread is a slice of the run's timeline, where that is kept, and so is what it waited.
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
  double waited_us_ = 0;  // by the thread, until then
};

// Virtual time runs from here on: the platform is there.
void begin_virtual_time();

}  // namespace doppel::driver
