// SPDX-License-Identifier: Apache-2.0
// The calling thread's virtual time, as the driver interface keeps it (support/program_clock.h).
#pragma once

#include <dlfcn.h>
#include <time.h>  // NOLINT(modernize-deprecated-headers): POSIX has more than <ctime>

#include <cstdint>

namespace doppel::preload {

// The next definition of a function behind this library's own. `version`: where the C library has several.
template <class Function>
Function next(const char* name, const char* version = nullptr) {
  return reinterpret_cast<Function>(version != nullptr ? dlvsym(RTLD_NEXT, name, version)
                                                       : dlsym(RTLD_NEXT, name));
}

inline constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
inline std::int64_t to_ns(const timespec& time) { return time.tv_sec * kNanosecondsPerSecond + time.tv_nsec; }
inline timespec to_timespec(std::int64_t ns) {
  return {ns / kNanosecondsPerSecond, ns % kNanosecondsPerSecond};
}

// By the host's clocks, whatever the program's show.
std::int64_t real_ns(clockid_t clock);

// Whether the program's clocks show virtual time (DOPPEL_CLOCK=virtual).
bool shows_virtual_time();

// A thread of the program's, outside of Doppel's calls.
bool is_program();

// Virtual nanoseconds since the process began. Before the driver interface is in use that is processor time,
// and what the program slept.
std::int64_t virtual_ns();
std::int64_t thread_busy_ns();
std::int64_t process_busy_ns();

// Before a sleep of which is known how long it is; and when it is over.
void fall_asleep(std::int64_t ns);
void sleep_ns(std::int64_t ns);

// A moment of the calling thread, for who waits for it; below 0: time does not run yet.
double moment_us();
// The calling thread waited for a thread that was there.
void follow(double moment_us);

// The calling thread creates one; and could not, after all.
void announce_thread(double created_us);
void withdraw_thread(double created_us);
// Of a thread that a thread of the program's created.
void begin_thread(double created_us);
void end_thread();

}  // namespace doppel::preload
