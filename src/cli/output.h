// SPDX-License-Identifier: Apache-2.0
// What the command says, on standard output or standard error. A stream that cannot be written (closed, full,
// or left by its reader) is no reason to end, nor to answer another status than the program's.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <utility>

namespace doppel::cli {

template <typename... Arguments>
void say(std::FILE* to, fmt::format_string<Arguments...> text, Arguments&&... arguments) {
  const std::string said = fmt::format(text, std::forward<Arguments>(arguments)...);
  std::fwrite(said.data(), 1, said.size(), to);
}

// "doppel: TEXT" on standard error.
void complain(const std::string& text);

// Before anything is opened or said: a closed standard stream leads nowhere, so that no file of ours takes
// its number, and a pipe that nobody reads is an error of the write instead of a signal.
void prepare_streams();
// In a child that becomes another program: the signal has its effect again.
void restore_pipe_signal();

}  // namespace doppel::cli
