// SPDX-License-Identifier: Apache-2.0
// The interface version that the driver reports, as 1000 * major + 10 * minor.
#pragma once

#include <charconv>
#include <memory>
#include <optional>
#include <string_view>

namespace doppel {

inline constexpr int kNewestDriverVersion = 13050;
inline constexpr int kOldestDriverVersion = 11000;

// "13.5" is 13050. Nothing where the text is no version that can be served.
inline std::optional<int> parse_driver_version(std::string_view text) {
  int major = 0;
  int minor = 0;
  const char* const begin = std::to_address(text.begin());
  const char* const end = begin + text.size();
  const auto [point, wrong_major] = std::from_chars(begin, end, major);
  if (wrong_major != std::errc{} || end - point != 2 || *point != '.') return std::nullopt;
  const auto [last, wrong_minor] = std::from_chars(point + 1, end, minor);
  if (wrong_minor != std::errc{} || last != end) return std::nullopt;
  if (major < 0 || major > 99 || minor < 0) return std::nullopt;
  const int version = 1000 * major + 10 * minor;
  if (version < kOldestDriverVersion || version > kNewestDriverVersion) return std::nullopt;
  return version;
}

}  // namespace doppel
