// SPDX-License-Identifier: Apache-2.0
#include "frontend/ptx/link.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

namespace doppel::ptx {
namespace {

// Where the functions and variables of one input went.
struct Placement {
  std::vector<std::uint32_t> functions;
  std::vector<std::uint32_t> variables;
  std::uint32_t first_file = 0;
};

bool is_external(Linkage linkage) { return linkage != Linkage::Internal; }

// A declaration refers outward whatever it says; a prototype of a static function has its body in the same
// module and is one entry with it already.
bool refers_outward(const Function& function) {
  return is_external(function.linkage) || function.is_declaration;
}

// Dynamic shared memory: `.extern .shared` without a size names the launch's own, so one of every module is
// the same.
bool is_definition(const Variable& variable) {
  return variable.linkage != Linkage::Extern || variable.space == Space::Shared;
}

bool same_sizes(const std::vector<Variable>& a, const std::vector<Variable>& b) {
  return std::ranges::equal(
      a, b, [](const Variable& x, const Variable& y) { return x.size == y.size && x.space == y.space; });
}

bool same_signature(const Function& a, const Function& b) {
  return a.is_kernel == b.is_kernel && same_sizes(a.parameters, b.parameters) &&
         same_sizes(a.return_parameters, b.return_parameters);
}

class Linker {
 public:
  Result<Module> link(std::vector<Module> modules, std::vector<FunctionOrigin>* origins) {
    for (const Module& module : modules) reserve_external_names(module);
    for (const Module& module : modules)
      if (auto failed = place(module)) return tl::unexpected(*failed);
    if (origins != nullptr) {
      for (const Function* source : source_of_function_) origins->push_back(origin_of(source, modules));
    }
    for (std::size_t i = 0; i < modules.size(); ++i) move_in(modules[i], placements_[i]);
    return std::move(linked_);
  }

 private:
  static FunctionOrigin origin_of(const Function* function, const std::vector<Module>& modules) {
    for (std::size_t i = 0; i < modules.size(); ++i) {
      const std::vector<Function>& all = modules[i].functions;
      const std::less_equal<> not_after;
      if (not_after(all.data(), function) && std::less<>()(function, all.data() + all.size()))
        return {i, static_cast<FunctionId>(function - all.data())};
    }
    return {};
  }
  void reserve_external_names(const Module& module) {
    for (const Function& function : module.functions)
      if (refers_outward(function)) names_.insert(function.name);
    for (const Variable& variable : module.variables)
      if (is_external(variable.linkage)) names_.insert(variable.name);
  }

  // Decides where each function and variable of a module goes, before any reference is rewritten.
  std::optional<Error> place(const Module& module) {
    if (placements_.empty()) {
      linked_.target = module.target;
      linked_.address_size = module.address_size;
    }
    if (std::pair(module.version_major, module.version_minor) >
        std::pair(linked_.version_major, linked_.version_minor)) {
      linked_.version_major = module.version_major;
      linked_.version_minor = module.version_minor;
    }
    Placement& placement = placements_.emplace_back();
    placement.first_file = static_cast<std::uint32_t>(linked_.files.size());
    linked_.files.insert(linked_.files.end(), module.files.begin(), module.files.end());
    for (const Function& function : module.functions)
      if (auto failed = place_function(function, placement)) return failed;
    for (const Variable& variable : module.variables)
      if (auto failed = place_variable(variable, placement)) return failed;
    return std::nullopt;
  }

  std::optional<Error> place_function(const Function& function, Placement& placement) {
    const bool external = refers_outward(function);
    const auto known = function_by_name_.find(function.name);
    if (external && known != function_by_name_.end()) {
      Function& there = linked_.functions[known->second];
      placement.functions.push_back(known->second);
      if (!same_signature(*source_of_function_[known->second], function))
        return Error{Error::Kind::InvalidInput,
                     fmt::format("function '{}' has other parameters in another module", function.name)};
      if (function.is_declaration) return std::nullopt;
      if (there.is_declaration || (there.linkage == Linkage::Weak && function.linkage != Linkage::Weak)) {
        there.is_declaration = false;
        there.linkage = function.linkage;
        source_of_function_[known->second] = &function;
      } else if (function.linkage != Linkage::Weak) {
        return Error{Error::Kind::InvalidInput,
                     fmt::format("function '{}' is defined twice in linked code", function.name)};
      }
      return std::nullopt;
    }
    const auto index = static_cast<std::uint32_t>(linked_.functions.size());
    Function& made = linked_.functions.emplace_back();
    made.name = external ? function.name : unused_name(function.name);
    made.is_declaration = function.is_declaration;
    made.linkage = function.linkage;
    if (external) function_by_name_[function.name] = index;
    names_.insert(made.name);
    source_of_function_.push_back(&function);
    placement.functions.push_back(index);
    return std::nullopt;
  }

