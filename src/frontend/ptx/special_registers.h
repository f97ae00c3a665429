// SPDX-License-Identifier: Apache-2.0
// The special registers by their names (PTX ISA 10).
#pragma once

#include <string>
#include <string_view>

#include "frontend/ptx/target.h"
#include "frontend/ptx/types.h"

namespace doppel::ptx {

struct SpecialRegisterFacts {
  SpecialRegister id = SpecialRegister::Tid;
  Type type = Type::U32;        // of one component
  bool has_components = false;  // .x .y .z
  std::uint8_t component = 0;   // the number of %envreg3, %pm2
  Requirement requirement;
};

// "%tid", "%envreg12"; null for any other name.
const SpecialRegisterFacts* find_special_register(std::string_view name);
const SpecialRegisterFacts& facts_of(SpecialRegister id);
// "%tid.x", "%envreg12": the text of Operand::special and ::component.
std::string special_register_text(SpecialRegister id, std::uint8_t component);

}  // namespace doppel::ptx
