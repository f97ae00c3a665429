// SPDX-License-Identifier: Apache-2.0
// What a C interface tells of itself, so that everything in this folder serves it.
#pragma once

#include <concepts>
#include <span>

#include "api/common/entry_points.h"
#include "support/result.h"

namespace doppel::api {

// A struct of types, constants and static functions; src/driver/driver_api.h is one.
template <typename T>
concept Api = requires(typename T::Result result, const Error& error, const char* function) {
  // Its result codes.
  { T::kSuccess } -> std::convertible_to<typename T::Result>;
  { T::kNotSupported } -> std::convertible_to<typename T::Result>;
  { T::kOutOfMemory } -> std::convertible_to<typename T::Result>;
  { T::kUnknown } -> std::convertible_to<typename T::Result>;
  // The code for an error of a lower part; the code's name for the trace, or null.
  { T::code_of(error) } -> std::same_as<typename T::Result>;
  { T::name_of(result) } -> std::same_as<const char*>;
  // On the stack of every function, also of those that work in every state.
  typename T::Scope;
  requires std::constructible_from<typename T::Scope, const char*>;
  // Before the work of a function that needs the interface to be in use: kSuccess, or why it is not. After
  // it: the result that the program gets.
  { T::before() } -> std::same_as<typename T::Result>;
  { T::after(result) } -> std::same_as<typename T::Result>;
  // A function was called that is not there yet.
  { T::note_refused(function) };
  // Its functions: written at build time from its table (cmake/EntryPoints.cmake).
  { T::entry_points() } -> std::same_as<std::span<const EntryPoint>>;
};

}  // namespace doppel::api
