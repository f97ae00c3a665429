// SPDX-License-Identifier: Apache-2.0
#include "analysis/shared_layout.h"

#include <algorithm>

#include "support/units.h"

namespace doppel::analysis {
namespace {

// visit(SymbolRef): every variable that the operation names.
template <typename Visitor>
void for_each_symbol(const ir::Operation& operation, const Visitor& visit) {
  for (const auto* operands : {&operation.results, &operation.sources}) {
    for (const ir::Operand& operand : *operands) {
      if (operand.kind == ir::Operand::Kind::Symbol) visit(operand.symbol());
    }
  }
  for (const ir::Access& access : operation.accesses) {
    if (access.address.base == ir::Address::Base::Symbol) visit(access.address.symbol);
  }
}

std::vector<std::uint32_t> functions_with_taken_address(const ir::Module& module) {
  std::vector<bool> taken(module.functions.size());
  for (const ir::Function& function : module.functions) {
    for (const ir::Operation& operation : function.operations) {
      for (const ir::Operand& source : operation.sources) {
        if (source.kind == ir::Operand::Kind::Function) taken[source.function] = true;
      }
    }
  }
  for (const ir::Variable& variable : module.variables) {
    for (const ir::Relocation& relocation : variable.relocations) {
      if (relocation.is_function) taken[relocation.target] = true;
    }
  }
  std::vector<std::uint32_t> all;
  for (std::uint32_t index = 0; index < taken.size(); ++index) {
    if (taken[index]) all.push_back(index);
  }
  return all;
}

}  // namespace

std::vector<std::uint32_t> reachable_functions(const ir::Module& module, std::uint32_t kernel) {
  std::vector<std::uint32_t> reached{kernel};
  std::vector<bool> seen(module.functions.size());
  seen[kernel] = true;
  const auto reach = [&](std::uint32_t function) {
    if (!seen[function]) {
      seen[function] = true;
      reached.push_back(function);
    }
  };
  std::size_t next = 0;
  while (next < reached.size()) {  // which grows meanwhile
    const std::uint32_t caller = reached[next++];
    for (const ir::Operation& operation : module.functions[caller].operations) {
      if (operation.callee == nullptr) continue;
      if (operation.callee->function) {
        reach(*operation.callee->function);
      } else if (!operation.callee->possible_targets.empty()) {
        for (const std::uint32_t target : operation.callee->possible_targets) reach(target);
      } else {
        for (const std::uint32_t target : functions_with_taken_address(module)) reach(target);
      }
    }
  }
  return reached;
}

SharedLayout shared_layout(const ir::Module& module, std::uint32_t kernel) {
  SharedLayout layout;
  layout.module_offsets.assign(module.variables.size(), SharedLayout::kUnused);
  std::vector<std::uint32_t> functions = reachable_functions(module, kernel);
  std::ranges::sort(functions);

  std::vector<bool> used(module.variables.size());
  for (const std::uint32_t index : functions) {
    for (const ir::Operation& operation : module.functions[index].operations) {
      for_each_symbol(operation, [&](ir::SymbolRef symbol) {
        if (symbol.scope == ir::SymbolRef::Scope::Module) used[symbol.index] = true;
      });
    }
  }

  std::uint64_t bytes = 0;
  std::uint32_t dynamic_alignment = 1;
  const auto place = [&](const ir::Variable& variable) {
    const auto offset = static_cast<std::uint32_t>(align_up(bytes, variable.alignment));
    bytes = offset + variable.size;
    return offset;
  };
  const auto is_dynamic = [](const ir::Variable& variable) { return variable.size == 0; };
  const auto for_each_shared = [&](const auto& visit) {
    for (std::uint32_t index = 0; index < module.variables.size(); ++index) {
      const ir::Variable& variable = module.variables[index];
      if (variable.space == ir::Space::Shared && used[index]) visit(variable, layout.module_offsets[index]);
    }
    for (const std::uint32_t function : functions) {
      const auto& variables = module.functions[function].variables;
      for (std::uint32_t index = 0; index < variables.size(); ++index) {
        if (variables[index].space == ir::Space::Shared)
          visit(variables[index], layout.function_offsets[{function, index}]);
      }
    }
  };
  for_each_shared([&](const ir::Variable& variable, std::uint32_t& offset) {
    if (is_dynamic(variable)) {
      dynamic_alignment = std::max(dynamic_alignment, variable.alignment);
    } else {
      offset = place(variable);
    }
  });
  layout.static_bytes = static_cast<std::uint32_t>(bytes);
  layout.dynamic_offset = static_cast<std::uint32_t>(align_up(bytes, dynamic_alignment));
  for_each_shared([&](const ir::Variable& variable, std::uint32_t& offset) {
    if (is_dynamic(variable)) offset = layout.dynamic_offset;
  });
  // What the alignment of the dynamic part skips belongs to the static part.
  layout.static_bytes = layout.dynamic_offset;
  return layout;
}

}  // namespace doppel::analysis
