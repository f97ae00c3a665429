// SPDX-License-Identifier: Apache-2.0
// Variables, registers and parameter lists (PTX ISA 5.4, 7.1).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "frontend/ptx/parser_state.h"

namespace doppel::ptx {

// One declared variable as the text has it.
struct Declarator {
  Variable variable;
  std::string_view name;  // in the text
};

// The current token is past the state space (".global"): reads what follows up to and including the ';', and
// calls `declare` for each name, before its initialiser is read so that a variable may hold its own address.
// `declare` returns the variable's final place, into which the initialiser goes.
void parse_variables(ParserState& state, Space space, Linkage linkage,
                     const std::function<Variable&(Declarator)>& declare);

// The current token is past ".reg": reads up to and including the ';' and adds to function.registers and the
// names.
void parse_registers(ParserState& state, Function& function);

// The current token is '(': reads a parameter list of a function, a kernel or a prototype.
std::vector<Declarator> parse_parameters(ParserState& state);

// `= initialiser` of a variable whose array dimensions are `dimensions` (outermost first; 0: to be counted).
void parse_initializer(ParserState& state, Variable& variable, std::vector<std::uint64_t> dimensions);

}  // namespace doppel::ptx
