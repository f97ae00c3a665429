// SPDX-License-Identifier: Apache-2.0
// What file tests show of an analysis or a pass: a note beside lines of the file.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "analysis/analysed_module.h"
#include "support/dim3.h"

namespace doppel::passes {

using Notes = std::map<std::uint32_t, std::string>;  // by line of the file, the first is 1

// What the head of a file asks for.
struct Settings {
  std::string stage;
  Dim3 block{256, 1, 1};
  bool wide_integer_add = false;  // of `target`
  std::uint32_t most_registers = 255;
};

using Stage = std::function<Notes(const Settings&, const analysis::AnalysedModule&)>;
const std::map<std::string, Stage>& analysis_stages();
const std::map<std::string, Stage>& machine_stages();
const std::map<std::string, Stage>& code_stages();

// Each item of a list behind a space.
template <typename Items, typename Text>
std::string joined(const Items& items, Text&& text) {
  std::string result;
  for (const auto& item : items) result.append(" ").append(text(item));
  return result;
}
inline std::string block_name(std::uint32_t id) { return fmt::format("b{}", id); }

// visit(function's number, function) for each with a body.
template <typename Visit>
void for_each_body(const analysis::AnalysedModule& module, Visit&& visit) {
  for (ir::FunctionId id = 0; id < module.ir().functions.size(); ++id) {
    if (!module.ir().functions[id].operations.empty()) visit(id, module.ir().functions[id]);
  }
}
inline std::uint32_t line_of(const ir::Operation& operation) { return operation.origin.text.line; }

}  // namespace doppel::passes
