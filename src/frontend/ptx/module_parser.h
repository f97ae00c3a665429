// SPDX-License-Identifier: Apache-2.0
// Everything outside function bodies: module directives, variables, function heads (PTX ISA 11).
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "frontend/ptx/parser_state.h"

namespace doppel::ptx {

// Parameters of one size and space each.
bool same_signature(const std::vector<Variable>& a, const std::vector<Variable>& b);

class ModuleParser {
 public:
  explicit ModuleParser(ParserState& state) : state_(state) {}
  // Throws Failure at the first error that leaves the rest unreadable; state.diagnostics has all others.
  void parse();
  // The body of one of state.pending, which stands there no more.
  void read_pending(FunctionId id);

 private:
  void parse_version();
  void parse_target();
  void parse_address_size();
  void parse_item();
  Linkage parse_linkage();
  void parse_module_variables(Space space, Linkage linkage);
  void parse_old_textures(Linkage linkage);
  void parse_variables_of_module(Space space, Linkage linkage);
  void refuse_variables(Space space, Linkage linkage, const Diagnostic& why);
  void parse_function(bool is_kernel, Linkage linkage);
  std::string_view parse_head(Function& function, std::vector<std::string_view>& names,
                              std::vector<std::string_view>& return_names);
  void parse_body(Function& function, FunctionId id, const std::vector<std::string_view>& names,
                  const std::vector<std::string_view>& return_names);
  void read_body(Function& function, FunctionId id, const std::vector<std::string_view>& names,
                 const std::vector<std::string_view>& return_names);
  void read_all_pending();
  std::optional<std::string_view> skip_head();
  void refuse_head(Function function, std::string_view name, Diagnostic why);
  void refuse(Function& function, FunctionId id, std::vector<Diagnostic> why);
  // alias_parser.cpp
  void parse_alias();
  FunctionId expect_function();

  void parse_function_attribute();
  void parse_bounds(LaunchBounds& bounds);
  std::uint32_t declare_function(Function head, std::string_view name);
  void declare_parameters(Function& function, const std::vector<std::string_view>& names,
                          const std::vector<std::string_view>& return_names);

  ParserState& state_;
};

}  // namespace doppel::ptx
