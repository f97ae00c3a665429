// SPDX-License-Identifier: Apache-2.0
#include "device/program_threads.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <optional>
#include <string_view>

#include "device/operation.h"

namespace doppel::device {
namespace {

// A stretch that was measured in another run may take longer in this one: by so much before it counts.
constexpr double kGraceUs = 10000;
// How long a thread has to be blocked to count as such: many a lock is held for moments only. Inside of a
// call of ours it is one of those, or the call waits for something that nobody told of.
constexpr std::chrono::microseconds kBlocked{500};
constexpr std::chrono::milliseconds kBlockedInCall{100};

// Processor time of any thread of this process; nothing where it is gone.
std::optional<double> cpu_us(int thread) {
  // As pthread_getcpuclockid makes it, which wants a pthread_t (clock_getcpuclockid(3); the kernel's
  // include/linux/posix-timers.h: the complement of the number, a thread's, of scheduled time).
  constexpr int kPerThread = 4, kScheduled = 2;
  const auto clock = static_cast<clockid_t>((~static_cast<unsigned>(thread) << 3) | kPerThread | kScheduled);
  timespec now{};
  if (syscall(SYS_clock_gettime, clock, &now) != 0) return std::nullopt;
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) * 1e-3;
}

// Whether the thread waits for something (proc(5): state S, or stopped), or is gone.
bool is_blocked(int thread) {
  const auto path = fmt::format("/proc/self/task/{}/stat", thread);
  const int file = static_cast<int>(syscall(SYS_openat, AT_FDCWD, path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file < 0) return true;
  std::array<char, 256> text{};
  const long size = syscall(SYS_read, file, text.data(), text.size());
  syscall(SYS_close, file);
  const std::string_view stat(text.data(), static_cast<std::size_t>(std::max(0L, size)));
  const std::size_t name_end = stat.rfind(')');  // the name may hold any character
  if (name_end == std::string_view::npos || name_end + 2 >= stat.size()) return true;
  const char state = stat[name_end + 2];
  return state != 'R' && state != 'D';
}

}  // namespace

void ProgramThreads::Thread::computes(double from_us, double cpu_us, double most_us) {
  const std::lock_guard lock(mutex_);
  state_ = State::Computing;
  us_ = from_us;
  cpu_us_ = cpu_us;
  most_us_ = most_us;
}

void ProgramThreads::Thread::calls(double at_us) {
  const std::lock_guard lock(mutex_);
  state_ = State::Calling;
  us_ = at_us;
}

void ProgramThreads::Thread::waits(const Operation& operation) {
  operation.awaited = true;
  const std::lock_guard lock(mutex_);
  state_ = State::Waiting;
  operation_ = &operation;
}

void ProgramThreads::Thread::sleeps(double until_us) {
  const std::lock_guard lock(mutex_);
  state_ = State::Asleep;
  us_ = until_us;
}

void ProgramThreads::Thread::rests() {
  const std::lock_guard lock(mutex_);
  state_ = State::Resting;
}

ProgramThreads::Thread& ProgramThreads::add() {
  const auto self = static_cast<int>(syscall(SYS_gettid));
  const std::lock_guard lock(mutex_);
  // A thread of the same number is gone.
  const auto free = std::find_if(threads_.begin(), threads_.end(),
                                 [&](const Thread& thread) { return thread.id_ == 0 || thread.id_ == self; });
  Thread& thread = free != threads_.end() ? *free : threads_.emplace_back();
  if (thread.id_ == 0) ++count_;
  thread.rests();
  thread.id_ = self;
  return thread;
}

void ProgramThreads::remove(Thread& thread) {
  const std::lock_guard lock(mutex_);
  thread.rests();
  thread.id_ = 0;
  --count_;
}

void ProgramThreads::announce(double begins_us) {
  const std::lock_guard lock(mutex_);
  announced_us_.insert(begins_us);
  ++count_;
}

void ProgramThreads::withdraw(double begins_us) {
  const std::lock_guard lock(mutex_);
  const auto found = announced_us_.find(begins_us);
  if (found == announced_us_.end()) return;
  announced_us_.erase(found);
  --count_;
}

double ProgramThreads::earliest_of_others_us(double needed_us) {
  if (count_ <= 1) return kNever;
  const auto self = static_cast<int>(syscall(SYS_gettid));
  const std::lock_guard lock(mutex_);
  double earliest = announced_us_.empty() ? kNever : *announced_us_.begin();
  for (Thread& thread : threads_) {
    if (thread.id_ != self) earliest = std::min(earliest, earliest_us(thread, needed_us));
  }
  return earliest;
}

// Whether it has been blocked for so long, as far as somebody looked. With the thread's lock held.
bool ProgramThreads::is_blocked_for(Thread& thread, std::chrono::microseconds most) {
  if (!is_blocked(thread.id_)) {
    thread.blocked_cpu_us_ = -1;
    return false;
  }
  // Blocked again is not blocked still.
  const double now_us = cpu_us(thread.id_).value_or(0);
  const auto now = std::chrono::steady_clock::now();
  if (now_us != thread.blocked_cpu_us_) {
    thread.blocked_cpu_us_ = now_us;
    thread.blocked_since_ = now;
  }
  return now - thread.blocked_since_ >= most;
}

double ProgramThreads::earliest_us(Thread& thread, double needed_us) const {
  const std::lock_guard lock(thread.mutex_);
  switch (thread.state_) {
    case Thread::State::Resting:
      return kNever;
    case Thread::State::Asleep:
      return thread.us_;
    case Thread::State::Waiting:
      return thread.operation_->placed() ? thread.operation_->end_us() : kNever;
    case Thread::State::Calling:
      return thread.us_ < needed_us && is_blocked_for(thread, kBlockedInCall) ? kNever : thread.us_;
    case Thread::State::Computing: {
      const auto now_us = cpu_us(thread.id_);
      if (!now_us) return kNever;
      const double passed_us = *now_us - thread.cpu_us_;
      const double sure_us =
          std::min(passed_us, thread.most_us_) + std::max(0.0, passed_us - thread.most_us_ - kGraceUs);
      const double there_us = thread.us_ + sure_us * processor_factor_;
      return there_us < needed_us && is_blocked_for(thread, kBlocked) ? kNever : there_us;
    }
  }
  return kNever;
}

}  // namespace doppel::device
