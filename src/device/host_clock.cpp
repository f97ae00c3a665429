// SPDX-License-Identifier: Apache-2.0
#include "device/host_clock.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "device/host_part.h"
#include "memory/touched_pages.h"

namespace doppel::device {
namespace {

// Not by the C library's function, in whose place the program's own clock may stand (src/preload).
double thread_cpu_us() {
  timespec now{};
  syscall(SYS_clock_gettime, CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) * 1e-3;
}

// What two readings one behind the other lie apart: no time of the program's.
double reading_us() {
  double least = 1e9;
  double before = thread_cpu_us();
  for (int i = 0; i < 100; ++i) {
    const double now = thread_cpu_us();
    least = std::min(least, now - before);
    before = now;
  }
  return least;
}

// Of the calling thread, by the host's clocks.
struct Moment {
  double real_us = 0, cpu_us = 0;
  long waits = 0;  // times that it gave up its processor by itself
};

Moment moment() {
  timespec now{};
  syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return {static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) * 1e-3, thread_cpu_us(),
          usage.ru_nvcsw};
}

std::atomic<std::uint64_t> next_clock{1};

}  // namespace

struct HostClock::Line {
  std::uint64_t clock = 0;  // whose it is
  double now_us = 0;
  double cpu_mark_us = 0;  // the thread's processor time that now_us includes
  int depth = 0;
  bool in_host_function = false;
  double busy_us = 0;       // of now_us, since the thread began
  double published_us = 0;  // of busy_us
  double waited_us = 0;     // of now_us, for cards
  bool polled = false;      // and was told that it was too early, then:
  Moment poll;
  HostPart::Line* part = nullptr;
  ProgramThreads::Thread* thread = nullptr;
  long page_faults = 0;       // that were looked after
  double not_its_own_us = 0;  // of its processor time since cpu_mark_us
};

HostClock::HostClock(card::Host host, std::unique_ptr<HostPart> part)
    : id_(next_clock++),
      host_(std::move(host)),
      part_(std::move(part)),
      threads_(host_.processor_factor),
      reading_us_(reading_us()) {}
HostClock::~HostClock() = default;

HostClock::Line& HostClock::line() {
  static thread_local Line line;
  if (line.clock != id_) {
    line = {};
    line.clock = id_;
    line.now_us = latest_us();
    line.part = &part_->add_line();
    line.thread = &threads_.add();
    line.cpu_mark_us = thread_cpu_us();
    line.page_faults = memory::thread_page_faults();
  }
  return line;
}

void HostClock::announce_thread(double created_us) {
  threads_.announce(created_us + host_.threads.create_us);
}

void HostClock::withdraw_thread(double created_us) {
  threads_.withdraw(created_us + host_.threads.create_us);
}

void HostClock::begin_thread(double created_us) {
  Line& self = line();
  self.now_us = created_us + host_.threads.create_us;
  let_compute(self);
  threads_.withdraw(self.now_us);
}

void HostClock::end_thread() {
  Line& self = line();
  threads_.remove(*self.thread);
  self.clock = 0;
}

void HostClock::enter_host_function(double start_us) {
  Line& self = line();
  self.now_us = start_us;
  self.cpu_mark_us = thread_cpu_us();
  self.in_host_function = true;
  let_compute(self);
}

double HostClock::leave_host_function() {
  const double now = now_us();
  line().in_host_function = false;
  line().thread->rests();
  return now;
}

bool HostClock::in_host_function() { return line().in_host_function; }

// What the thread computed since it was last looked at.
void HostClock::take_processor_time(Line& self, const char* call) {
  const double cpu_us = thread_cpu_us();
  const double measured_us =
      std::max(0.0, cpu_us - self.cpu_mark_us - reading_us_ - std::exchange(self.not_its_own_us, 0));
  const double passed_us = self.part->take(HostPart::Tag(call), measured_us) * host_.processor_factor;
  self.cpu_mark_us = cpu_us;
  self.now_us += passed_us;
  self.busy_us += passed_us;
}

void HostClock::publish(Line& self) {
  busy_us_.fetch_add(self.busy_us - self.published_us, std::memory_order_relaxed);
  self.published_us = self.busy_us;
  double latest = latest_us_.load(std::memory_order_relaxed);
  while (latest < self.now_us && !latest_us_.compare_exchange_weak(latest, self.now_us)) {
  }
}

