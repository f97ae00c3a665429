// SPDX-License-Identifier: Apache-2.0
#include "smi/wall_time.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <time.h>  // NOLINT(modernize-deprecated-headers): POSIX has more than <ctime>

namespace doppel::smi {
namespace {

std::string now(const char* format) {
  const time_t seconds = time(nullptr);
  tm local{};
  localtime_r(&seconds, &local);
  return fmt::format(fmt::runtime(fmt::format("{{:{}}}", format)), local);
}

}  // namespace

std::string timestamp() {
  timespec at{};
  clock_gettime(CLOCK_REALTIME, &at);
  tm local{};
  localtime_r(&at.tv_sec, &local);
  constexpr long kNsPerMs = 1'000'000;
  return fmt::format("{:%Y/%m/%d %H:%M:%S}.{:03}", local, at.tv_nsec / kNsPerMs);
}
std::string date_line() { return now("%a %b %e %H:%M:%S %Y"); }
std::string day() { return now("%Y%m%d"); }
std::string time_of_day() { return now("%H:%M:%S"); }

}  // namespace doppel::smi
