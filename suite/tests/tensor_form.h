// SPDX-License-Identifier: Apache-2.0
// The types of the tensor cores, a row each: what of PTX and of the card it needs.
#pragma once

#include <span>

namespace doppel::suite {

enum class Accumulator { F16x2, F32, S32, F64 };

struct TensorForm {
  const char* name;         // of the test
  const char* what;         // in words
  const char* instruction;  // PTX ISA 9.7.14.5 and 9.7.14.6
  const char* target;       // of the module
  int capability;           // of the card, at least: 86, 120
  int m, n, k;
  int a_registers, b_registers;  // of 32 bits, or of 64 for f64
  Accumulator accumulator;
  unsigned one;         // the number 1 in each element of a register of A and B; of f64 not used
  bool sparse = false;  // half of A's terms are not there
  unsigned scale = 0;   // the factor 1 in each byte; 0: no scaled blocks
  const char* unit = "TFLOP/s";
};

std::span<const TensorForm> tensor_forms();

// Accumulators of a thread, each summed up in a chain of its own.
inline constexpr int kTensorChains = 8;

}  // namespace doppel::suite
