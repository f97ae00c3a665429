// SPDX-License-Identifier: Apache-2.0
#include "cli/output.h"

#include <fcntl.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): sigaction is not in <csignal>
#include <unistd.h>

namespace doppel::cli {
namespace {

struct sigaction pipe_action_before;
bool changed = false;

}  // namespace

void complain(const std::string& text) { say(stderr, "doppel: {}\n", text); }

void prepare_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    // The lowest free number is taken, which is this one.
    if (fcntl(stream, F_GETFD) < 0) (void)open("/dev/null", O_RDWR);
  }
  struct sigaction ignored{};
  ignored.sa_handler = SIG_IGN;
  changed = sigaction(SIGPIPE, &ignored, &pipe_action_before) == 0;
}

void restore_pipe_signal() {
  if (changed) sigaction(SIGPIPE, &pipe_action_before, nullptr);
}

}  // namespace doppel::cli
