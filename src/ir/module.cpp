// SPDX-License-Identifier: Apache-2.0
#include "ir/module.h"

#include <algorithm>

namespace doppel::ir {
namespace {

template <typename Item>
const Item* find_name(const std::vector<Item>& items, std::string_view name) {
  const auto found = std::ranges::find_if(items, [&](const Item& item) { return item.name == name; });
  return found == items.end() ? nullptr : &*found;
}

}  // namespace

const Function* Module::find_function(std::string_view name) const { return find_name(functions, name); }

const Variable* Module::find_variable(std::string_view name) const { return find_name(variables, name); }

const Variable& variable(const Module& module, const Function& function, SymbolRef symbol) {
  switch (symbol.scope) {
    case SymbolRef::Scope::Module:
      return module.variables[symbol.index];
    case SymbolRef::Scope::Function:
      return function.variables[symbol.index];
    case SymbolRef::Scope::Parameter:
      return function.parameters[symbol.index];
    case SymbolRef::Scope::ReturnParameter:
      break;
  }
  return function.return_parameters[symbol.index];
}

}  // namespace doppel::ir
