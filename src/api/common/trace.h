// SPDX-License-Identifier: Apache-2.0
// Calls of a C interface as DOPPEL_LOG=trace shows them: each with its arguments, and each result that is not
// success.
#pragma once

#include <initializer_list>
#include <string>
#include <tuple>
#include <type_traits>

#include "support/log.h"

namespace doppel::api {

// An argument that the trace shows as text. Everything else of a pointer is its address.
struct Text {
  const char* value;
};
inline Text text(const char* value) { return {value}; }

inline bool is_traced() { return log().should_log(LogLevel::Trace); }

namespace detail {

// An argument as the trace shows it. Few functions for all types: there are hundreds of calls.
std::string shown(const void* pointer);
std::string shown(const char* text);
std::string shown(long number);
std::string shown(unsigned long number);
std::string shown(double number);

template <typename T>
std::string loggable(T value) {
  if constexpr (std::is_same_v<T, Text>) {
    return shown(value.value);
  } else if constexpr (std::is_pointer_v<T>) {
    if constexpr (std::is_function_v<std::remove_pointer_t<T>>)
      return shown(reinterpret_cast<const void*>(value));
    else
      return shown(static_cast<const void*>(value));
  } else if constexpr (std::is_enum_v<T> || (std::is_integral_v<T> && std::is_signed_v<T>)) {
    return shown(static_cast<long>(value));
  } else if constexpr (std::is_integral_v<T>) {
    return shown(static_cast<unsigned long>(value));
  } else if constexpr (std::is_floating_point_v<T>) {
    return shown(static_cast<double>(value));
  } else {
    return "{...}";
  }
}

void log_call(const char* function, std::initializer_list<std::string> arguments);

}  // namespace detail

template <typename... Arguments>
void trace_call(const char* function, const std::tuple<Arguments...>& arguments) {
  std::apply([&](const auto&... each) { detail::log_call(function, {detail::loggable(each)...}); },
             arguments);
}

// `result` is the code's name, or null for one that has none.
void trace_result(const char* function, const char* result);

}  // namespace doppel::api
