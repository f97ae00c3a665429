// SPDX-License-Identifier: Apache-2.0
#include "support/log.h"

#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX has more than <csignal>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iterator>
#include <string>
#include <string_view>

namespace doppel {
namespace {

struct Level {
  std::string_view name;  // in DOPPEL_LOG
  std::string_view shown;
  std::string_view colour;
};

// As LogLevel counts them.
constexpr std::array<Level, 6> kLevels = {{{"trace", "trace", "\033[37m"},
                                           {"debug", "debug", "\033[36m"},
                                           {"info", "info", "\033[32m"},
                                           {"warn", "warning", "\033[33m\033[1m"},
                                           {"error", "error", "\033[31m\033[1m"},
                                           {"off", "off", ""}}};

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : value;
}

bool shows_colours() {
  const std::string_view terminal = environment("TERM");
  return !terminal.empty() && terminal != "dumb" && isatty(STDERR_FILENO) == 1 &&
         environment("NO_COLOR").empty();  // no-color.org: set and not empty
}

// To standard error, which may be a pipe that nobody reads any more: our words are then lost, but the program
// that did not write them does not get the signal for it.
void write_line(const std::string& line) {
  sigset_t pipe;
  sigset_t before;
  sigset_t pending;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  sigpending(&pending);
  const bool was_pending = sigismember(&pending, SIGPIPE) == 1;
  pthread_sigmask(SIG_BLOCK, &pipe, &before);
  std::fwrite(line.data(), 1, line.size(), stderr);
  // The signal of a write goes to the thread that wrote.
  const timespec at_once{};
  if (!was_pending) sigtimedwait(&pipe, nullptr, &at_once);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace

Log::Log() : colours_(shows_colours()) {
  const std::string_view wanted = environment("DOPPEL_LOG");
  if (wanted.empty()) return;
  const auto* const level = std::ranges::find(kLevels, wanted, &Level::name);
  if (level != kLevels.end())
    level_ = static_cast<LogLevel>(level - kLevels.begin());
  else
    warn("DOPPEL_LOG={}: expected error, warn, info, debug, trace or off", wanted);
}

void Log::write(LogLevel level, fmt::string_view text, fmt::format_args arguments) const noexcept {
  try {
    const Level& shown = kLevels[static_cast<std::size_t>(level)];
    std::string line = colours_ ? fmt::format("doppel: {}{}\033[m: ", shown.colour, shown.shown)
                                : fmt::format("doppel: {}: ", shown.shown);
    fmt::vformat_to(std::back_inserter(line), text, arguments);
    line += '\n';
    write_line(line);
  } catch (...) {  // NOLINT(bugprone-empty-catch): a line that cannot be written is lost
  }
}

const Log& log() {
  static const Log logger;
  return logger;
}

}  // namespace doppel
