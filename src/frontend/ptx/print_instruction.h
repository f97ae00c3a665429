// SPDX-License-Identifier: Apache-2.0
// Instructions as text; see print.h.
#pragma once

#include <string>

#include "frontend/ptx/local_names.h"
#include "frontend/ptx/module.h"

namespace doppel::ptx {

class InstructionPrinter {
 public:
  InstructionPrinter(const Module& module, const Function& function, const LocalNames& names)
      : module_(module), function_(function), names_(names) {}

  // `list` is the name of the .branchtargets or .calltargets list that the instruction needs; empty if none.
  std::string text(const Instruction& instruction, const std::string& list) const;

 private:
  std::string operand(const Operand& operand, Type type) const;
  std::string symbol(SymbolRef symbol) const;
  std::string texture(const Instruction& instruction) const;
  std::string words(const Operand& vector, Type type, bool layered) const;
  std::string call(const Instruction& instruction, const std::string& list) const;

  const Module& module_;
  const Function& function_;
  const LocalNames& names_;
};

}  // namespace doppel::ptx
