// SPDX-License-Identifier: Apache-2.0
// Files of cases (README.md): read into statements, not run.
#pragma once

#include <istream>
#include <string>
#include <vector>

#include "expression.h"

namespace timeline {

struct Statement {
  int line = 0;
  std::string verb;
  std::vector<Expression> arguments;
  std::vector<Statement> body;  // between braces
};

struct Case {
  std::string name;
  std::string rule;    // in words
  std::string source;  // of the rule
  std::string fails;   // why it is known not to hold; empty: it holds
  std::string varies;  // why it holds at times only; empty: it does not
  std::vector<Statement> statements;
  std::vector<Expectation> expectations;
  std::vector<std::string> refusals;  // of the report: judged by `doppel run --fail-if`
};

// All cases of a file. Throws CaseError, which begins with the line.
std::vector<Case> read_cases(std::istream& in);

}  // namespace timeline
