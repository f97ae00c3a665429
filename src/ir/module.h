// SPDX-License-Identifier: Apache-2.0
// A module in the IR: what front ends make, and all that analyses, code generation and the timing model know
// of a program. A function is a list of basic blocks of operations over virtual registers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ir/operation.h"
#include "ir/symbols.h"

namespace doppel::ir {

// Operations [first, last) of the function, in their order. Control enters at the first only, and leaves
// behind the last: to its targets, or to the next block. Behind the last block lies the end of the function,
// where a thread leaves it; an empty last block stands for it where a branch leads there.
struct Block {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
};

struct Function {
  std::string name;
  bool is_kernel = false;
  bool is_declaration =
      false;  // no body: one of the runtime's (vprintf, malloc, …), or one that was not linked
  Linkage linkage = Linkage::Internal;
  std::vector<Variable> parameters;         // space Param or Reg
  std::vector<Variable> return_parameters;  // of device functions
  // The register that stands for a parameter in space Reg, same index as in (return_)parameters; else
  // kNoRegister. Empty where there is no body.
  std::vector<RegisterId> parameter_registers;
  std::vector<RegisterId> return_registers;
  std::vector<std::uint8_t> registers;  // the width of each in bits: 1 (a predicate), 8, 16, 32, 64 or 128
  std::vector<Variable> variables;      // .local, .shared, .param (of calls), .const declared in the body
  std::vector<Prototype> prototypes;
  std::vector<Operation> operations;
  std::vector<Block> blocks;       // in the order of the operations, which they cover
  std::vector<std::string> forms;  // of Origin: "shfl.sync.bfly.b32", each once
  LaunchBounds bounds;
  TextLocation text;

  int width(RegisterId reg) const { return registers[reg]; }
  const std::string& form_of(const Operation& operation) const { return forms[operation.origin.form]; }
};

struct Module {
  std::string front_end;  // that made it: "ptx"
  std::string target;     // what it was made for: "sm_86"
  std::uint32_t address_size = 64;
  std::vector<Variable> variables;  // module scope: .global, .const, .shared
  std::vector<Function> functions;
  std::vector<std::string> files;  // of SourceLocation, by its index (gaps are empty)

  const Function* find_function(std::string_view name) const;
  const Variable* find_variable(std::string_view name) const;
};

// The variable of a reference that stands in `function`.
const Variable& variable(const Module& module, const Function& function, SymbolRef symbol);

}  // namespace doppel::ir
