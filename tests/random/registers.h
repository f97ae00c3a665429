// SPDX-License-Identifier: Apache-2.0
// The registers of a random kernel: a few of each kind, each with a place in the input and in the output.
#pragma once

#include <string>
#include <vector>

namespace doppel::random {

// Float kinds never meet integer kinds but through code that makes their NaNs the same, because the ISA
// leaves a NaN's payload and sign open.
enum class Kind { R, W, Q, F, D, H, G, B, E, P };

struct KindInfo {
  Kind kind;
  char letter;
  int count;
  const char* register_type;
  int bytes;
};

inline constexpr KindInfo kKinds[] = {
    {Kind::R, 'r', 8, "b32", 4},  // 32-bit integers
    {Kind::W, 'w', 4, "b64", 8},  // 64-bit integers
    {Kind::Q, 'q', 3, "b16", 2},  // 16-bit integers
    {Kind::F, 'f', 5, "f32", 4},  {Kind::D, 'd', 3, "f64", 8}, {Kind::H, 'h', 3, "b16", 2},  // f16
    {Kind::G, 'g', 2, "b32", 4},                                                             // f16x2
    {Kind::B, 'b', 2, "b16", 2},                                                             // bf16
    {Kind::E, 'e', 2, "b32", 4},                                                             // bf16x2
    {Kind::P, 'p', 4, "pred", 4},
};

inline constexpr int kSlotBytes = 8;

struct RegisterName {
  KindInfo kind;
  std::string name;  // "%r3"
  int slot;          // of the thread's input and output
};
const std::vector<RegisterName>& all_registers();
inline int thread_bytes() { return static_cast<int>(all_registers().size()) * kSlotBytes; }

}  // namespace doppel::random
