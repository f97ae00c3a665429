// SPDX-License-Identifier: Apache-2.0
#include "node/process_life.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX has more than <csignal>
#include <sys/syscall.h>
#include <time.h>  // NOLINT(modernize-deprecated-headers): POSIX has more than <ctime>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <string_view>

namespace doppel::node {

std::uint64_t start_of(pid_t process) {
  const std::string path = fmt::format("/proc/{}/stat", process);
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  std::array<char, 1024> buffer{};
  const ssize_t length = read(file, buffer.data(), buffer.size());
  close(file);
  if (length <= 0) return 0;
  // The name, in brackets, may hold anything. Behind it: the state, field 3 of proc(5), to the start,
  // field 22.
  std::string_view text(buffer.data(), static_cast<std::size_t>(length));
  const auto bracket = text.rfind(')');
  if (bracket == std::string_view::npos || bracket + 2 >= text.size()) return 0;
  text.remove_prefix(bracket + 2);
  if (text.front() == 'Z' || text.front() == 'X') return 0;
  constexpr int kFieldsBefore = 19;
  for (int i = 0; i < kFieldsBefore; ++i) {
    const auto space = text.find(' ');
    if (space == std::string_view::npos) return 0;
    text.remove_prefix(space + 1);
  }
  std::uint64_t ticks = 0;
  std::from_chars(text.data(), text.data() + text.size(),
                  ticks);  // NOLINT(bugprone-suspicious-stringview-data-usage)
  return ticks;
}

bool number_in_use(pid_t process) { return kill(process, 0) == 0 || errno != ESRCH; }

pid_t own_process() {
  static std::atomic<pid_t> known{0};
  static const int forgets = pthread_atfork(nullptr, nullptr, [] { known = 0; });
  if (forgets != 0) return getpid();
  pid_t number = known;
  if (number == 0) known = number = getpid();
  return number;
}

std::int64_t wall_ns() {
  timespec now{};
  syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
  return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

}  // namespace doppel::node
