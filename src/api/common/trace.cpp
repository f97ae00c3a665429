// SPDX-License-Identifier: Apache-2.0
#include "api/common/trace.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace doppel::api {

void trace_result(const char* function, const char* result) {
  log().trace("{} -> {}", function, result != nullptr ? result : "an unknown code");
}

namespace detail {

std::string shown(const void* pointer) { return fmt::format("{}", pointer); }
std::string shown(const char* text) { return text != nullptr ? text : "(null)"; }
std::string shown(long number) { return fmt::format("{}", number); }
std::string shown(unsigned long number) { return fmt::format("{}", number); }
std::string shown(double number) { return fmt::format("{}", number); }

void log_call(const char* function, std::initializer_list<std::string> arguments) {
  log().trace("{}({})", function, fmt::join(arguments, ", "));
}

}  // namespace detail
}  // namespace doppel::api
