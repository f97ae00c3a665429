// SPDX-License-Identifier: Apache-2.0
#include "frontend/ptx/type_rules.h"

namespace doppel::ptx {

bool operand_suits(Type operand, Type instruction, bool relaxed) {
  if (operand == Type::Pred || instruction == Type::Pred) return operand == instruction;
  if (operand == instruction) return true;
  if (operand == Type::B128) return false;  // two registers: nothing takes one for its lower half
  const int have = bit_width(operand), want = bit_width(instruction);
  if (have < want || (have > want && !relaxed)) return false;
  const bool operand_is_bits = !is_float(operand) && !is_integer(operand);
  const bool instruction_is_bits = !is_float(instruction) && !is_integer(instruction);
  if (operand_is_bits) return true;
  if (instruction_is_bits) return have == want || is_integer(operand) || want < 16;
  if (is_integer(instruction)) return is_integer(operand);
  return false;
}

}  // namespace doppel::ptx
