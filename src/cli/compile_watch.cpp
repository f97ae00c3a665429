// SPDX-License-Identifier: Apache-2.0
#include "cli/compile_watch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "cli/process_table.h"
#include "device/run_record.h"

namespace doppel::cli {

void CompileClock::take(std::string_view line, double now_s) {
  int process = 0;
  unsigned under_way = 0;
  Compiling kernel;
  const int read = std::sscanf(std::string(line).c_str(), "%d %u %u %u", &process, &under_way, &kernel.number,
                               &kernel.total);
  if (read != 4) return;
  active_.erase(process);
  if (under_way > 0) active_.emplace(process, kernel);
  update(now_s);
  if (under_way > 0) current_ = kernel;
}

void CompileClock::forget(const std::function<bool(pid_t)>& has_ended, double now_s) {
  std::erase_if(active_, [&](const auto& each) { return has_ended(each.first); });
  update(now_s);
}

void CompileClock::update(double now_s) {
  const bool was_active = current_.has_value();
  if (!active_.empty()) {
    if (!was_active) since_s_ = now_s;
    current_ = active_.begin()->second;
  } else if (was_active) {
    compiled_s_ += now_s - since_s_;
    current_.reset();
  }
}

double CompileClock::compiled_s(double now_s) const {
  return compiled_s_ + (current_ ? now_s - since_s_ : 0);
}

Result<CompileWatch> CompileWatch::make(const std::filesystem::path& folder) {
  const std::string file = (folder / device::kCompilationsPipe).string();
  // For writing too: without a writer, a pipe is at its end again and again.
  const int pipe = mkfifo(file.c_str(), 0600) == 0 ? open(file.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC) : -1;
  if (pipe < 0)
    return fail(Error::Kind::Io, fmt::format("cannot make a pipe {}: {}", file, std::strerror(errno)));
  return CompileWatch(pipe);
}

CompileWatch::CompileWatch(CompileWatch&& other) noexcept
    : pipe_(std::exchange(other.pipe_, -1)), rest_(std::move(other.rest_)), clock_(std::move(other.clock_)) {}

CompileWatch::~CompileWatch() {
  if (pipe_ >= 0) close(pipe_);
}

void CompileWatch::read(double now_s, const std::function<void()>& changed) {
  std::array<char, 4096> buffer;
  ssize_t size = 0;
  while ((size = ::read(pipe_, buffer.data(), buffer.size())) > 0)
    rest_.append(buffer.data(), static_cast<std::size_t>(size));
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = rest_.find('\n', begin)) != std::string::npos; begin = end + 1) {
    clock_.take(std::string_view(rest_).substr(begin, end - begin), now_s);
    changed();
  }
  rest_.erase(0, begin);
  if (clock_.current()) clock_.forget(has_ended, now_s);
}

}  // namespace doppel::cli
