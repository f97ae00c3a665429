// SPDX-License-Identifier: Apache-2.0
#include "report/quantities.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <string_view>

namespace doppel::report {
namespace {

// `value` divided by the largest step of `units` (each `base` times the last) that leaves at least one.
template <std::size_t N>
std::string scaled(double value, double base, const std::array<std::string_view, N>& units) {
  std::size_t unit = 0;
  // 0.9995: what would be printed as a thousand of the smaller unit takes the larger one.
  while (unit + 1 < N && std::abs(value) >= base * 0.9995) {
    value /= base;
    ++unit;
  }
  const int digits = value == 0 || std::abs(value) >= 99.95 ? 0 : std::abs(value) >= 9.995 ? 1 : 2;
  return units[unit].empty() ? fmt::format("{:.{}f}", value, digits)
                             : fmt::format("{:.{}f} {}", value, digits, units[unit]);
}

}  // namespace

std::string time_text(double time_us) {
  return scaled(time_us * 1e3, 1000, std::array<std::string_view, 4>{"ns", "us", "ms", "s"});
}

std::string bytes_text(double bytes) {
  if (bytes < 1024) return fmt::format("{:.0f} B", bytes);
  return scaled(bytes / 1024, 1024, std::array<std::string_view, 4>{"KiB", "MiB", "GiB", "TiB"});
}

std::string energy_text(double joules) {
  return scaled(joules * 1e6, 1000, std::array<std::string_view, 4>{"uJ", "mJ", "J", "kJ"});
}

std::string count_text(double count) {
  if (count < 10000) return fmt::format("{:.0f}", count);
  return scaled(count, 1000, std::array<std::string_view, 5>{"", "k", "M", "G", "T"});
}

std::string ratio_text(double ratio) {
  if (!std::isfinite(ratio) || ratio <= 0) return "-";
  return fmt::format("{:.{}f}x", ratio, ratio >= 99.95 ? 0 : ratio >= 9.995 ? 1 : 2);
}

std::string percent_text(double share) { return fmt::format("{:.0f} %", share * 100); }

std::string figures(double value) {
  if (std::abs(value) < 1000) return fmt::format("{:.1f}", value);
  std::string digits = fmt::format("{:.0f}", value);
  for (std::size_t i = digits.size(); i > 3 && i - 3 > (digits[0] == '-' ? 1U : 0U); i -= 3)
    digits.insert(digits.begin() + static_cast<std::ptrdiff_t>(i - 3), ',');
  return digits;
}

}  // namespace doppel::report
