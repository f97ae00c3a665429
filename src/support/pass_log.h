// SPDX-License-Identifier: Apache-2.0
// What people want to see of the passes that a kernel goes through, and the time that each takes.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/result.h"

namespace doppel {

// "ir, lanes, ...": the passes that leave something to see, in the order in which a kernel goes through them:
// those of the host's code, then those of the card's operations.
std::string dumpable_passes();

struct PassTime {
  std::string pass;
  double seconds = 0;
  std::uint64_t runs = 0;
};

// Thread-safe.
class PassLog {
 public:
  // Nothing is dumped until wishes are added.
  PassLog() = default;

  // dump_after: "PASS", "PASS:KERNEL" or "all", several with commas between them; KERNEL is a part of a
  // kernel's name. directory is made where it is missing. Errors: InvalidArgument names an unknown pass and
  // lists all; Io.
  Result<void> ask(const std::string& dump_after, const std::string& directory);

  // Whether anything was asked for of one of `passes`.
  bool wants(std::string_view pass, std::string_view kernel) const;
  bool wants_any(std::span<const std::string_view> passes, std::string_view kernel) const;
  // Appends a part headed by the pass to the file of a kernel and variant; begins a new file where this
  // process has not written it before. What cannot be written is logged.
  void dump(std::string_view pass, std::string_view kernel, std::string_view variant,
            const std::string& text);

  void add_time(std::string_view pass, double seconds);
  std::vector<PassTime> times() const;  // of those that ran, in their order

 private:
  struct Wish {
    std::string pass;  // empty: all
    std::string kernel;
  };
  std::vector<Wish> wishes_;
  std::string directory_;
  mutable std::mutex mutex_;
  std::set<std::string> written_;  // files
  std::map<std::string, PassTime, std::less<>> times_;
};

// From here to the end of the scope, or to next().
class PassTimer {
 public:
  // log: null where nobody asks.
  PassTimer(PassLog* log, std::string_view pass) : log_(log), pass_(pass), start_(Clock::now()) {}
  ~PassTimer() { stop(); }
  PassTimer(const PassTimer&) = delete;
  PassTimer& operator=(const PassTimer&) = delete;
  void next(std::string_view pass) {
    stop();
    pass_ = pass;
    start_ = Clock::now();
  }

 private:
  using Clock = std::chrono::steady_clock;
  void stop() {
    if (log_ != nullptr) log_->add_time(pass_, std::chrono::duration<double>(Clock::now() - start_).count());
  }
  PassLog* log_;
  std::string_view pass_;
  Clock::time_point start_;
};

}  // namespace doppel
