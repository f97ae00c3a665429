// SPDX-License-Identifier: Apache-2.0
// What every function of a C interface does around its own work: it can be traced (DOPPEL_LOG=trace), refuses
// while the interface is not in use, and lets no exception out.
#pragma once

#include <tuple>

#include "api/common/api.h"
#include "api/common/trace.h"

namespace doppel::api {
namespace detail {

enum class Exception { OutOfMemory, Other };

// Logs the exception that is being handled.
Exception log_exception(const char* function) noexcept;

template <Api A>
[[gnu::cold, gnu::noinline]] typename A::Result on_exception(const char* function) noexcept {
  return log_exception(function) == Exception::OutOfMemory ? A::kOutOfMemory : A::kUnknown;
}

template <Api A, typename... Arguments, typename Body>
typename A::Result guarded(const char* function, const std::tuple<Arguments...>& arguments,
                           Body& body) noexcept {
  try {
    const typename A::Scope scope(function);
    const bool traced = is_traced();
    if (traced) trace_call(function, arguments);
    const typename A::Result result = body();
    if (traced && result != A::kSuccess) trace_result(function, A::name_of(result));
    return result;
  } catch (...) {
    return on_exception<A>(function);
  }
}

}  // namespace detail

// Works in every state of the interface.
template <Api A, typename... Arguments, typename Body>
typename A::Result call_always(const char* function, const std::tuple<Arguments...>& arguments,
                               Body& body) noexcept {
  return detail::guarded<A>(function, arguments, body);
}

// Works while the interface is in use.
template <Api A, typename... Arguments, typename Body>
// NOLINTNEXTLINE(bugprone-exception-escape): guarded() catches all
typename A::Result call(const char* function, const std::tuple<Arguments...>& arguments,
                        Body& body) noexcept {
  auto in_use = [&] {
    const typename A::Result state = A::before();
    return state == A::kSuccess ? A::after(body()) : state;
  };
  return detail::guarded<A>(function, arguments, in_use);
}

}  // namespace doppel::api
