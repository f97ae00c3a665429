// SPDX-License-Identifier: Apache-2.0
#include "device/host_clock.h"

#include <algorithm>
#include <ctime>

namespace doppel::device {
namespace {

double thread_cpu_us() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) * 1e-3;
}

std::atomic<std::uint64_t> next_clock{1};

}  // namespace

struct HostClock::Line {
  std::uint64_t clock = 0;  // whose it is
  double now_us = 0;
  double cpu_mark_us = 0;  // the thread's processor time that now_us includes
  int depth = 0;
};

HostClock::HostClock() : id_(next_clock++) {}

HostClock::Line& HostClock::line() {
  static thread_local Line line;
  if (line.clock != id_) line = {id_, latest_us(), thread_cpu_us(), 0};
  return line;
}

double HostClock::now_us() {
  Line& self = line();
  if (self.depth > 0) return self.now_us;
  return self.now_us + std::max(0.0, thread_cpu_us() - self.cpu_mark_us);
}

void HostClock::enter() {
  Line& self = line();
  if (self.depth++ > 0) return;
  self.now_us += std::max(0.0, thread_cpu_us() - self.cpu_mark_us);
}

void HostClock::leave() {
  Line& self = line();
  if (--self.depth > 0) return;
  double latest = latest_us_.load(std::memory_order_relaxed);
  while (latest < self.now_us && !latest_us_.compare_exchange_weak(latest, self.now_us)) {
  }
  self.cpu_mark_us = thread_cpu_us();
}

void HostClock::wait_until_us(double time_us) {
  Line& self = line();
  if (self.depth == 0) {
    enter();
    self.now_us = std::max(self.now_us, time_us);
    leave();
  } else {
    self.now_us = std::max(self.now_us, time_us);
  }
}

void HostClock::advance_us(double microseconds) { line().now_us += microseconds; }

}  // namespace doppel::device
