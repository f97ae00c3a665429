#include "driver/termination.h"

#include <pthread.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): sigaction is not in <csignal>
#include <unistd.h>

#include <array>
#include <thread>

#include "device/platform.h"

namespace doppel::driver {
namespace {

// The handler may only use what is async-signal-safe: it sends the signal's number to a thread that does the
// rest.
std::array<int, 2> signal_pipe{-1, -1};
device::Platform* interrupted_platform = nullptr;

void on_signal(int number) {
  interrupted_platform->cancel();
  const auto byte = static_cast<unsigned char>(number);
  [[maybe_unused]] const ssize_t sent = write(signal_pipe[1], &byte, 1);
}

void watch() {
  unsigned char byte = 0;
  while (read(signal_pipe[0], &byte, 1) != 1) {
  }
  const int number = byte;
  (void)interrupted_platform->write_record(128 + number);
  struct sigaction usual{};
  usual.sa_handler = SIG_DFL;
  sigaction(number, &usual, nullptr);
  kill(getpid(), number);
}

}  // namespace

void end_on_signals(device::Platform& platform) {
  interrupted_platform = &platform;
  if (pipe(signal_pipe.data()) != 0) return;
  // The watcher takes no signals itself.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread(watch).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction now{};
    if (sigaction(number, nullptr, &now) != 0 || now.sa_handler != SIG_DFL ||
        (now.sa_flags & SA_SIGINFO) != 0)
      continue;
    struct sigaction ours{};
    ours.sa_handler = on_signal;
    ours.sa_flags = SA_RESTART;
    sigaction(number, &ours, nullptr);
  }
}

}  // namespace doppel::driver
