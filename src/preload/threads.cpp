// SPDX-License-Identifier: Apache-2.0
// One time for the threads of a program: a thread begins when it is created, and who waits for another
// (pthread_join, condition variables, semaphores, barriers) goes on no earlier than what it waited for.
//
// Not followed: mutexes, whose order of here is not that of virtual time, and waits by the bare futex call
// (std::promise, std::atomic::wait).
#include <pthread.h>
#include <semaphore.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>

#include "preload/deadline.h"
#include "preload/program_thread.h"

namespace {

using namespace doppel::preload;

// ------------------------------------------------------------------------------------ threads

// When threads ended that may still be joined. Never destroyed: threads end while the process does.
struct Ends {
  std::mutex mutex;
  std::map<pthread_t, double> by_thread;
};
Ends& ends() {
  static auto* const made = new Ends;
  return *made;
}

// The last of a thread's own objects to go, for it is the first to be made.
struct Ending {
  ~Ending() {
    const double now_us = moment_us();
    const std::lock_guard lock(ends().mutex);
    ends().by_thread[pthread_self()] = now_us;
    if (now_us >= 0) end_thread();
  }
};

struct Beginning {
  void* (*function)(void*);
  void* argument;
  double created_us;
};

void* begin(void* pointer) {
  static thread_local Ending ending;
  const std::unique_ptr<Beginning> self(static_cast<Beginning*>(pointer));
  (void)ending;
  begin_thread(self->created_us);
  void* (*const function)(void*) = self->function;
  return function(self->argument);
}

void joined(pthread_t thread) {
  double ended_us = -1;
  {
    const std::lock_guard lock(ends().mutex);
    const auto found = ends().by_thread.find(thread);
    if (found == ends().by_thread.end()) return;
    ended_us = found->second;
    ends().by_thread.erase(found);
  }
  if (is_program()) follow(ended_us);
}

// ------------------------------------------------------------------------------------ objects

// The latest moment at which somebody let others go on at an object. Objects that fall on one place share it:
// who waits there may go on later than need be.
class Moments {
 public:
  void raise(const void* object) {
    if (!is_program()) return;
    const double now_us = moment_us();
    Place& at = place(object);
    double before = at.moment_us.load(std::memory_order_relaxed);
    while (before < now_us && !at.moment_us.compare_exchange_weak(before, now_us)) {
    }
    ++at.times;
  }
  std::uint32_t times(const void* object) { return place(object).times; }
  void follow(const void* object) { doppel::preload::follow(place(object).moment_us); }

 private:
  struct Place {
    std::atomic<double> moment_us{-1};
    std::atomic<std::uint32_t> times{0};
  };
  static constexpr unsigned kBits = 14;
  Place& place(const void* object) {
    // Fibonacci hashing: addresses differ in their middle bits.
    const auto key = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(object));
    return places_[key * 0x9e3779b97f4a7c15u >> (64 - kBits)];
  }
  std::array<Place, std::size_t{1} << kBits> places_{};
};

Moments moments;

// Of a wait at a condition variable: whoever woke it did so meanwhile.
template <class Wait>
int condition_wait(const void* condition, Wait wait) {
  const std::uint32_t before = moments.times(condition);
  const int result = wait();
  if (result == 0 && is_program() && moments.times(condition) != before) moments.follow(condition);
  return result;
}

// A timed wait: by how much the program's clock is before the deadline, on the host's own clock.
timespec real_deadline(clockid_t clock, std::int64_t left_ns) {
  return to_timespec(real_ns(clock) + (left_ns > 0 ? left_ns : 0));
}

// Waits until a deadline on one of the program's clocks.
template <class Wait>
int timed_wait(clockid_t clock, const timespec* deadline, Wait wait) {
  if (!is_program()) return wait(deadline);
  const std::int64_t left_ns = until_ns(clock, *deadline);
  const timespec real = real_deadline(clock, left_ns);
  const int result = wait(&real);
  if (result == ETIMEDOUT && left_ns > 0) sleep_ns(left_ns);
  return result;
}

// The clock of a condition variable whose attributes are not known: the one whose reading is nearer.
clockid_t nearer_clock(const timespec& deadline) {
  return std::llabs(until_ns(CLOCK_REALTIME, deadline)) < std::llabs(until_ns(CLOCK_MONOTONIC, deadline))
             ? CLOCK_REALTIME
             : CLOCK_MONOTONIC;
}

