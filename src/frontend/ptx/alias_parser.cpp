// SPDX-License-Identifier: Apache-2.0
// .alias (PTX ISA 11.6.9): the declared function is another name of a defined one. It gets a body that calls
// that, so that whoever used its name before the alias, or from another module, finds it.
#include "frontend/ptx/module_parser.h"

namespace doppel::ptx {
namespace {

// "(_r0, _r1)", and the names that stand in it; empty where there are no parameters.
std::string parameter_list(const char* stem, std::size_t count, std::vector<std::string>& names) {
  std::string list;
  for (std::size_t i = 0; i < count; ++i) {
    names.push_back(fmt::format("{}{}", stem, i));
    list += (i == 0 ? "(" : ", ") + names.back();
  }
  return list.empty() ? list : list + ")";
}

}  // namespace

FunctionId ModuleParser::expect_function() {
  const TextLocation where = state_.here();
  const std::string_view name = state_.expect_identifier("a function");
  const auto found = state_.find(name, where);
  if (!found || found->kind != Binding::Kind::Function || state_.module.functions[found->index].is_kernel)
    fail_malformed(where, fmt::format("'{}' is no function", name));
  return found->index;
}

void ModuleParser::parse_alias() {
  const TextLocation where = state_.here();
  const std::string missing = unmet({63, 30}, state_.target);
  if (!missing.empty()) fail_unsupported(where, fmt::format(".alias {}", missing));
  const FunctionId alias = expect_function();
  state_.expect(',');
  const FunctionId target = expect_function();
  state_.expect(';');
  std::vector<Function>& functions = state_.module.functions;
  const std::string_view name = functions[alias].name;
  if (alias == target || !functions[alias].is_declaration)
    fail_malformed(where, fmt::format("'{}' is more than declared", name));
  if (functions[target].is_declaration)
    fail_malformed(where, fmt::format("'{}' is not defined", functions[target].name));
  if (!same_signature(functions[alias].parameters, functions[target].parameters) ||
      !same_signature(functions[alias].return_parameters, functions[target].return_parameters))
    fail_malformed(where, fmt::format("'{}' and '{}' have other parameters", name, functions[target].name));
  std::vector<std::string>& names = state_.made_names.emplace_back();
  const std::size_t results = functions[alias].return_parameters.size();
  names.reserve(results + functions[alias].parameters.size() + 1);
  const std::string returned = parameter_list("_r", results, names);
  const std::string given = parameter_list("_a", functions[alias].parameters.size(), names);
  names.push_back(fmt::format("{{ call {}{}{}{}{}; ret; }}", returned, returned.empty() ? "" : ", ",
                              functions[target].name, given.empty() ? "" : ", ", given));
  const std::vector<std::string_view> return_names(names.begin(),
                                                   names.begin() + static_cast<std::ptrdiff_t>(results));
  const std::vector<std::string_view> given_names(names.begin() + static_cast<std::ptrdiff_t>(results),
                                                  names.end() - 1);
  Function function = functions[alias];
  function.is_declaration = false;
  function.text = where;
  const Lexer here = state_.lexer;
  state_.lexer = Lexer(names.back());
  read_body(function, alias, given_names, return_names);
  state_.lexer = here;
  functions[alias] = std::move(function);
}

}  // namespace doppel::ptx
