// SPDX-License-Identifier: Apache-2.0
// With DOPPEL_CLOCK=virtual the program's clocks show the virtual time of the thread that asks, so that a
// program that times itself prints what it would print on the card. Doppel's own threads and calls see the
// host's clocks. Clocks begin at the host's own reading, so dates stay right.
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>  // NOLINT(modernize-deprecated-headers): POSIX has more than <ctime>
#include <unistd.h>

#include "preload/program_thread.h"

namespace {

using namespace doppel::preload;

struct Start {
  std::int64_t realtime_ns = real_ns(CLOCK_REALTIME);
  std::int64_t monotonic_ns = real_ns(CLOCK_MONOTONIC);
};

const Start& start() {
  static const Start started;
  return started;
}

[[gnu::constructor]] void begin() { start(); }

bool is_shown() { return shows_virtual_time() && is_program(); }

timeval to_timeval(std::int64_t ns) {
  return {ns / kNanosecondsPerSecond, ns % kNanosecondsPerSecond / 1000};
}

// What the clock shows; false: what the host's shows.
bool shown_ns(clockid_t clock, std::int64_t& ns) {
  if (!is_shown()) return false;
  switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_TAI:
      ns = start().realtime_ns + virtual_ns();
      return true;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_BOOTTIME:
      ns = start().monotonic_ns + virtual_ns();
      return true;
    case CLOCK_PROCESS_CPUTIME_ID:
      ns = process_busy_ns();
      return true;
    case CLOCK_THREAD_CPUTIME_ID:
      ns = thread_busy_ns();
      return true;
    default:
      return false;
  }
}

std::int64_t clock_ns(clockid_t clock) {
  std::int64_t ns = 0;
  return shown_ns(clock, ns) ? ns : real_ns(clock);
}

}  // namespace

namespace doppel::preload {

std::int64_t until_ns(clockid_t clock, const timespec& deadline) { return to_ns(deadline) - clock_ns(clock); }

}  // namespace doppel::preload

// The functions that take the C library's place. Their pointers are never null by the library's own
// declarations.
#pragma GCC visibility push(default)
extern "C" {

int clock_gettime(clockid_t clock, timespec* result) noexcept {
  static const auto real_function = next<int (*)(clockid_t, timespec*)>("clock_gettime");
  std::int64_t ns = 0;
  if (!shown_ns(clock, ns)) return real_function(clock, result);
  *result = to_timespec(ns);
  return 0;
}

int timespec_get(timespec* result, int base) noexcept {
  if (base != TIME_UTC) return 0;
  *result = to_timespec(clock_ns(CLOCK_REALTIME));
  return base;
}

int gettimeofday(timeval* result, void* /*zone*/) noexcept {
  *result = to_timeval(clock_ns(CLOCK_REALTIME));
  return 0;
}

time_t time(time_t* place) noexcept {
  const auto seconds = static_cast<time_t>(clock_ns(CLOCK_REALTIME) / kNanosecondsPerSecond);
  if (place != nullptr) *place = seconds;
  return seconds;
}

clock_t clock() noexcept {
  return static_cast<clock_t>(clock_ns(CLOCK_PROCESS_CPUTIME_ID) / (kNanosecondsPerSecond / CLOCKS_PER_SEC));
}

// Doppel's own work would be in it; the program's counts as the user's, all of it.
clock_t times(tms* result) noexcept {
  static const auto real_function = next<clock_t (*)(tms*)>("times");
  const clock_t real = real_function(result);
  if (!is_shown()) return real;
  const std::int64_t tick_ns = kNanosecondsPerSecond / sysconf(_SC_CLK_TCK);
  if (result != nullptr) {
    result->tms_utime = process_busy_ns() / tick_ns;
    result->tms_stime = 0;
  }
  return clock_ns(CLOCK_MONOTONIC) / tick_ns;
}

int getrusage(__rusage_who_t who, rusage* result) noexcept {
  static const auto real_function = next<int (*)(__rusage_who_t, rusage*)>("getrusage");
  const int answer = real_function(who, result);
  if (answer != 0 || !is_shown()) return answer;
  if (who == RUSAGE_SELF || who == RUSAGE_THREAD) {
    result->ru_utime = to_timeval(who == RUSAGE_SELF ? process_busy_ns() : thread_busy_ns());
    result->ru_stime = {};
  }
  return answer;
}

}  // extern "C"
#pragma GCC visibility pop
