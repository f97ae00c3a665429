// SPDX-License-Identifier: Apache-2.0
// Turns faults of generated code (SIGSEGV, SIGBUS, SIGFPE) into the end of a launch, and interrupts kernels
// that never end. A fault elsewhere goes to the program's own handler.
#pragma once

#include <pthread.h>

#include <cstddef>
#include <memory>

namespace doppel::engine {

class Worker;

// While a thread runs a grid: it has a signal stack, and the handlers know that it is a worker.
class SignalScope {
 public:
  explicit SignalScope(Worker& worker);
  ~SignalScope();
  SignalScope(const SignalScope&) = delete;
  SignalScope& operator=(const SignalScope&) = delete;
};

// Puts our handlers in front of the program's; again where the program has set its own since. Cheap when
// there is nothing to do.
void install_fault_handlers();

// Ends the warp that the thread runs, if it runs one and its grid has stopped.
void interrupt(pthread_t thread);

}  // namespace doppel::engine