// The current forms of condition variables; without a version dlsym gives those of before 2.3.2.
constexpr const char* kConditionVersion = "GLIBC_2.3.2";

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*function)(void*),
                   void* argument) noexcept {
  static const auto real_function = next<decltype(&pthread_create)>("pthread_create");
  if (!is_program()) return real_function(thread, attributes, function, argument);
  const double now_us = moment_us();
  auto beginning = std::make_unique<Beginning>(Beginning{function, argument, now_us});
  announce_thread(now_us);
  const int result = real_function(thread, attributes, begin, beginning.get());
  if (result == 0) {
    const Beginning* const passed = beginning.release();
    (void)passed;
  } else {
    withdraw_thread(now_us);
  }
  return result;
}

int pthread_join(pthread_t thread, void** value) {
  static const auto real_function = next<decltype(&pthread_join)>("pthread_join");
  const int result = real_function(thread, value);
  if (result == 0) joined(thread);
  return result;
}

int pthread_tryjoin_np(pthread_t thread, void** value) noexcept {
  static const auto real_function = next<decltype(&pthread_tryjoin_np)>("pthread_tryjoin_np");
  const int result = real_function(thread, value);
  if (result == 0) joined(thread);
  return result;
}

int pthread_cond_signal(pthread_cond_t* condition) noexcept {
  static const auto real_function =
      next<decltype(&pthread_cond_signal)>("pthread_cond_signal", kConditionVersion);
  moments.raise(condition);
  return real_function(condition);
}

int pthread_cond_broadcast(pthread_cond_t* condition) noexcept {
  static const auto real_function =
      next<decltype(&pthread_cond_broadcast)>("pthread_cond_broadcast", kConditionVersion);
  moments.raise(condition);
  return real_function(condition);
}

int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
  static const auto real_function =
      next<decltype(&pthread_cond_wait)>("pthread_cond_wait", kConditionVersion);
  return condition_wait(condition, [&] { return real_function(condition, mutex); });
}

int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex, const timespec* deadline) {
  static const auto real_function =
      next<decltype(&pthread_cond_timedwait)>("pthread_cond_timedwait", kConditionVersion);
  return condition_wait(condition, [&] {
    return timed_wait(nearer_clock(*deadline), deadline,
                      [&](const timespec* real) { return real_function(condition, mutex, real); });
  });
}

int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
                           const timespec* deadline) {
  static const auto real_function = next<decltype(&pthread_cond_clockwait)>("pthread_cond_clockwait");
  return condition_wait(condition, [&] {
    return timed_wait(clock, deadline,
                      [&](const timespec* real) { return real_function(condition, mutex, clock, real); });
  });
}

int pthread_mutex_timedlock(pthread_mutex_t* mutex, const timespec* deadline) noexcept {
  static const auto real_function = next<decltype(&pthread_mutex_timedlock)>("pthread_mutex_timedlock");
  return timed_wait(CLOCK_REALTIME, deadline,
                    [&](const timespec* real) { return real_function(mutex, real); });
}

int pthread_mutex_clocklock(pthread_mutex_t* mutex, clockid_t clock, const timespec* deadline) noexcept {
  static const auto real_function = next<decltype(&pthread_mutex_clocklock)>("pthread_mutex_clocklock");
  return timed_wait(clock, deadline, [&](const timespec* real) { return real_function(mutex, clock, real); });
}

int pthread_barrier_wait(pthread_barrier_t* barrier) noexcept {
  static const auto real_function = next<decltype(&pthread_barrier_wait)>("pthread_barrier_wait");
  moments.raise(barrier);
  const int result = real_function(barrier);
  if ((result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD) && is_program()) moments.follow(barrier);
  return result;
}

int sem_post(sem_t* semaphore) noexcept {
  static const auto real_function = next<decltype(&sem_post)>("sem_post");
  moments.raise(semaphore);
  return real_function(semaphore);
}

int sem_wait(sem_t* semaphore) {
  static const auto real_function = next<decltype(&sem_wait)>("sem_wait");
  const int result = real_function(semaphore);
  if (result == 0 && is_program()) moments.follow(semaphore);
  return result;
}

int sem_timedwait(sem_t* semaphore, const timespec* deadline) {
  static const auto real_function = next<decltype(&sem_timedwait)>("sem_timedwait");
  // Its result is -1, and the reason stands in errno.
  const int error = timed_wait(CLOCK_REALTIME, deadline, [&](const timespec* real) {
    return real_function(semaphore, real) == 0 ? 0 : errno;
  });
  if (error == 0) {
    if (is_program()) moments.follow(semaphore);
    return 0;
  }
  errno = error;
  return -1;
}

}  // extern "C"
#pragma GCC visibility pop
