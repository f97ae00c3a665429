// SPDX-License-Identifier: Apache-2.0
#include "cli/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "cli/compile_watch.h"
#include "cli/input_replay.h"
#include "cli/output.h"
#include "cli/process_table.h"

namespace doppel::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kTimeoutStatus = 124;  // as coreutils' timeout
constexpr double kGraceS = 1.5;      // between a request to end and SIGKILL
constexpr double kCompilingTickS = 0.2;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { reset(); }
  int get() const { return fd_; }
  void reset(int fd = -1) {
    if (fd_ >= 0) close(fd_);
    fd_ = fd;
  }

 private:
  int fd_;
};

// SIGCHLD and the requests to end, kept for a signalfd while a child runs; the old mask comes back
// afterwards. Whoever started this process may have had SIGCHLD ignored: then no child could be waited for.
class SignalGuard {
 public:
  SignalGuard() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGCHLD, SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
    sigprocmask(SIG_BLOCK, &set, &old_);
    struct sigaction usual{};
    usual.sa_handler = SIG_DFL;
    sigaction(SIGCHLD, &usual, &old_child_action_);
    fd_.reset(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  }
  ~SignalGuard() { restore(); }
  SignalGuard(const SignalGuard&) = delete;
  SignalGuard& operator=(const SignalGuard&) = delete;
  int fd() const { return fd_.get(); }
  // As it was before, also in a child.
  void restore() const {
    sigaction(SIGCHLD, &old_child_action_, nullptr);
    sigprocmask(SIG_SETMASK, &old_, nullptr);
  }

 private:
  struct sigaction old_child_action_{};
  sigset_t old_{};
  Descriptor fd_;
};

// Everything below this process: what the child left behind becomes ours (PR_SET_CHILD_SUBREAPER).
void kill_descendants() {
  const auto all = parents();
  std::vector<pid_t> tree = {getpid()};
  for (std::size_t i = 0; i < tree.size(); ++i) {
    for (const auto& [pid, parent] : all) {
      if (parent == tree[i]) tree.push_back(pid);
    }
  }
  for (std::size_t i = 1; i < tree.size(); ++i) kill(tree[i], SIGKILL);
}

// In the child, after fork: never returns. Failures of exec go through `failures` as errno.
[[noreturn]] void become(const ChildOptions& options, const SignalGuard& signals, pid_t parent, int input,
                         int output, int failures) {
  // The program does not outlive this process, however that ends (prctl(2); the flag lasts through exec).
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) raise(SIGKILL);
  if (input >= 0) dup2(input, STDIN_FILENO);
  if (output >= 0) dup2(output, STDOUT_FILENO);
  if (output < 0 && options.output_to_error) dup2(STDERR_FILENO, STDOUT_FILENO);
  for (const auto& [name, value] : options.environment) setenv(name.c_str(), value.c_str(), 1);
  restore_pipe_signal();
  signals.restore();
  std::vector<char*> arguments;
  arguments.reserve(options.command.size() + 1);
  for (const std::string& argument : options.command)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  const int error = errno;
  const auto written = write(failures, &error, sizeof error);
  _exit(written > 0 ? 127 : 126);
}

class Running {
 public:
  Running(const ChildOptions& options, const SignalGuard& signals) : options_(options), signals_(signals) {}

