// Everything outside function bodies: module directives, variables, function heads (PTX ISA 11).
#pragma once

#include <string_view>

#include "ptx/parser_state.h"

namespace doppel::ptx {

class ModuleParser {
 public:
  explicit ModuleParser(ParserState& state) : state_(state) {}
  void parse();  // throws Failure at the first error outside a body

 private:
  void parse_version();
  void parse_target();
  void parse_address_size();
  void parse_item();
  Linkage parse_linkage();
  void parse_module_variables(Space space, Linkage linkage);
  void parse_function(bool is_kernel, Linkage linkage);
  void parse_bounds(LaunchBounds& bounds);
  std::uint32_t declare_function(Function head, std::string_view name);
  void declare_parameters(Function& function, const std::vector<std::string_view>& names,
                          const std::vector<std::string_view>& return_names);

  ParserState& state_;
};

}  // namespace doppel::ptx
