// SPDX-License-Identifier: Apache-2.0
// Which declaration a name stands for: nested scopes, and parameterised register names (`.reg .b32 %r<10>`),
// which are kept as ranges and not name by name.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "frontend/ptx/instruction.h"

namespace doppel::ptx {

struct Binding {
  enum class Kind : std::uint8_t { Register, Variable, Function, Prototype, CallTargets, BranchTargets };
  Kind kind = Kind::Register;
  SymbolRef::Scope scope = SymbolRef::Scope::Module;  // of a Variable
  std::uint32_t index = 0;
  std::uint32_t order = 0;  // of a name of the module: by its declaration
};

class NameScopes {
 public:
  NameScopes() { push(); }
  void push() { levels_.emplace_back(); }
  void pop() { levels_.pop_back(); }
  std::size_t depth() const { return levels_.size(); }
  void pop_to(std::size_t depth) { levels_.resize(depth); }

  // False if the innermost scope has the name already. The view must outlive the scope.
  bool declare(std::string_view name, Binding binding);
  // Registers prefix0 … prefix(count-1) with indices from `first` on.
  bool declare_range(std::string_view prefix, std::uint32_t first, std::uint32_t count);
  std::optional<Binding> find(std::string_view name) const;

  // A body that is read late sees of the module's names those that are declared before it.
  std::uint32_t module_names() const { return static_cast<std::uint32_t>(levels_.front().names.size()); }
  void see_module_names(std::uint32_t count) { seen_ = count; }

 private:
  struct Range {
    std::uint32_t first = 0, count = 0;
  };
  struct Level {
    std::unordered_map<std::string_view, Binding> names;
    std::unordered_map<std::string_view, Range> ranges;
  };
  // Splits "%r12" into "%r" and 12; false if it has no such end.
  static bool split(std::string_view name, std::string_view& prefix, std::uint32_t& number);

  std::vector<Level> levels_;
  std::uint32_t seen_ = UINT32_MAX;
};

}  // namespace doppel::ptx
