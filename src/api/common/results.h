// SPDX-License-Identifier: Apache-2.0
// From results of the lower parts to the codes of a C interface.
#pragma once

#include <utility>

#include "api/common/api.h"
#include "support/result.h"

namespace doppel::api {

// Says it to the user where they, or this version of Doppel, have to change something; else only where asked.
void log_error(const Error& error);

// The code that a program gets for an error of a lower part; its words go to the log.
template <Api A>
typename A::Result to_result(const Error& error) {
  log_error(error);
  return A::code_of(error);
}

template <Api A>
typename A::Result answer(const Result<void>& result) {
  return result ? A::kSuccess : to_result<A>(result.error());
}

// Stores the value for the program, which gave a place for it.
template <Api A, typename T, typename Out>
typename A::Result answer(Result<T> result, Out* out) {
  if (!result) return to_result<A>(result.error());
  *out = static_cast<Out>(*std::move(result));
  return A::kSuccess;
}

// Says on standard error, once a function, that it is not there yet.
void log_refused(const char* function);

// The answer of a function that is not there yet.
template <Api A>
typename A::Result refuse(const char* function) {
  A::note_refused(function);
  log_refused(function);
  return A::kNotSupported;
}

}  // namespace doppel::api
