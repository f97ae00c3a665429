// SPDX-License-Identifier: Apache-2.0
// Initial contents of variables of opaque types (PTX ISA 5.3): `{ filter_mode = linear, ... }`.
#pragma once

#include <string>

#include "frontend/ptx/parser_state.h"

namespace doppel::ptx {

// Behind the '='. A sampler's state becomes its handle; refuses what only a driver could fill in.
void parse_opaque_initializer(ParserState& state, Variable& variable);
// Of a sampler without: the first value of each field.
void keep_default_sampler(Variable& variable);
// The same in the words of the text, from the handle that the variable holds.
std::string opaque_initializer_text(const Variable& variable);

}  // namespace doppel::ptx
