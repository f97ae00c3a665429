// SPDX-License-Identifier: Apache-2.0
#include "device/scheduler.h"

#include <pthread.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX has more than <csignal>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "device/timeline.h"

namespace doppel::device {
namespace {

// More than the card runs grids at once (128, CUDA C++ Programming Guide, "Technical Specifications per
// Compute Capability"), since host functions and copies run here too.
constexpr std::size_t kMaxThreads = 256;

// How long a poll waits for work that runs, at most: what runs may need the program to go on.
constexpr std::chrono::milliseconds kMostForPoll{100};

}  // namespace

class Scheduler::Implementation {
 public:
  explicit Implementation(Timeline& timeline) : timeline_(timeline) {}

  ~Implementation() {
    std::unique_lock lock(mutex_);
    finished_.wait(lock, [&] { return unfinished_ == 0; });
    ending_ = true;
    lock.unlock();
    ready_changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  void submit(const std::shared_ptr<Operation>& operation,
              std::vector<std::shared_ptr<Operation>> dependencies) {
    std::unique_lock lock(mutex_);
    ++unfinished_;
    for (const auto& dependency : dependencies) {
      if (dependency->done()) continue;
      dependency->followers_.push_back(operation);
      ++operation->pending_;
    }
    // From here on they are the timeline's, which other threads may run at once.
    operation->dependencies_ = std::move(dependencies);
    timeline_.submitted(operation);
    if (operation->pending_ == 0) start(operation, Wake::Another);
    lock.unlock();
    timeline_.advance_if_quick();
  }

  void wait(Operation& operation) {
    if (operation.done()) return;
    std::unique_lock lock(mutex_);
    ++waiters_;
    finished_.wait(lock, [&] { return operation.done(); });
    --waiters_;
  }

  std::uint64_t finished() {
    const std::lock_guard lock(mutex_);
    return finished_count_;
  }
  // Until more than that have run, or the time has come.
  void wait_for_more(std::uint64_t finished, std::chrono::steady_clock::time_point most) {
    std::unique_lock lock(mutex_);
    ++waiters_;
    finished_.wait_until(lock, most, [&] { return finished_count_ > finished; });
    --waiters_;
  }

  void wait_all() {
    std::unique_lock lock(mutex_);
    ++waiters_;
    finished_.wait(lock, [&] { return unfinished_ == 0; });
    --waiters_;
  }

  bool wait_all_for(std::chrono::milliseconds most) {
    std::unique_lock lock(mutex_);
    ++waiters_;
    const bool all = finished_.wait_for(lock, most, [&] { return unfinished_ == 0; });
    --waiters_;
    return all;
  }

  void drop_rest() noexcept { dropping_ = true; }

 private:
  // Who is to run the first operation that is ready: a thread that looks for work next is not told.
  enum class Wake : std::uint8_t { Another, Nobody };

  // With the lock held. Operations without work are done at once, and so may be those behind them.
  void start(const std::shared_ptr<Operation>& first, Wake wake) {
    std::vector<std::shared_ptr<Operation>> to_start{first};
    while (!to_start.empty()) {
      const std::shared_ptr<Operation> operation = std::move(to_start.back());
      to_start.pop_back();
      if (operation->run_) {
        ready_.push_back(operation);
        if (std::exchange(wake, Wake::Another) == Wake::Nobody) continue;
        if (idle_ >= ready_.size()) {
          ready_changed_.notify_one();
        } else if (threads_.size() < kMaxThreads) {
          threads_.emplace_back([this] { work(); });
        }
      } else {
        finish(*operation, Cost{}, to_start);
      }
    }
  }

  void finish(Operation& operation, const Cost& cost, std::vector<std::shared_ptr<Operation>>& to_start) {
    operation.run_ = nullptr;
    timeline_.finished(operation, cost);
    operation.done_.store(true, std::memory_order_release);
    --unfinished_;
    ++finished_count_;
    for (auto& follower : operation.followers_) {
      if (--follower->pending_ == 0) to_start.push_back(std::move(follower));
    }
    operation.followers_.clear();
    if (waiters_ > 0 || unfinished_ == 0) finished_.notify_all();
  }

  void work() {
    // The program's signals are for its own threads; faults of kernels have to reach this one.
    sigset_t all;
    sigfillset(&all);
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGURG})
      sigdelset(&all, signal);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
    std::unique_lock lock(mutex_);
    while (true) {
      ++idle_;
      ready_changed_.wait(lock, [&] { return ending_ || !ready_.empty(); });
      --idle_;
      if (ready_.empty()) return;
      const std::shared_ptr<Operation> operation = std::move(ready_.front());
      ready_.pop_front();
      lock.unlock();
      timeline_.began(*operation);
      const Cost cost = dropping_ ? Cost{} : operation->run_();
      operation->waiting = false;
      lock.lock();
      std::vector<std::shared_ptr<Operation>> to_start;
      finish(*operation, cost, to_start);
      // A chain of quick ones stays on this thread: another would take longer to wake than they take.
      Wake wake = cost.resolves_slowly || !ready_.empty() ? Wake::Another : Wake::Nobody;
      for (const auto& each : to_start) start(each, std::exchange(wake, Wake::Another));
      // A simulation, maybe: nobody may wait for this lock meanwhile.
      lock.unlock();
      timeline_.advance();
      lock.lock();
    }
  }

  Timeline& timeline_;
  std::mutex mutex_;
  std::condition_variable ready_changed_, finished_;
  std::deque<std::shared_ptr<Operation>> ready_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  std::size_t unfinished_ = 0;
  std::uint64_t finished_count_ = 0;
  int waiters_ = 0;
  bool ending_ = false;
  std::atomic<bool> dropping_{false};
};

Scheduler::Scheduler(Timeline& timeline)
    : timeline_(timeline), implementation_(std::make_unique<Implementation>(timeline)) {}
Scheduler::~Scheduler() = default;
void Scheduler::submit(const std::shared_ptr<Operation>& operation,
                       std::vector<std::shared_ptr<Operation>> dependencies) {
  implementation_->submit(operation, std::move(dependencies));
}
void Scheduler::wait(Operation& operation) { implementation_->wait(operation); }
void Scheduler::wait_placed(Operation& operation, double host_us) {
  implementation_->wait(operation);
  timeline_.wait_placed(operation, host_us);
}
bool Scheduler::has_ended_by(Operation& operation, double time_us) {
  // An operation that begins to wait while it runs does not say so to anybody.
  constexpr std::chrono::microseconds kTick{100};
  using Clock = std::chrono::steady_clock;
  const auto most = Clock::now() + kMostForPoll;
  while (true) {
    const std::uint64_t finished = implementation_->finished();
    if (const auto known = timeline_.has_ended_by(operation, time_us)) return *known;
    const auto now = Clock::now();
    if (now >= most) return false;
    implementation_->wait_for_more(finished, std::min<Clock::time_point>(most, now + kTick));
  }
}
void Scheduler::wait_all() {
  implementation_->wait_all();
  timeline_.advance();
}
bool Scheduler::wait_all_for(std::chrono::milliseconds most) {
  const bool all = implementation_->wait_all_for(most);
  if (all) timeline_.advance();
  return all;
}
void Scheduler::drop_rest() noexcept { implementation_->drop_rest(); }

}  // namespace doppel::device
