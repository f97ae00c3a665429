// SPDX-License-Identifier: Apache-2.0
#include "preload/program_thread.h"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>

#include "support/program_clock.h"

namespace doppel::preload {
namespace {

std::atomic<const DoppelProgramClock*> driver{nullptr};
// What virtual time had reached when the driver interface's began at 0.
std::atomic<std::int64_t> ns_before_driver{0};
std::atomic<std::int64_t> slept_before_driver_ns{0};

// Whether the calling thread is asking the driver interface, which reads the host's clocks to answer.
bool& asking() {
  static thread_local bool asks = false;
  return asks;
}

// What `ask` answers of the driver interface's clock, once that runs; else `otherwise`.
template <class Ask, class Answer>
Answer ask_driver(Ask ask, Answer otherwise) {
  const DoppelProgramClock* clock = driver.load(std::memory_order_acquire);
  if (clock == nullptr || asking()) return otherwise;
  asking() = true;
  const Answer answer = clock->runs() ? ask(*clock) : otherwise;
  asking() = false;
  return answer;
}

// The same where there is nothing to answer: whether somebody was told.
template <class Tell>
bool tell_driver(Tell tell) {
  return ask_driver(
      [&](const auto& clock) {
        tell(clock);
        return true;
      },
      false);
}

std::int64_t ns(double microseconds) { return static_cast<std::int64_t>(microseconds * 1000); }

constexpr std::int64_t kNotRunning = -1;

std::int64_t ns_without_driver() { return real_ns(CLOCK_PROCESS_CPUTIME_ID) + slept_before_driver_ns.load(); }

// The main thread, and those that begin_thread was called for.
bool& begun_by_program() {
  static thread_local bool begun = getpid() == gettid();
  return begun;
}

}  // namespace

std::int64_t real_ns(clockid_t clock) {
  static const auto real_function = next<int (*)(clockid_t, timespec*)>("clock_gettime");
  timespec time{};
  real_function(clock, &time);
  return to_ns(time);
}

bool shows_virtual_time() {
  static const bool shows = [] {
    const char* clock = std::getenv("DOPPEL_CLOCK");
    return clock != nullptr && std::strcmp(clock, "virtual") == 0;
  }();
  return shows;
}

bool is_program() {
  if (asking()) return false;
  const DoppelProgramClock* clock = driver.load(std::memory_order_acquire);
  return clock != nullptr ? clock->is_program() : begun_by_program();
}

std::int64_t virtual_ns() {
  const std::int64_t driver_ns =
      ask_driver([](const auto& clock) { return ns(clock.now_us()); }, kNotRunning);
  return driver_ns != kNotRunning ? ns_before_driver.load() + driver_ns : ns_without_driver();
}

// What the process computed before the driver interface was in use is not known by threads any more.
std::int64_t thread_busy_ns() {
  const std::int64_t busy =
      ask_driver([](const auto& clock) { return ns(clock.thread_busy_us()); }, kNotRunning);
  return busy != kNotRunning ? busy : real_ns(CLOCK_THREAD_CPUTIME_ID);
}

std::int64_t process_busy_ns() {
  const std::int64_t busy =
      ask_driver([](const auto& clock) { return ns(clock.process_busy_us()); }, kNotRunning);
  if (busy == kNotRunning) return real_ns(CLOCK_PROCESS_CPUTIME_ID);
  return ns_before_driver.load() - slept_before_driver_ns.load() + busy;
}

void fall_asleep(std::int64_t ns) {
  tell_driver([&](const auto& clock) { clock.falls_asleep(static_cast<double>(ns) * 1e-3); });
}

void sleep_ns(std::int64_t slept) {
  if (!tell_driver([&](const auto& clock) { clock.sleep_us(static_cast<double>(slept) * 1e-3); }))
    slept_before_driver_ns += slept;
}

double moment_us() {
  return ask_driver([](const auto& clock) { return clock.now_us(); }, -1.0);
}

void follow(double moment_us) {
  if (moment_us >= 0) tell_driver([&](const auto& clock) { clock.wait_until_us(moment_us); });
}

void announce_thread(double created_us) {
  if (created_us >= 0) tell_driver([&](const auto& clock) { clock.announce_thread(created_us); });
}

void withdraw_thread(double created_us) {
  if (created_us >= 0) tell_driver([&](const auto& clock) { clock.withdraw_thread(created_us); });
}

void begin_thread(double created_us) {
  begun_by_program() = true;
  const DoppelProgramClock* clock = driver.load(std::memory_order_acquire);
  if (clock == nullptr) return;
  asking() = true;
  clock->begin_thread(created_us);
  asking() = false;
}

void end_thread() {
  tell_driver([](const auto& clock) { clock.end_thread(); });
}

}  // namespace doppel::preload

#pragma GCC visibility push(default)
extern "C" {

void doppel_attach_clock(const DoppelProgramClock* clock) {
  doppel::preload::driver.store(clock, std::memory_order_release);
}

void doppel_clock_begins() { doppel::preload::ns_before_driver = doppel::preload::ns_without_driver(); }

}  // extern "C"
#pragma GCC visibility pop
