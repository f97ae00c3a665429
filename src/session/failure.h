// SPDX-License-Identifier: Apache-2.0
// Errors of the parts as the public interface throws them.
#pragma once

#include <type_traits>
#include <utility>

#include "doppel/failure.h"
#include "support/result.h"

namespace doppel::session {

[[noreturn]] void raise(const Error& error);

template <typename T>
T value_of(Result<T>&& result) {
  if (!result) raise(result.error());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace doppel::session
