// SPDX-License-Identifier: Apache-2.0
// Loaded into a program that runs with `--clock virtual`: its clocks show the virtual time of the thread that
// asks, so a program that times itself prints what it would print on the card. Doppel's own threads and calls
// see the host's clocks.
//
// Before the driver interface is in use, virtual time is the thread's processor time. Clocks begin at the
// host's own reading, so dates stay right.
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>

namespace {

// Of libcuda.so.1: 1 and the time in microseconds where the calling thread is the program's own and Doppel is
// in use.
using ReadVirtualClock = int (*)(double* microseconds);
using AdvanceVirtualClock = void (*)(double microseconds);

constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

int real_clock_gettime(clockid_t clock, timespec* time) {
  static const auto kReal = next<int (*)(clockid_t, timespec*)>("clock_gettime");
  return kReal(clock, time);
}

std::int64_t read_ns(clockid_t clock) {
  timespec time{};
  real_clock_gettime(clock, &time);
  return time.tv_sec * kNanosecondsPerSecond + time.tv_nsec;
}

timespec to_timespec(std::int64_t ns) { return {ns / kNanosecondsPerSecond, ns % kNanosecondsPerSecond}; }

// A function of the driver library, once that is loaded.
template <class Function>
Function driver_function(std::atomic<Function>& known, const char* name) {
  Function function = known.load(std::memory_order_acquire);
  if (function != nullptr) return function;
  void* library = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_NOLOAD);
  if (library == nullptr) return nullptr;
  function = reinterpret_cast<Function>(dlsym(library, name));
  known.store(function, std::memory_order_release);
  return function;
}

struct Start {
  std::int64_t realtime_ns = read_ns(CLOCK_REALTIME);
  std::int64_t monotonic_ns = read_ns(CLOCK_MONOTONIC);
};

const Start& start() {
  static const Start kStart;
  return kStart;
}

// What the clocks had reached on processor time alone when the driver's virtual time began at 0.
std::atomic<std::int64_t> ns_before_driver{-1};
std::atomic<std::int64_t> slept_before_driver_ns{0};
std::atomic<ReadVirtualClock> read_virtual_clock{nullptr};
std::atomic<AdvanceVirtualClock> advance_virtual_clock{nullptr};

std::int64_t ns_without_driver() { return read_ns(CLOCK_PROCESS_CPUTIME_ID) + slept_before_driver_ns.load(); }

// Nanoseconds of virtual time since the start; false for a thread of Doppel's own.
bool virtual_ns(std::int64_t& ns) {
  const auto read = driver_function(read_virtual_clock, "doppel_read_virtual_clock");
  double microseconds = 0;
  const int answer = read != nullptr ? read(&microseconds) : 0;
  if (answer < 0) return false;
  if (answer == 0) {
    ns = ns_without_driver();
    return true;
  }
  std::int64_t before = ns_before_driver.load();
  if (before < 0) {
    const std::int64_t now = ns_without_driver();
    before = ns_before_driver.compare_exchange_strong(before, now) ? now : ns_before_driver.load();
  }
  ns = before + static_cast<std::int64_t>(microseconds * 1000.0);
  return true;
}

bool shows_virtual_time(clockid_t clock) {
  switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_BOOTTIME:
      return true;
    default:
      return false;  // processor time is what it is
  }
}

std::int64_t base_ns(clockid_t clock) {
  return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE ? start().realtime_ns
                                                                   : start().monotonic_ns;
}

// Passes as much virtual time as the host's that a sleep took.
void slept(std::int64_t ns) {
  const auto advance = driver_function(advance_virtual_clock, "doppel_advance_virtual_clock");
  if (advance != nullptr && ns_before_driver.load() >= 0) {
    advance(static_cast<double>(ns) * 1e-3);
  } else {
    slept_before_driver_ns += ns;
  }
}

std::int64_t to_ns(const timespec& time) { return time.tv_sec * kNanosecondsPerSecond + time.tv_nsec; }

int real_clock_nanosleep(clockid_t clock, int flags, const timespec* time, timespec* left) {
  static const auto kReal = next<int (*)(clockid_t, int, const timespec*, timespec*)>("clock_nanosleep");
  return kReal(clock, flags, time, left);
}

// Sets the start when the library is loaded.
[[gnu::constructor]] void begin() { start(); }

}  // namespace

// The functions that take the C library's place. Their pointers are never null by the library's own
// declarations.
#pragma GCC visibility push(default)
extern "C" {

int clock_gettime(clockid_t clock, timespec* result) noexcept {
  std::int64_t ns = 0;
  if (!shows_virtual_time(clock) || !virtual_ns(ns)) return real_clock_gettime(clock, result);
  *result = to_timespec(base_ns(clock) + ns);
  return 0;
}

int gettimeofday(timeval* result, void* /*zone*/) noexcept {
  timespec precise{};
  clock_gettime(CLOCK_REALTIME, &precise);
  *result = {precise.tv_sec, precise.tv_nsec / 1000};
  return 0;
}

time_t time(time_t* place) noexcept {
  timespec precise{};
  clock_gettime(CLOCK_REALTIME, &precise);
  if (place != nullptr) *place = precise.tv_sec;
  return precise.tv_sec;
}

int clock_nanosleep(clockid_t clock, int flags, const timespec* request, timespec* left) {
  std::int64_t now = 0;
  if (!shows_virtual_time(clock) || !virtual_ns(now))
    return real_clock_nanosleep(clock, flags, request, left);
  std::int64_t duration = to_ns(*request);
  if ((flags & TIMER_ABSTIME) != 0) duration -= base_ns(clock) + now;
  if (duration <= 0) return 0;
  const timespec relative = to_timespec(duration);
  const int result = real_clock_nanosleep(CLOCK_MONOTONIC, 0, &relative, left);
  if (result == 0) slept(duration);
  return result;
}

int nanosleep(const timespec* request, timespec* left) {
  const int error = clock_nanosleep(CLOCK_REALTIME, 0, request, left);
  if (error == 0) return 0;
  errno = error;
  return -1;
}

int usleep(useconds_t microseconds) {
  const timespec duration = to_timespec(static_cast<std::int64_t>(microseconds) * 1000);
  return nanosleep(&duration, nullptr);
}

unsigned sleep(unsigned seconds) {
  const timespec duration{static_cast<time_t>(seconds), 0};
  timespec left{};
  return nanosleep(&duration, &left) == 0 ? 0 : static_cast<unsigned>(left.tv_sec);
}

}  // extern "C"
#pragma GCC visibility pop
