// SPDX-License-Identifier: Apache-2.0
// Loaded into a program before the C library: _exit() ends a process without its handlers, and the driver's
// record of what the process did would not be written. Python's os._exit and the children of a fork end so.
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>

// The driver's way to end in order, set when it is initialised. It looks itself whether it is in its own
// process.
extern "C" {
__attribute__((visibility("default"))) std::atomic<void (*)()> doppel_before_exit{nullptr};
}

namespace {

[[noreturn]] void end(int status) {
  if (const auto before = doppel_before_exit.load()) before();
  while (true) syscall(SYS_exit_group, status);
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {
void _exit(int status) { end(status); }
void _Exit(int status) noexcept { end(status); }
}  // extern "C"
#pragma GCC visibility pop
