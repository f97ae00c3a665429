// SPDX-License-Identifier: Apache-2.0
// PTX text to a Module, or the first errors with line and column.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/ptx/diagnostic.h"
#include "frontend/ptx/module.h"
#include "support/result.h"

namespace doppel::ptx {

struct ParseFailure {
  std::vector<Diagnostic>
      diagnostics;  // at least one, in the order of the text; each form of a function once
};

// Checks names, types, operand counts and forms. Every instruction of the result is one that the engine
// implements exactly or within the ISA's bound: anything else is a Diagnostic. Reads at most text.size()
// bytes; text need not end in NUL.
tl::expected<Module, ParseFailure> parse(std::string_view text);

// What can be used of a text: what is wrong inside a function, or with the declaration of a variable, is kept
// apart.
struct Usable {
  Module module;
  // A trap stands for the body of each: what can reach it must not be launched.
  std::map<FunctionId, std::vector<Diagnostic>> refused_functions;
  // By index in module.variables. What uses one is refused too.
  std::map<std::uint32_t, std::string> refused_variables;
};

// A failure is what leaves the rest of the text unreadable.
tl::expected<Usable, ParseFailure> parse_usable(std::string_view text);

}  // namespace doppel::ptx