  Result<ChildResult> run() {
    if (Result<void> started = start(); !started) return tl::unexpected<Error>(started.error());
    double next_tick = 1;
    while (!ended_) {
      wait_a_little(next_tick);
      const double now = seconds_since(start_);
      follow_compilations(now);
      if (options_.on_tick && now >= next_tick) {
        options_.on_tick(now);
        next_tick = now + 1;
      }
      if (!result_.timed_out && options_.timeout_s && counted_s(now) >= *options_.timeout_s) {
        result_.timed_out = true;
        kill(child_, SIGTERM);
        kill_at_ = now + kGraceS;
      }
      if (kill_at_ > 0 && now >= kill_at_) kill_descendants();
    }
    drain_output();
    if (options_.input != nullptr) options_.input->stop();
    if (result_.timed_out || result_.interrupted) kill_descendants();
    while (waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    result_.wall_s = seconds_since(start_);
    if (result_.timed_out) result_.status = kTimeoutStatus;
    return result_;
  }

 private:
  Result<void> start() {
    std::array<int, 2> input = {-1, -1};
    std::array<int, 2> output = {-1, -1};
    std::array<int, 2> failures = {-1, -1};
    const bool feeds = options_.input != nullptr && options_.input->rewind();
    if (pipe2(failures.data(), O_CLOEXEC) != 0 || (feeds && pipe2(input.data(), O_CLOEXEC) != 0) ||
        (options_.on_output && pipe2(output.data(), O_CLOEXEC) != 0)) {
      return fail(Error::Kind::Io, fmt::format("cannot make a pipe: {}", std::strerror(errno)));
    }
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    start_ = Clock::now();
    const pid_t self = getpid();
    child_ = fork();
    if (child_ < 0)
      return fail(Error::Kind::Io, fmt::format("cannot start a process: {}", std::strerror(errno)));
    if (child_ == 0) become(options_, signals_, self, input[0], output[1], failures[1]);
    close(failures[1]);
    if (feeds) {
      close(input[0]);
      // In a thread, which must not be there before the fork; it inherits that all these signals are blocked.
      options_.input->start(input[1]);
    }
    if (output[1] >= 0) close(output[1]);
    output_.reset(output[0]);
    Descriptor failed(failures[0]);
    int error = 0;
    if (read(failed.get(), &error, sizeof error) == sizeof error) {
      waitpid(child_, nullptr, 0);
      if (feeds) options_.input->stop();
      return fail(error == ENOENT ? Error::Kind::NotFound : Error::Kind::InvalidArgument,
                  fmt::format("cannot run {}: {}", options_.command[0], std::strerror(error)));
    }
    return {};
  }

  void wait_a_little(double next_tick) {
    double until = seconds_since(start_) + 60;
    if (options_.on_tick) until = std::min(until, next_tick);
    if (options_.timeout_s && !result_.timed_out)
      until = std::min(until, *options_.timeout_s + compiled_s(seconds_since(start_)));
    if (options_.compiling != nullptr && options_.compiling->clock().current())
      until = std::min(until, seconds_since(start_) + kCompilingTickS);
    if (kill_at_ > 0) until = std::min(until, std::max(kill_at_, seconds_since(start_) + 0.05));
    // What is no descriptor is passed over.
    const int compiling = options_.compiling != nullptr ? options_.compiling->descriptor() : -1;
    std::array<pollfd, 3> sources = {
        {{signals_.fd(), POLLIN, 0}, {output_.get(), POLLIN, 0}, {compiling, POLLIN, 0}}};
    const double wait_s = std::max(0.0, until - seconds_since(start_));
    poll(sources.data(), sources.size(), static_cast<int>(wait_s * 1000) + 1);
    if ((sources[1].revents & (POLLIN | POLLHUP)) != 0) read_output();
    signalfd_siginfo info{};
    while (read(signals_.fd(), &info, sizeof info) == sizeof info) take_signal(info);
  }

  double compiled_s(double now) const {
    return options_.compiling == nullptr ? 0 : options_.compiling->clock().compiled_s(now);
  }
  // Of the time limit.
  double counted_s(double now) const { return now - compiled_s(now); }

  void follow_compilations(double now) {
    if (options_.compiling == nullptr) return;
    const auto tell = [&] {
      if (options_.on_compiling)
        options_.on_compiling(options_.compiling->clock().current(), compiled_s(now));
    };
    options_.compiling->read(now, tell);
    tell();
  }

  void take_signal(const signalfd_siginfo& info) {
    if (static_cast<int>(info.ssi_signo) == SIGCHLD) {
      int status = 0;
      if (waitpid(child_, &status, WNOHANG) == child_) {
        ended_ = true;
        if (WIFSIGNALED(status)) result_.signal = WTERMSIG(status);
        result_.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + result_.signal;
      }
      return;
    }
    result_.interrupted = true;
    // From the terminal (SI_KERNEL) the child has the signal already: it is of the same process group.
    if (info.ssi_code != SI_KERNEL) kill(child_, static_cast<int>(info.ssi_signo));
    if (kill_at_ <= 0) kill_at_ = seconds_since(start_) + kGraceS;
  }

  bool read_output() {
    std::array<char, 16384> buffer;
    const ssize_t size = read(output_.get(), buffer.data(), buffer.size());
    if (size > 0) options_.on_output(std::string(buffer.data(), static_cast<std::size_t>(size)));
    if (size == 0) output_.reset();
    return size > 0;
  }

  // What the child wrote before it ended; descendants that still hold the pipe are not waited for.
  void drain_output() {
    while (output_.get() >= 0) {
      pollfd source = {output_.get(), POLLIN, 0};
      if (poll(&source, 1, 0) <= 0 || !read_output()) break;
    }
  }

  const ChildOptions& options_;
  const SignalGuard& signals_;
  Descriptor output_;
  pid_t child_ = -1;
  Clock::time_point start_;
  double kill_at_ = 0;
  bool ended_ = false;
  ChildResult result_;
};

}  // namespace

Result<ChildResult> run_child(const ChildOptions& options) {
  const SignalGuard signals;
  return Running(options, signals).run();
}

}  // namespace doppel::cli
