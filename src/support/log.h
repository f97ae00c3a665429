// SPDX-License-Identifier: Apache-2.0
// Doppel's own words: always standard error, never the program's standard output.
// DOPPEL_LOG=error|warn|info|debug|trace|off sets the level (default: warn).
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <utility>

namespace doppel {

enum class LogLevel : std::uint8_t { Trace, Debug, Info, Warn, Error, Off };

class Log {
 public:
  Log();
  bool should_log(LogLevel level) const { return level >= level_; }

  template <typename... Arguments>
  void trace(fmt::format_string<Arguments...> text, Arguments&&... arguments) const noexcept {
    say(LogLevel::Trace, text, arguments...);
  }
  template <typename... Arguments>
  void info(fmt::format_string<Arguments...> text, Arguments&&... arguments) const noexcept {
    say(LogLevel::Info, text, arguments...);
  }
  template <typename... Arguments>
  void warn(fmt::format_string<Arguments...> text, Arguments&&... arguments) const noexcept {
    say(LogLevel::Warn, text, arguments...);
  }
  template <typename... Arguments>
  void error(fmt::format_string<Arguments...> text, Arguments&&... arguments) const noexcept {
    say(LogLevel::Error, text, arguments...);
  }

 private:
  template <typename... Arguments>
  void say(LogLevel level, fmt::string_view text, Arguments&... arguments) const noexcept {
    if (should_log(level)) write(level, text, fmt::make_format_args(arguments...));
  }
  void write(LogLevel level, fmt::string_view text, fmt::format_args arguments) const noexcept;

  LogLevel level_ = LogLevel::Warn;
  bool colours_;
};

// The process's logger; made on first use, thread-safe. Lines are "doppel: LEVEL: text".
const Log& log();

}  // namespace doppel
