#include "kernel/shared_layout.h"

#include <algorithm>

namespace doppel::kernel {
namespace {

template <typename Visitor>
void for_each_operand(const ptx::Operand& operand, const Visitor& visit) {
  visit(operand);
  for (const ptx::Operand& element : operand.elements) for_each_operand(element, visit);
}

template <typename Visitor>
void for_each_operand(const ptx::Instruction& instruction, const Visitor& visit) {
  for (const ptx::Operand& operand : instruction.operands) for_each_operand(operand, visit);
  if (instruction.second_destination) for_each_operand(*instruction.second_destination, visit);
  if (instruction.call != nullptr) {
    for_each_operand(instruction.call->target, visit);
    for (const ptx::Operand& operand : instruction.call->arguments) for_each_operand(operand, visit);
    for (const ptx::Operand& operand : instruction.call->returns) for_each_operand(operand, visit);
  }
}

bool names_symbol(const ptx::Operand& operand) {
  return operand.kind == ptx::Operand::Kind::Symbol ||
         (operand.kind == ptx::Operand::Kind::Address &&
          operand.address_base == ptx::Operand::AddressBase::Symbol);
}

std::uint32_t align_up(std::uint64_t value, std::uint32_t alignment) {
  const std::uint64_t unit = std::max<std::uint32_t>(alignment, 1);
  return static_cast<std::uint32_t>((value + unit - 1) / unit * unit);
}

std::vector<std::uint32_t> functions_with_taken_address(const ptx::Module& module) {
  std::vector<bool> taken(module.functions.size());
  for (const ptx::Function& function : module.functions) {
    for (const ptx::Instruction& instruction : function.instructions) {
      for_each_operand(instruction, [&](const ptx::Operand& operand) {
        if (operand.kind == ptx::Operand::Kind::Function) taken[operand.function] = true;
      });
    }
  }
  for (const ptx::Variable& variable : module.variables) {
    for (const ptx::Relocation& relocation : variable.relocations) {
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

std::vector<std::uint32_t> reachable_functions(const ptx::Module& module, std::uint32_t kernel) {
  std::vector<std::uint32_t> reached{kernel};
  std::vector<bool> seen(module.functions.size());
  seen[kernel] = true;
  const auto reach = [&](std::uint32_t function) {
    if (!seen[function]) {
      seen[function] = true;
      reached.push_back(function);
    }
  };
  for (std::size_t next = 0; next < reached.size(); ++next) {
    for (const ptx::Instruction& instruction : module.functions[reached[next]].instructions) {
      if (instruction.call == nullptr) continue;
      if (instruction.call->callee) {
        reach(*instruction.call->callee);
      } else if (!instruction.call->possible_targets.empty()) {
        for (const std::uint32_t target : instruction.call->possible_targets) reach(target);
      } else {
        for (const std::uint32_t target : functions_with_taken_address(module)) reach(target);
      }
    }
  }
  return reached;
}

SharedLayout shared_layout(const ptx::Module& module, std::uint32_t kernel) {
  SharedLayout layout;
  layout.module_offsets.assign(module.variables.size(), SharedLayout::kUnused);
  std::vector<std::uint32_t> functions = reachable_functions(module, kernel);
  std::sort(functions.begin(), functions.end());

  std::vector<bool> used(module.variables.size());
  for (const std::uint32_t index : functions) {
    for (const ptx::Instruction& instruction : module.functions[index].instructions) {
      for_each_operand(instruction, [&](const ptx::Operand& operand) {
        if (names_symbol(operand) && operand.symbol.scope == ptx::SymbolRef::Scope::Module)
          used[operand.symbol.index] = true;
      });
    }
  }

  std::uint64_t bytes = 0;
  std::uint32_t dynamic_alignment = 1;
  const auto place = [&](const ptx::Variable& variable) {
    const std::uint32_t offset = align_up(bytes, variable.alignment);
    bytes = offset + variable.size;
    return offset;
  };
  const auto is_dynamic = [](const ptx::Variable& variable) { return variable.size == 0; };
  const auto for_each_shared = [&](const auto& visit) {
    for (std::uint32_t index = 0; index < module.variables.size(); ++index) {
      const ptx::Variable& variable = module.variables[index];
      if (variable.space == ptx::Space::Shared && used[index]) visit(variable, layout.module_offsets[index]);
    }
    for (const std::uint32_t function : functions) {
      const auto& variables = module.functions[function].variables;
      for (std::uint32_t index = 0; index < variables.size(); ++index) {
        if (variables[index].space == ptx::Space::Shared)
          visit(variables[index], layout.function_offsets[{function, index}]);
      }
    }
  };
  for_each_shared([&](const ptx::Variable& variable, std::uint32_t& offset) {
    if (is_dynamic(variable)) {
      dynamic_alignment = std::max(dynamic_alignment, variable.alignment);
    } else {
      offset = place(variable);
    }
  });
  layout.static_bytes = static_cast<std::uint32_t>(bytes);
  layout.dynamic_offset = align_up(bytes, dynamic_alignment);
  for_each_shared([&](const ptx::Variable& variable, std::uint32_t& offset) {
    if (is_dynamic(variable)) offset = layout.dynamic_offset;
  });
  // What the alignment of the dynamic part skips belongs to the static part.
  layout.static_bytes = layout.dynamic_offset;
  return layout;
}

}  // namespace doppel::kernel
