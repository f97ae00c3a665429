// SPDX-License-Identifier: Apache-2.0
// A PTX module in typed form: what the parser makes, and what to_ir() and the tests' reference read.
// Names are resolved, nested scopes are flattened (a register or variable declared in a block has its own
// entry), and every instruction has been checked against the ISA's forms; see parse.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "frontend/ptx/instruction.h"
#include "frontend/ptx/types.h"
#include "ir/symbols.h"

namespace doppel::ptx {

using ir::LaunchBounds;
using ir::Linkage;
using ir::Prototype;
using ir::Relocation;
using ir::Variable;

struct Register {
  std::string stem;  // "%r" of "%r12"
  std::uint32_t number = 0;
  bool is_numbered = false;
  Type type = Type::None;

  std::string name() const { return is_numbered ? stem + std::to_string(number) : stem; }
};

struct Function {
  std::string name;
  bool is_kernel = false;       // .entry
  bool is_declaration = false;  // no body: extern, to be linked or one of the runtime's (vprintf, malloc, …)
  Linkage linkage = Linkage::Internal;
  std::vector<Variable> parameters;         // space Param or Reg
  std::vector<Variable> return_parameters;  // of .func
  // For parameters in space Reg: the register that stands for it, same index as in (return_)parameters.
  std::vector<RegisterId> parameter_registers;
  std::vector<RegisterId> return_registers;
  std::vector<Register> registers;
  std::vector<Variable> variables;  // .local, .shared, .param (of calls), .const declared in the body
  std::vector<Prototype> prototypes;
  std::vector<Instruction> instructions;
  std::vector<std::uint32_t>
      labels;  // label -> index of the instruction after it (may be instructions.size())
  std::vector<std::string> label_names;
  LaunchBounds bounds;
  TextLocation text;
};

struct Module {
  std::uint32_t version_major = 0, version_minor = 0;  // .version
  std::string target;                                  // "sm_86"
  std::uint32_t address_size = 64;
  std::vector<Variable> variables;  // module scope: .global, .const, .shared
  std::vector<Function> functions;
  std::vector<std::string> files;  // .file, by its index (gaps are empty)

  const Function* find_function(std::string_view name) const;
  const Variable* find_variable(std::string_view name) const;
};

}  // namespace doppel::ptx
