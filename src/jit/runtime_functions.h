// SPDX-License-Identifier: Apache-2.0
// Functions of this library that generated code calls: each works on the lanes of a mask, operands and
// results are 32 values.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace doppel::jit {

enum class FloatOperation : std::uint32_t { Add, Sub, Mul, Fma, Div, Rcp, Sqrt };

struct RuntimeSymbol {
  std::string_view name;
  void* address;
};

// Every name that generated code may leave unresolved.
std::span<const RuntimeSymbol> runtime_symbols();

}  // namespace doppel::jit
