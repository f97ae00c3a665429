// SPDX-License-Identifier: Apache-2.0
// The conditions of `--fail-if`: small expressions on the figures of a report (docs/command-line.md).
//
//   condition  = or
//   or         = and { ("or" | "||") and }
//   and        = not { ("and" | "&&") not }
//   not        = ("not" | "!") not | comparison
//   comparison = sum [ ("<" | "<=" | ">" | ">=" | "==" | "!=") sum ]
//   sum        = product { ("+" | "-") product }
//   product    = factor { ("*" | "/") factor }
//   factor     = "-" factor | "(" or ")" | number [unit] | figure [ "(" text ")" ] [ "@" card ]
//
// A figure of a run without "@CARD" is tried for every card: the condition holds where it holds for one.
#pragma once

#include <memory>
#include <string>

#include "report/report.h"
#include "support/result.h"

namespace doppel::report {

class Condition {
 public:
  // Error InvalidArgument says what was expected, and where.
  static Result<Condition> parse(const std::string& text);

  // Whether it holds. Error NotFound names a card or kernel that the report does not have, or a figure that
  // is not known: where nothing was timed, or the verdict was withheld.
  Result<bool> holds(const Report& report) const;

  const std::string& text() const { return text_; }
  struct Node;

 private:
  std::string text_;
  std::shared_ptr<const Node> root_;
};

}  // namespace doppel::report
