// SPDX-License-Identifier: Apache-2.0
#include "device/event_publisher.h"

#include <pthread.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX has more than <csignal>

#include <utility>

#include "device/operation.h"
#include "device/timeline.h"

namespace doppel::device {
namespace {

// How often it asks again.
constexpr std::chrono::microseconds kBetweenLooks{200};
// How long one that waits is given to go on before others pass it, as where a thread of the program asks
// (timeline.cpp).
constexpr std::chrono::milliseconds kMostToFollow{30};

}  // namespace

EventPublisher::~EventPublisher() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void EventPublisher::follow(std::shared_ptr<Operation> record) {
  {
    const std::lock_guard lock(mutex_);
    followed_.push_back({std::move(record), std::chrono::steady_clock::now()});
    if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
  }
  changed_.notify_all();
}

void EventPublisher::work() {
  // The program's signals are for its own threads.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return ending_ || !followed_.empty(); });
    if (ending_) return;
    std::vector<Followed> now = followed_;
    lock.unlock();
    const auto time = std::chrono::steady_clock::now();
    std::erase_if(now, [&](const Followed& each) {
      return !each.record->placed() &&
             !(each.record->done() && timeline_.try_place(*each.record, time - each.since >= kMostToFollow));
    });
    lock.lock();
    for (const Followed& placed : now)
      std::erase_if(followed_, [&](const Followed& each) { return each.record == placed.record; });
    if (!followed_.empty()) changed_.wait_for(lock, kBetweenLooks, [this] { return ending_; });
  }
}

}  // namespace doppel::device