// Whether the thread may have touched memory that somebody watches. Returns the pages that are found.
std::uint64_t HostClock::look_after_faults(Line& self) {
  HostMemoryWatch* watch = watch_.load(std::memory_order_acquire);
  if (watch == nullptr) return 0;
  const double before_us = thread_cpu_us();
  const long faults = memory::thread_page_faults();
  const long fresh = faults - std::exchange(self.page_faults, faults);
  const std::uint64_t pages = fresh > 0 ? watch->look() : 0;
  const auto of_its_own = std::min(static_cast<double>(pages), static_cast<double>(fresh));
  self.not_its_own_us += thread_cpu_us() - before_us + of_its_own * page_fault_us_.load();
  return pages;
}

void HostClock::bring_back(Line& self) {
  const double us = watch_.load(std::memory_order_acquire)->bring_back(self.now_us);
  self.now_us += us;
  self.busy_us += us;
}

void HostClock::watch_memory(HostMemoryWatch* watch, double page_fault_us) {
  page_fault_us_ = page_fault_us;
  watch_.store(watch, std::memory_order_release);
}

void HostClock::look_at_memory() {
  const ApiCall inside(*this);
  HostMemoryWatch* watch = watch_.load(std::memory_order_acquire);
  if (watch != nullptr && watch->look() > 0) bring_back(line());
}

double HostClock::now_us() {
  Line& self = line();
  if (self.depth == 0) {
    const std::uint64_t pages = look_after_faults(self);
    take_processor_time(self, "clock");
    if (pages > 0) {
      bring_back(self);
      self.cpu_mark_us = thread_cpu_us();
    }
    publish(self);
    let_compute(self);
  }
  return self.now_us;
}

void HostClock::let_compute(Line& self) {
  self.thread->computes(self.now_us, self.cpu_mark_us, self.part->next_us());
}

void HostClock::enter(const char* call) {
  Line& self = line();
  if (self.depth++ > 0) return;
  const std::uint64_t pages = look_after_faults(self);
  take_processor_time(self, call);
  if (pages > 0) bring_back(self);
  self.thread->calls(self.now_us);
}

void HostClock::leave() {
  Line& self = line();
  if (--self.depth > 0) return;
  publish(self);
  if (watch_.load(std::memory_order_relaxed) != nullptr) self.page_faults = memory::thread_page_faults();
  self.cpu_mark_us = thread_cpu_us();
  let_compute(self);
}

void HostClock::wait_until_us(double time_us, bool awake) {
  const ApiCall inside(*this);
  Line& self = line();
  if (time_us <= self.now_us) return;
  if (awake) self.busy_us += time_us - self.now_us;
  self.now_us = time_us;
}

void HostClock::waits_for(const Operation& operation) { line().thread->waits(operation); }

void HostClock::wait_for_card_us(double end_us) {
  const ApiCall inside(*this);
  // By default the driver's threads turn round while they wait.
  Line& self = line();
  if (end_us > self.now_us) {
    const double before_us = self.now_us;
    wait_until_us(end_us + host_.calls.notice_us, true);
    self.waited_us += self.now_us - before_us;
  }
  self.thread->calls(self.now_us);
}

double HostClock::waited_us() { return line().waited_us; }

void HostClock::advance_us(double microseconds) {
  const ApiCall inside(*this);
  Line& self = line();
  self.now_us += microseconds;
  self.busy_us += microseconds;
}

void HostClock::advance_context_us(double microseconds) {
  advance_us(microseconds);
  context_us_.fetch_add(microseconds, std::memory_order_relaxed);
}

void HostClock::sleep_us(double microseconds) {
  const ApiCall inside(*this);
  Line& self = line();
  self.now_us += self.part->take(HostPart::Tag("sleep"), microseconds);
}

void HostClock::falls_asleep(double microseconds) { line().thread->sleeps(now_us() + microseconds); }

void HostClock::poll_was_too_early() {
  if (sleeps_told_) return;
  Line& self = line();
  self.polled = true;
  self.poll = moment();
}

void HostClock::poll_begins() {
  Line& self = line();
  if (!self.polled) return;
  self.polled = false;
  const Moment now = moment();
  if (now.waits > self.poll.waits)
    sleep_us(std::max(0.0, now.real_us - self.poll.real_us - (now.cpu_us - self.poll.cpu_us)));
}

double HostClock::thread_busy_us() {
  (void)now_us();
  return line().busy_us;
}

double HostClock::process_busy_us() {
  (void)now_us();
  return busy_us_.load(std::memory_order_relaxed);
}

}  // namespace doppel::device
