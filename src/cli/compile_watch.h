// SPDX-License-Identifier: Apache-2.0
// What the processes of the program say of their compilations (device/compilations.h).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "support/result.h"

namespace doppel::cli {

// A kernel that is compiled, among those that its process has launched so far.
struct Compiling {
  std::uint32_t number = 0, total = 0;
  bool operator==(const Compiling&) const = default;
};

// Which processes compile, and for how long any of them did. Times are seconds of one clock that only goes
// forward.
class CompileClock {
 public:
  // A line as the processes write them, without its end; what is none is passed over.
  void take(std::string_view line, double now_s);
  // Leaves out processes that have ended in the middle of it.
  void forget(const std::function<bool(pid_t)>& has_ended, double now_s);
  std::optional<Compiling> current() const { return current_; }  // begun last; none: nothing is compiled
  double compiled_s(double now_s) const;

 private:
  void update(double now_s);
  std::map<pid_t, Compiling> active_;
  std::optional<Compiling> current_;
  double compiled_s_ = 0;  // before current_ was
  double since_s_ = 0;
};

// The end of the pipe that is read.
class CompileWatch {
 public:
  // Makes the pipe. Io where it cannot be made.
  static Result<CompileWatch> make(const std::filesystem::path& folder);
  CompileWatch(CompileWatch&& other) noexcept;
  CompileWatch(const CompileWatch&) = delete;
  CompileWatch& operator=(const CompileWatch&) = delete;
  ~CompileWatch();

  int descriptor() const { return pipe_; }  // to wait for
  // Reads what has come, and looks which processes have ended. `changed` is called behind each line.
  void read(double now_s, const std::function<void()>& changed);
  const CompileClock& clock() const { return clock_; }

 private:
  explicit CompileWatch(int pipe) : pipe_(pipe) {}
  int pipe_;
  std::string rest_;  // of a line that has not come whole
  CompileClock clock_;
};

}  // namespace doppel::cli
