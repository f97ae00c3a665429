// SPDX-License-Identifier: Apache-2.0
#include "device/compilations.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "device/run_record.h"

namespace doppel::device {

Compilations::Compilations(const std::string& record_folder)
    : pipe_(record_folder.empty() ? "" : record_folder + "/" + kCompilationsPipe) {}

std::uint32_t Compilations::number(const ir::Module& module, std::uint32_t function) {
  const auto next = static_cast<std::uint32_t>(numbers_.size() + 1);
  return numbers_.try_emplace({&module, function}, next).first->second;
}

void Compilations::launched(const ir::Module& module, std::uint32_t function) {
  const std::lock_guard lock(mutex_);
  const std::size_t before = numbers_.size();
  (void)number(module, function);
  if (under_way_ > 0 && numbers_.size() != before) tell();
}

void Compilations::begins(const ir::Module& module, std::uint32_t function) {
  const std::lock_guard lock(mutex_);
  ++under_way_;
  last_ = number(module, function);
  tell();
}

void Compilations::ends() {
  const std::lock_guard lock(mutex_);
  --under_way_;
  tell();
}

// The pipe is opened each time: a program may close files that it does not know. For reading as well, so that
// one without a reader is no signal.
void Compilations::tell() const {
  if (pipe_.empty()) return;
  const int pipe = open(pipe_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (pipe < 0) return;
  const std::string line = fmt::format("{} {} {} {}\n", getpid(), under_way_, last_, numbers_.size());
  // What does not fit is lost: the next line says all again.
  (void)!write(pipe, line.data(), line.size());
  close(pipe);
}

}  // namespace doppel::device
