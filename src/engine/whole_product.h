// SPDX-License-Identifier: Apache-2.0
// Products of whole numbers of 8 and 4 bits with vectors of the host.
#pragma once

#include <cstddef>
#include <cstdint>

namespace doppel::engine {

struct WholePlan {
  int rows = 0;          // of A: 8 or 16
  int row_bytes = 0;     // along k: a multiple of 16
  bool nibbles = false;  // two in a byte, the lower one first
  bool a_signed = false, b_signed = false;
  bool clamp = false;  // D to the range of its type
};

// Of dense matrices. D may lie where the others do.
using WholeProduct = void (*)(const WholePlan& plan, const std::byte* a, const std::byte* b,
                              const std::byte* c, std::byte* d);

}  // namespace doppel::engine
