// SPDX-License-Identifier: Apache-2.0
#include "driver/termination.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): sigaction is not in <csignal>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <thread>

#include "core/static_objects.h"
#include "device/platform.h"
#include "driver/process.h"
#include "support/log.h"

namespace doppel::driver {

std::atomic<bool> detail::ending{false};

namespace {

using std::chrono::milliseconds;

// Of an end that leaves no time: signals, abort, _exit.
constexpr milliseconds kMostForCompilingAtOnce{1000};
// What the finisher may take in all, then the process ends without it: it can only hang where the thread that
// ends the process was interrupted with a lock in its hands.
constexpr int kTicksForExit = 1500;
constexpr int kTicksAtOnce = 300;
// Other threads wait for so much longer: the handlers of exit() have run by then, or wait for these threads.
constexpr std::int64_t kForHandlersNs = 2'000'000'000;
constexpr long kTickNs = 10'000'000;

// What ends a process whose program does not care. Faults come last: they end the thread's work here and now.
constexpr int kSignals[] = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT, SIGPIPE, SIGALRM, SIGXCPU,
                            SIGUSR1, SIGUSR2, SIGABRT, SIGSEGV, SIGBUS,  SIGFPE,  SIGILL};

// A byte to the finisher: a signal's number, or one of these.
constexpr unsigned char kExit = 0x80;
constexpr unsigned char kAtOnce = 0x81;

struct Ending {
  device::Platform* platform = nullptr;
  pid_t process = 0;  // a forked child has the memory, but is another
  std::array<int, 2> requests{-1, -1};
  std::atomic<std::uint32_t> asked{0};
  std::atomic<std::uint32_t> answered{0};
  std::atomic<pid_t> thread{0};  // that ends the process: its calls go on
  std::atomic<bool> complete{true};
  std::atomic<std::int64_t> answered_at_ns{0};
};
Ending state;

// The C library's own clock and sleep may show virtual time (src/preload/clock).
void wait_a_tick(std::atomic<std::uint32_t>& word, std::uint32_t seen) {
  static_assert(sizeof word == sizeof(std::uint32_t));
  const timespec most{0, kTickNs};
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, seen, &most, nullptr, 0);
}