  std::optional<Error> place_variable(const Variable& variable, Placement& placement) {
    const auto known = variable_by_name_.find(variable.name);
    if (is_external(variable.linkage) && known != variable_by_name_.end()) {
      Variable& there = linked_.variables[known->second];
      placement.variables.push_back(known->second);
      if (there.space != variable.space)
        return Error{Error::Kind::InvalidInput,
                     fmt::format("variable '{}' is in .{} and in .{}", variable.name, name_of(there.space),
                                 name_of(variable.space))};
      if (variable.linkage == Linkage::Extern) return std::nullopt;
      const bool take = there.linkage == Linkage::Extern ||
                        (there.linkage == Linkage::Weak && variable.linkage != Linkage::Weak) ||
                        (there.linkage == Linkage::Common &&
                         (variable.linkage != Linkage::Common || variable.size > there.size));
      const bool keep = variable.linkage == Linkage::Weak || variable.linkage == Linkage::Common;
      if (!take && !keep)
        return Error{Error::Kind::InvalidInput,
                     fmt::format("variable '{}' is defined twice in linked code", variable.name)};
      if (take) {
        there = variable;
        module_of_variable_[known->second] = placements_.size() - 1;
      }
      return std::nullopt;
    }
    const auto index = static_cast<std::uint32_t>(linked_.variables.size());
    Variable& made = linked_.variables.emplace_back(variable);
    if (is_external(variable.linkage)) {
      variable_by_name_[variable.name] = index;
    } else {
      made.name = unused_name(variable.name);
    }
    names_.insert(made.name);
    module_of_variable_.push_back(placements_.size() - 1);
    placement.variables.push_back(index);
    return std::nullopt;
  }

  std::string unused_name(const std::string& name) const {
    std::string candidate = name;
    for (int i = 2; names_.contains(candidate); ++i) candidate = fmt::format("{}${}", name, i);
    return candidate;
  }

  // Moves the bodies that were chosen, with their references rewritten.
  void move_in(Module& module, const Placement& placement) {
    const std::size_t module_index = static_cast<std::size_t>(&placement - placements_.data());
    for (std::size_t i = 0; i < module.functions.size(); ++i) {
      const std::uint32_t index = placement.functions[i];
      if (source_of_function_[index] != &module.functions[i]) continue;
      Function& there = linked_.functions[index];
      std::string name = std::move(there.name);
      there = std::move(module.functions[i]);
      there.name = std::move(name);
      for (Variable& variable : there.variables) rewrite(variable.relocations, placement);
      for (Instruction& instruction : there.instructions) rewrite(instruction, placement);
    }
    for (const std::uint32_t index : placement.variables)
      if (module_of_variable_[index] == module_index && rewritten_.insert(index).second)
        rewrite(linked_.variables[index].relocations, placement);
  }

  static void rewrite(std::vector<Relocation>& relocations, const Placement& placement) {
    for (Relocation& relocation : relocations)
      relocation.target = relocation.is_function ? placement.functions[relocation.target]
                                                 : placement.variables[relocation.target];
  }

  static void rewrite(Operand& operand, const Placement& placement) {
    const bool names_symbol =
        operand.kind == Operand::Kind::Symbol ||
        (operand.kind == Operand::Kind::Address && operand.address_base == Operand::AddressBase::Symbol);
    if (names_symbol && operand.symbol.scope == SymbolRef::Scope::Module)
      operand.symbol.index = placement.variables[operand.symbol.index];
    if (operand.kind == Operand::Kind::Function) operand.function = placement.functions[operand.function];
    for (Operand& element : operand.elements) rewrite(element, placement);
  }

  static void rewrite(Instruction& instruction, const Placement& placement) {
    for (Operand& operand : instruction.operands) rewrite(operand, placement);
    if (instruction.second_destination) rewrite(*instruction.second_destination, placement);
    if (instruction.source.line != 0) instruction.source.file += placement.first_file;
    if (!instruction.call) return;
    Call call = *instruction.call;
    if (call.callee) call.callee = placement.functions[*call.callee];
    for (FunctionId& target : call.possible_targets) target = placement.functions[target];
    rewrite(call.target, placement);
    for (Operand& operand : call.returns) rewrite(operand, placement);
    for (Operand& operand : call.arguments) rewrite(operand, placement);
    instruction.call = std::make_shared<const Call>(std::move(call));
  }

  Module linked_;
  std::vector<Placement> placements_;
  std::unordered_map<std::string, std::uint32_t> function_by_name_;
  std::unordered_map<std::string, std::uint32_t> variable_by_name_;
  std::set<std::string> names_;
  std::vector<const Function*> source_of_function_;  // the input whose body each linked function takes
  std::vector<std::size_t> module_of_variable_;
  std::set<std::uint32_t> rewritten_;
};

}  // namespace

Result<Module> link(std::vector<Module> modules, std::vector<FunctionOrigin>* origins) {
  if (modules.empty()) return fail(Error::Kind::InvalidInput, "nothing to link");
  auto linked = modules.size() == 1 ? Result<Module>(std::move(modules.front()))
                                    : Linker().link(std::move(modules), origins);
  if (!linked) return linked;
  for (const Variable& variable : linked->variables)
    if (!is_definition(variable))
      return fail(Error::Kind::InvalidInput,
                  fmt::format("variable '{}' is declared but nowhere defined", variable.name));
  return linked;
}

}  // namespace doppel::ptx
