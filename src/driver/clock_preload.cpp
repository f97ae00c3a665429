// libdoppel_clock.so: preloaded into a program by `--clock virtual`, it answers the host's clocks with the
// virtual timeline's time, so that a program which times itself prints what it would print beside the card.
// Until the program has started the driver, and for threads that are not the program's, time is the host's.
//
// std::chrono and the C library's other functions end in the ones replaced here. Timed waits are told in real
// time what the program asked for in virtual time. Processor-time clocks (CLOCK_PROCESS_CPUTIME_ID and its
// like) stay as they are.
#include <dlfcn.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>  // NOLINT(modernize-deprecated-headers): clock_gettime is not in <ctime>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>

#include "driver/clock_source.h"

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

// The clocks that run with wall time, and where each stood when the virtual one took over.
constexpr clockid_t kWallClocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC,       CLOCK_MONOTONIC_RAW,
                                     CLOCK_BOOTTIME, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE,
                                     CLOCK_TAI};
constexpr int kClockIds = 16;
std::int64_t offset_ns[kClockIds];  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)
std::atomic<const DoppelClockSource*> source{nullptr};

std::int64_t to_ns(const timespec& time) { return time.tv_sec * kSecond + time.tv_nsec; }
timespec to_timespec(std::int64_t ns) {
  std::int64_t seconds = ns / kSecond;
  if (ns % kSecond < 0) --seconds;
  return {seconds, ns - seconds * kSecond};
}

int real_clock(clockid_t id, timespec* time) {
  using Function = int (*)(clockid_t, timespec*);
  static const auto real = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "clock_gettime"));
  return real != nullptr ? real(id, time) : static_cast<int>(syscall(SYS_clock_gettime, id, time));
}

bool is_wall_clock(clockid_t id) {
  for (const clockid_t wall : kWallClocks)
    if (wall == id) return true;
  return false;
}

bool virtual_ns(clockid_t id, std::int64_t* ns) {
  const DoppelClockSource* from = source.load(std::memory_order_acquire);
  double time_us = 0;
  if (from == nullptr || !is_wall_clock(id) || !from->now_us(&time_us)) return false;
  *ns = offset_ns[id] + static_cast<std::int64_t>(time_us * 1e3);
  return true;
}

// A moment of the virtual clock as the kernel will see it.
timespec real_deadline(clockid_t id, const timespec& deadline) {
  std::int64_t now = 0;
  if (!virtual_ns(id, &now)) return deadline;
  timespec real{};
  real_clock(id, &real);
  return to_timespec(to_ns(real) + (to_ns(deadline) - now));
}

void slept(const timespec& time) {
  if (const DoppelClockSource* from = source.load(std::memory_order_acquire))
    from->advance_us(static_cast<double>(to_ns(time)) * 1e-3);
}

template <typename Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

[[gnu::visibility("default")]] void doppel_clock_install(const DoppelClockSource* from) {
  double time_us = 0;
  from->now_us(&time_us);
  for (const clockid_t id : kWallClocks) {
    timespec real{};
    real_clock(id, &real);
    offset_ns[id] = to_ns(real) - static_cast<std::int64_t>(time_us * 1e3);
  }
  source.store(from, std::memory_order_release);
}

[[gnu::visibility("default")]] int clock_gettime(clockid_t id, timespec* time) noexcept {
  std::int64_t ns = 0;
  if (!virtual_ns(id, &ns)) return real_clock(id, time);
  *time = to_timespec(ns);
  return 0;
}

[[gnu::visibility("default")]] int gettimeofday(timeval* __restrict time, void* __restrict) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  *time = {now.tv_sec, now.tv_nsec / 1000};
  return 0;
}

[[gnu::visibility("default")]] time_t time(time_t* out) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != nullptr) *out = now.tv_sec;
  return now.tv_sec;
}

[[gnu::visibility("default")]] int nanosleep(const timespec* wanted, timespec* rest) {
  static const auto real = next<int (*)(const timespec*, timespec*)>("nanosleep");
  const int done = real(wanted, rest);
  if (done == 0) slept(*wanted);
  return done;
}

[[gnu::visibility("default")]] int clock_nanosleep(clockid_t id, int flags, const timespec* wanted,
                                                   timespec* rest) {
  static const auto real = next<int (*)(clockid_t, int, const timespec*, timespec*)>("clock_nanosleep");
  if ((flags & TIMER_ABSTIME) != 0) {
    std::int64_t now = 0;
    const bool is_virtual = virtual_ns(id, &now);
    const timespec deadline = real_deadline(id, *wanted);
    const int done = real(id, flags, &deadline, rest);
    if (done == 0 && is_virtual && to_ns(*wanted) > now) slept(to_timespec(to_ns(*wanted) - now));
    return done;
  }
  const int done = real(id, flags, wanted, rest);
  if (done == 0) slept(*wanted);
  return done;
}

[[gnu::visibility("default")]] int usleep(useconds_t microseconds) {
  const timespec wanted = to_timespec(static_cast<std::int64_t>(microseconds) * 1000);
  return nanosleep(&wanted, nullptr);
}

[[gnu::visibility("default")]] unsigned sleep(unsigned seconds) {
  const timespec wanted{static_cast<time_t>(seconds), 0};
  timespec rest{};
  return nanosleep(&wanted, &rest) == 0 ? 0 : static_cast<unsigned>(rest.tv_sec);
}

[[gnu::visibility("default")]] int pthread_cond_timedwait(pthread_cond_t* __restrict condition,
                                                          pthread_mutex_t* __restrict mutex,
                                                          const timespec* __restrict deadline) {
  static const auto real =
      next<int (*)(pthread_cond_t*, pthread_mutex_t*, const timespec*)>("pthread_cond_timedwait");
  const timespec moment = real_deadline(CLOCK_REALTIME, *deadline);
  return real(condition, mutex, &moment);
}

[[gnu::visibility("default")]] int pthread_cond_clockwait(pthread_cond_t* __restrict condition,
                                                          pthread_mutex_t* __restrict mutex, clockid_t id,
                                                          const timespec* __restrict deadline) {
  static const auto real =
      next<int (*)(pthread_cond_t*, pthread_mutex_t*, clockid_t, const timespec*)>("pthread_cond_clockwait");
  const timespec moment = real_deadline(id, *deadline);
  return real(condition, mutex, id, &moment);
}

}  // extern "C"