std::int64_t now_ns() {
  timespec now{};
  syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
  return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

bool answered(std::uint32_t ticket) { return static_cast<std::int32_t>(state.answered.load() - ticket) >= 0; }

// Async-signal-safe. Waits until the finisher has done it, within bounds.
void ask(unsigned char what, int ticks) {
  pid_t nobody = 0;
  state.thread.compare_exchange_strong(nobody, static_cast<pid_t>(syscall(SYS_gettid)));
  detail::ending = true;
  const std::uint32_t ticket = ++state.asked;
  if (write(state.requests[1], &what, 1) != 1) return;
  for (int tick = 0; tick < ticks; ++tick) {
    const std::uint32_t seen = state.answered;
    if (answered(ticket)) return;
    wait_a_tick(state.answered, seen);
  }
}

bool is_own_process() { return state.platform != nullptr && getpid() == state.process; }

void end_with(int number) {
  struct sigaction usual{};
  usual.sa_handler = SIG_DFL;
  sigaction(number, &usual, nullptr);
}

void on_signal(int number, siginfo_t* info, void*) {
  const int error = errno;
  if (is_own_process()) {
    state.platform->cancel();
    ask(static_cast<unsigned char>(number), kTicksAtOnce);
  }
  end_with(number);
  // A fault comes again by itself, and abort() raises its signal again; anything else is sent again and
  // arrives when this returns.
  const bool comes_again =
      number == SIGABRT || (info->si_code > 0 && info->si_code != SI_KERNEL &&
                            (number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL));
  if (!comes_again) raise(number);
  errno = error;
}

void write_record() {
  if (const auto written = state.platform->write_record(); !written)
    log().error("{}", written.error().message);
}

void serve(unsigned char what) {
  if (what == kExit) {
    if (!state.platform->finish_or_cancel()) state.complete = false;
    write_record();
  } else {
    state.complete = false;
    write_record();
    state.platform->finish_compiling(kMostForCompilingAtOnce);
  }
  state.answered_at_ns = now_ns();
  ++state.answered;
  syscall(SYS_futex, &state.answered, FUTEX_WAKE_PRIVATE, INT32_MAX, nullptr, nullptr, 0);
}

// `doppel` holds a lock in the folder of the records for as long as it lives, and removes the folder when it
// ends by itself.
bool parent_was_killed() {
  const std::string lock = state.platform->options().record_folder + "/lock";
  const int file = open(lock.c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0) return false;
  const bool free = flock(file, LOCK_EX | LOCK_NB) == 0;
  close(file);
  return free;
}

// A descriptor that becomes readable when `doppel` ends, whatever ends it; -1 where there is none.
int descriptor_of_parent() {
  const char* text = std::getenv("DOPPEL_PARENT");
  if (text == nullptr || state.platform->options().record_folder.empty()) return -1;
  const auto parent = static_cast<pid_t>(std::atol(text));
  return parent > 0 ? static_cast<int>(syscall(SYS_pidfd_open, parent, 0)) : -1;
}

// The finisher.
void finish() {
  int parent = descriptor_of_parent();
  while (true) {
    std::array<pollfd, 2> sources = {{{state.requests[0], POLLIN, 0}, {parent, POLLIN, 0}}};
    if (poll(sources.data(), sources.size(), -1) < 0) continue;
    if (parent >= 0 && sources[1].revents != 0) {
      if (parent_was_killed()) kill(state.process, SIGKILL);
      close(parent);
      parent = -1;
    }
    unsigned char what = 0;
    if (sources[0].revents != 0 && read(state.requests[0], &what, 1) == 1) serve(what);
  }
}

void start_finisher() {
  // It takes no signals itself.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread(finish).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void end_on_signals() {
  for (const int number : kSignals) {
    struct sigaction now{};
    if (sigaction(number, nullptr, &now) != 0 || (now.sa_flags & SA_SIGINFO) != 0 ||
        now.sa_handler != SIG_DFL)
      continue;
    struct sigaction ours{};
    ours.sa_sigaction = on_signal;
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
    sigaction(number, &ours, nullptr);
  }
}

void on_exit_handlers() {
  if (!is_own_process()) return;
  ask(kExit, kTicksForExit);
  if (!state.complete) mark_ended();
}

void on_exit_at_once() {
  if (!is_own_process()) return;
  state.platform->cancel();
  ask(kAtOnce, kTicksAtOnce);
}

}  // namespace

void detail::wait_for_the_end() noexcept {
  if (!is_own_process() || state.thread == static_cast<pid_t>(syscall(SYS_gettid))) return;
  std::atomic<std::uint32_t> nothing{0};
  for (int tick = 0; tick < kTicksForExit && state.asked != state.answered; ++tick) wait_a_tick(nothing, 0);
  while (now_ns() - state.answered_at_ns < kForHandlersNs) wait_a_tick(nothing, 0);
}

void prepare_for_the_end(device::Platform& platform) {
  if (pipe2(state.requests.data(), O_CLOEXEC) != 0) return;
  state.process = getpid();
  state.platform = &platform;
  start_finisher();
  end_on_signals();
  core::at_exit(on_exit_handlers);
  std::at_quick_exit(on_exit_handlers);
  // Of the library src/preload/exit, where it is loaded.
  using Hook = std::atomic<void (*)()>;
  if (auto* hook = static_cast<Hook*>(dlsym(RTLD_DEFAULT, "doppel_before_exit")))
    hook->store(on_exit_at_once);
}

void finish_at_unload() {
  if (!is_own_process()) return;
  if (state.complete) ask(kExit, kTicksForExit);
  mark_ended();
}

}  // namespace doppel::driver
