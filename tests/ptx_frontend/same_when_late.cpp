// SPDX-License-Identifier: Apache-2.0
#include "same_when_late.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <random>

#include "frontend/ptx/module_reader.h"
#include "frontend/ptx/to_ir.h"
#include "ir/print.h"

namespace doppel::ptx::test {
namespace {

std::string all_of(const std::vector<Diagnostic>& diagnostics) {
  std::string text;
  for (const Diagnostic& each : diagnostics) text += to_string(each) + "\n";
  return text;
}

}  // namespace

std::string difference_when_late(const std::string& text, unsigned seed) {
  auto whole = parse_usable(text);
  const auto reader = ModuleReader::open(text);
  if (whole.has_value() != reader.has_value()) return whole ? "refused only late" : "refused only whole";
  if (!whole) {
    const std::string early = all_of(whole.error().diagnostics), late = all_of(reader.error().diagnostics);
    return early == late ? "" : fmt::format("{}whole, and late\n{}", early, late);
  }
  if ((*reader)->refused_variables() != whole->refused_variables) return "refused variables";
  ir::Module late = (*reader)->take_module();
  std::vector<ir::FunctionId> order(late.functions.size());
  std::iota(order.begin(), order.end(), 0U);
  std::shuffle(order.begin(), order.end(), std::mt19937(seed));
  for (const ir::FunctionId id : order) (*reader)->read(id, late.functions[id]);
  for (ir::FunctionId id = 0; id < late.functions.size(); ++id) {
    const auto refused = whole->refused_functions.find(id);
    const std::string why = refused == whole->refused_functions.end() ? "" : all_of(refused->second);
    const std::string why_late = all_of((*reader)->refusal(id));
    if (why != why_late) return fmt::format("of function {}\n{}whole, and late\n{}", id, why, why_late);
  }
  const std::string early_text = ir::print(to_ir(std::move(whole->module))), late_text = ir::print(late);
  return early_text == late_text ? "" : fmt::format("{}\nwhole, and late\n{}", early_text, late_text);
}

}  // namespace doppel::ptx::test
