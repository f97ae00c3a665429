// SPDX-License-Identifier: Apache-2.0
#include "frontend/ptx/local_names.h"

#include <fmt/format.h>

#include <string_view>
#include <unordered_set>

namespace doppel::ptx {
namespace {

class NameMaker {
 public:
  explicit NameMaker(const Module& module) {
    for (const Variable& variable : module.variables) used_.insert(variable.name);
    for (const Function& function : module.functions) used_.insert(function.name);
  }

  std::string unused(const std::string& wanted) {
    const std::string base = wanted.empty() || wanted == "_" ? "$unnamed" : wanted;
    std::string name = base;
    for (int i = 2; !used_.insert(name).second; ++i) name = fmt::format("{}$s{}", base, i);
    return name;
  }

 private:
  std::unordered_set<std::string> used_;
};

}  // namespace

LocalNames local_names(const Function& function, const Module& module) {
  NameMaker maker(module);
  LocalNames names;
  for (const Register& reg : function.registers) names.registers.push_back(maker.unused(reg.name()));
  // A register parameter has the name of its register.
  const auto parameters = [&](const std::vector<Variable>& variables,
                              const std::vector<RegisterId>& registers) {
    std::vector<std::string> made;
    for (std::size_t i = 0; i < variables.size(); ++i) {
      const bool in_register = variables[i].space == Space::Reg && i < registers.size();
      made.push_back(in_register ? names.registers[registers[i]] : maker.unused(variables[i].name));
    }
    return made;
  };
  names.return_parameters = parameters(function.return_parameters, function.return_registers);
  names.parameters = parameters(function.parameters, function.parameter_registers);
  for (const Variable& variable : function.variables) names.variables.push_back(maker.unused(variable.name));
  for (const std::string& label : function.label_names) names.labels.push_back(maker.unused(label));
  for (const Prototype& prototype : function.prototypes)
    names.prototypes.push_back(maker.unused(prototype.name));
  return names;
}

}  // namespace doppel::ptx
