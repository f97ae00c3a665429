// SPDX-License-Identifier: Apache-2.0
// What a part of `doppel smi` comes to: its text, or why it failed, with the exit status that users of the
// original know.
#pragma once

#include <doppel/nvml/types.h>

#include <string>
#include <tl/expected.hpp>

namespace doppel::smi {

// Of the command: a wrong flag, an unknown field, a value out of range.
inline constexpr int kBadUsage = 2;

struct Failure {
  int status = 0;
  std::string message;
};

template <typename T>
using Outcome = tl::expected<T, Failure>;

inline tl::unexpected<Failure> failed(int status, std::string message) {
  return tl::unexpected<Failure>(Failure{status, std::move(message)});
}

// The status that stands for a code of the library: the code itself, 255 for an unknown error.
inline int status_of(nvmlReturn_t code) {
  constexpr int kMost = 255;
  return code < kMost ? static_cast<int>(code) : kMost;
}

// What is printed, and the status: some cards may have failed where others did as they were told.
struct Said {
  std::string text;
  int status = 0;
};

}  // namespace doppel::smi
