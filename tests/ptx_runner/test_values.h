// SPDX-License-Identifier: Apache-2.0
// Typed lists of values as the heads of .ptx tests write them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/result.h"

namespace doppel::ptx_runner {

struct ValueType {
  enum class Kind { Unsigned, Signed, Bits, Float };
  Kind kind = Kind::Unsigned;
  int bits = 32;
  bool brain = false;  // bf16
  int bytes() const { return bits / 8; }
};

struct Value {
  bool any = false;      // `*`: not specified by the ISA
  bool any_nan = false;  // `nan`: a NaN with whatever payload
  std::uint64_t bits = 0;
  long double exact = 0;  // of a float written in decimal, before it was rounded to the type
};

// How far a result may lie from the value.
struct Tolerance {
  double ulp = 0;
  double relative = 0;
  double absolute = 0;
};

struct ValueList {
  ValueType type;
  std::vector<Value> values;
  std::optional<Tolerance> tolerance;
};

// "u32 1, 2, 0xff, 3 x 8, 0..31", and for tolerated ones a last " within 2 ulp" or " within 2^-22 relative".
Result<ValueList> parse_values(std::string_view text);

std::vector<std::byte> to_bytes(const ValueList& list);
// Empty where `bytes` are as the list says; else the first difference in words.
std::string compare(const ValueList& expected, const std::vector<std::byte>& bytes);

}  // namespace doppel::ptx_runner
