// SPDX-License-Identifier: Apache-2.0
// Whether a process is alive, by its number and the time at which it was started: numbers are used again.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace doppel::node {

// In ticks since the machine's start; 0 where there is no such process, or only what its parent has not
// collected (a zombie).
std::uint64_t start_of(pid_t process);

// Quick: whether the number is in use. A zombie's is.
bool number_in_use(pid_t process);

// getpid() without a system call; in a forked child its own.
pid_t own_process();

// Nanoseconds of the machine's monotonic clock, the same for all its processes. Not what `--clock virtual`
// makes of it.
std::int64_t wall_ns();

}  // namespace doppel::node
