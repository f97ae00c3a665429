// What every function of the C interface does around its own work: it can be traced (DOPPEL_LOG=trace),
// refuses before cuInit and in a forked child, and lets no exception out.
#pragma once

#include <doppel/cuda/result.h>

#include <exception>
#include <initializer_list>
#include <new>
#include <string>
#include <tuple>
#include <type_traits>

#include "driver/termination.h"
#include "driver/virtual_clock.h"
#include "support/log.h"
#include "support/result.h"

namespace doppel::driver {

// Whether the driver may be used: CUDA_SUCCESS after cuInit; CUDA_ERROR_NOT_INITIALIZED before it and in a
// child that was forked after it (a card does not survive a fork); CUDA_ERROR_DEINITIALIZED while the process
// ends.
CUresult driver_state();

// The code that a program gets for an error of a lower part; its words go to the log.
CUresult to_result(const Error& error);

inline CUresult answer(const Result<void>& result) {
  return result ? CUDA_SUCCESS : to_result(result.error());
}

// Stores the value for the program, which gave a place for it.
template <typename T, typename Out>
CUresult answer(Result<T> result, Out* out) {
  if (!result) return to_result(result.error());
  *out = static_cast<Out>(*std::move(result));
  return CUDA_SUCCESS;
}

// An argument that the trace shows as text. Everything else of a pointer is its address.
struct Text {
  const char* value;
};
inline Text text(const char* value) { return {value}; }

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

void log_call(const char* name, std::initializer_list<std::string> arguments);
void log_result(const char* name, CUresult result);
CUresult on_exception(const char* name) noexcept;

template <typename... A, typename Body>
CUresult guarded(const char* name, const std::tuple<A...>& arguments, Body& body) noexcept {
  try {
    const CallScope scope(name);
    const bool traced = log().should_log(spdlog::level::trace);
    if (traced) std::apply([&](const auto&... each) { log_call(name, {loggable(each)...}); }, arguments);
    const CUresult result = body();
    if (traced && result != CUDA_SUCCESS) log_result(name, result);
    return result;
  } catch (...) {
    return on_exception(name);
  }
}

}  // namespace detail

// Works in every state of the driver.
template <typename... A, typename Body>
CUresult call_always(const char* name, std::tuple<A...> arguments, Body body) noexcept {
  return detail::guarded(name, arguments, body);
}

// Works once cuInit was called.
template <typename... A, typename Body>
// NOLINTNEXTLINE(bugprone-exception-escape): guarded() catches all
CUresult call(const char* name, std::tuple<A...> arguments, Body body) noexcept {
  auto ready = [&] {
    hold_while_ending();
    if (const CUresult state = driver_state(); state != CUDA_SUCCESS) return state;
    const CUresult result = body();
    hold_while_ending();
    return driver_state() == CUDA_ERROR_DEINITIALIZED ? CUDA_ERROR_DEINITIALIZED : result;
  };
  return detail::guarded(name, arguments, ready);
}

}  // namespace doppel::driver
