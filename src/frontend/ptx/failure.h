// SPDX-License-Identifier: Apache-2.0
// How the parser's parts give up: one diagnostic, thrown to the statement loop, which records it and goes on
// with the next statement. Never leaves parse().
#pragma once

#include <string>
#include <utility>

#include "frontend/ptx/parse.h"

namespace doppel::ptx {

struct Failure {
  Diagnostic diagnostic;
  bool lexical = false;  // the text itself is broken: nothing after it can be trusted
};

[[noreturn]] inline void fail_malformed(TextLocation where, std::string message) {
  throw Failure{{Diagnostic::Kind::Malformed, where, {}, {}, std::move(message)}};
}

[[noreturn]] inline void fail_lexical(TextLocation where, std::string message) {
  throw Failure{{Diagnostic::Kind::Malformed, where, {}, {}, std::move(message)}, true};
}

[[noreturn]] inline void fail_unsupported(TextLocation where, std::string message) {
  throw Failure{{Diagnostic::Kind::Unsupported, where, {}, {}, std::move(message)}};
}

}  // namespace doppel::ptx
