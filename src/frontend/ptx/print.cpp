// SPDX-License-Identifier: Apache-2.0
#include "frontend/ptx/print.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <string_view>

#include "frontend/ptx/opaque_initializer.h"
#include "frontend/ptx/print_instruction.h"

namespace doppel::ptx {
namespace {

std::string_view linkage_text(Linkage linkage) {
  switch (linkage) {
    case Linkage::Internal:
      return "";
    case Linkage::Extern:
      return ".extern ";
    case Linkage::Visible:
      return ".visible ";
    case Linkage::Weak:
      return ".weak ";
    case Linkage::Common:
      break;
  }
  return ".common ";
}

class ModulePrinter {
 public:
  explicit ModulePrinter(const Module& module) : module_(module) {}

  std::string run() {
    add(".version {}.{}\n.target {}\n.address_size {}\n", module_.version_major, module_.version_minor,
        module_.target, module_.address_size);
    for (std::size_t i = 0; i < module_.files.size(); ++i) {
      if (!module_.files[i].empty()) add(".file {} \"{}\"\n", i, module_.files[i]);
    }
    // Heads first, so that any function and variable may name any other.
    for (const Function& function : module_.functions) {
      head(function, local_names(function, module_));
      add(";\n");
    }
    for (const Variable& variable : module_.variables) {
      if (!variable.relocations.empty()) {
        forward_declarations();
        break;
      }
    }
    for (const Variable& variable : module_.variables) {
      add("{}", linkage_text(variable.linkage));
      this->variable(variable, variable.name);
    }
    for (const Function& function : module_.functions) {
      if (!function.is_declaration) body(function);
    }
    return std::move(text_);
  }

 private:
  template <typename... Arguments>
  void add(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Arguments>(arguments)...);
  }

  // An initialiser may hold the address of a later variable: an extern declaration of each keeps their order.
  void forward_declarations() {
    for (const Variable& variable : module_.variables) {
      add(".extern ");
      Variable plain = variable;
      plain.initializer.clear();
      this->variable(plain, plain.name);
    }
  }

  void shape(const Variable& variable, const std::string& name) {
    const auto element = static_cast<std::uint64_t>(byte_size(variable.type));
    static constexpr std::string_view kOpaque[] = {"", "texref", "samplerref", "surfref"};
    const std::string_view opaque = kOpaque[static_cast<std::size_t>(variable.opaque)];
    add(".align {} .{} {}", variable.alignment, opaque.empty() ? name_of(variable.type) : opaque, name);
    if (variable.size == 0) {
      add("[]");
    } else if (variable.size != element) {
      add("[{}]", variable.size / element);
    }
  }

  void variable(const Variable& variable, const std::string& name) {
    add(".{} {}", name_of(variable.space), variable.managed ? ".attribute(.managed) " : "");
    shape(variable, name);
    if (variable.opaque != ir::OpaqueType::None && !variable.initializer.empty()) {
      add(" = {}", opaque_initializer_text(variable));
    } else if (!variable.initializer.empty()) {
      initializer(variable);
    }
    add(";\n");
  }

  void initializer(const Variable& variable) {
    const auto element = static_cast<std::uint64_t>(byte_size(variable.type));
    const bool is_array = variable.size != element;
    add(" = {}", is_array ? "{" : "");
    for (std::uint64_t at = 0; at < variable.size; at += element) {
      if (at > 0) add(", ");
      const auto relocation = std::ranges::find_if(variable.relocations, [&](const Relocation& r) {
        return r.offset <= at && at < r.offset + r.size;
      });
      if (relocation != variable.relocations.end()) {
        address(*relocation, at, element);
      } else {
        element_bits(variable, at, element);
      }
    }
    if (is_array) add("}}");
  }

  void element_bits(const Variable& variable, std::uint64_t at, std::uint64_t element) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, variable.initializer.data() + at, std::min<std::uint64_t>(element, 8));
    if (variable.type == Type::F32) {
      add("0f{:08X}", bits);
    } else if (variable.type == Type::F64) {
      add("0d{:016X}", bits);
    } else {
      add("{}", bits);
    }
  }

  void address(const Relocation& relocation, std::uint64_t at, std::uint64_t element) {
    const std::string& name = relocation.is_function ? module_.functions[relocation.target].name
                                                     : module_.variables[relocation.target].name;
    std::string text = relocation.generic ? fmt::format("generic({})", name) : name;
    if (relocation.addend != 0) text += fmt::format("{:+}", relocation.addend);
    if (element == 1) {
      add("0x{:X}({})", std::uint64_t{0xff} << (8 * (at - relocation.offset)), text);
    } else {
      add("{}", text);
    }
  }

  void parameter_list(const std::vector<Variable>& parameters, const std::vector<std::string>& names) {
    add("(");
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      add("{}", i > 0 ? ", " : "");
      if (parameters[i].space == Space::Reg) {
        add(".reg .{} {}", name_of(parameters[i].type), names[i]);
      } else {
        add(".param ");
        shape(parameters[i], names[i]);
      }
    }
    add(")");
  }

  void head(const Function& function, const LocalNames& names) {
    add("{}{} ", linkage_text(function.linkage), function.is_kernel ? ".entry" : ".func");
    if (!function.return_parameters.empty()) {
      parameter_list(function.return_parameters, names.return_parameters);
      add(" ");
    }
    add("{}", function.name);
    if (!function.parameters.empty()) parameter_list(function.parameters, names.parameters);
    bounds(function.bounds);
  }

  void bounds(const LaunchBounds& bounds) {
    const auto three = [&](std::string_view directive, const std::uint32_t(&counts)[3]) {
      if (counts[0] != 0) add(" {} {}, {}, {}", directive, counts[0], counts[1], counts[2]);
    };
    three(".maxntid", bounds.max_threads);
    three(".reqntid", bounds.required_threads);
    if (bounds.min_blocks_per_sm != 0) add(" .minnctapersm {}", bounds.min_blocks_per_sm);
    if (bounds.max_registers != 0) add(" .maxnreg {}", bounds.max_registers);
    three(".reqnctapercluster", bounds.required_cluster);
    if (bounds.max_cluster_blocks != 0) add(" .maxclusterrank {}", bounds.max_cluster_blocks);
    if (bounds.explicit_cluster) add(" .explicitcluster");
    if (bounds.no_return) add(" .noreturn");
  }

  void body(const Function& function) {
    const LocalNames names = local_names(function, module_);
    add("\n");
    head(function, names);
    add("\n{{\n");
    std::vector<bool> is_parameter(function.registers.size());
    for (std::size_t i = 0; i < function.parameters.size(); ++i) {
      if (function.parameters[i].space == Space::Reg) is_parameter[function.parameter_registers[i]] = true;
    }
    for (std::size_t i = 0; i < function.return_parameters.size(); ++i) {
      if (function.return_parameters[i].space == Space::Reg)
        is_parameter[function.return_registers[i]] = true;
    }
    for (std::size_t i = 0; i < function.registers.size(); ++i) {
      if (!is_parameter[i]) add("  .reg .{} {};\n", name_of(function.registers[i].type), names.registers[i]);
    }
    for (std::size_t i = 0; i < function.variables.size(); ++i) {
      add("  ");
      variable(function.variables[i], names.variables[i]);
    }
    for (std::size_t i = 0; i < function.prototypes.size(); ++i)
      prototype(function.prototypes[i], names.prototypes[i]);
    const std::vector<std::string> lists = instruction_lists(function, names);
    instructions(function, names, lists);
    add("}}\n");
  }

  void prototype(const Prototype& prototype, const std::string& name) {
    const auto unnamed = [](const std::vector<Variable>& parameters) {
      return std::vector<std::string>(parameters.size(), "_");
    };
    add("  {}: .callprototype ", name);
    if (!prototype.return_parameters.empty())
      parameter_list(prototype.return_parameters, unnamed(prototype.return_parameters));
    add(" _ ");
    if (!prototype.parameters.empty()) parameter_list(prototype.parameters, unnamed(prototype.parameters));
    add(";\n");
  }

  // The .branchtargets and .calltargets lists, each with a name of its own: by instruction.
  std::vector<std::string> instruction_lists(const Function& function, const LocalNames& names) {
    std::vector<std::string> lists(function.instructions.size());
    for (std::size_t i = 0; i < function.instructions.size(); ++i) {
      const Instruction& instruction = function.instructions[i];
      const bool calls = instruction.call && !instruction.call->possible_targets.empty();
      if (instruction.branch_targets.empty() && !calls) continue;
      lists[i] = fmt::format("$list${}", i);
      add("  {}: {} ", lists[i], calls ? ".calltargets" : ".branchtargets");
      bool first = true;
      for (const LabelId label : instruction.branch_targets) {
        add("{}{}", first ? "" : ", ", names.labels[label]);
        first = false;
      }
      if (calls) {
        for (const FunctionId target : instruction.call->possible_targets) {
          add("{}{}", first ? "" : ", ", module_.functions[target].name);
          first = false;
        }
      }
      add(";\n");
    }
    return lists;
  }

  void instructions(const Function& function, const LocalNames& names,
                    const std::vector<std::string>& lists) {
    std::vector<std::vector<LabelId>> labels_at(function.instructions.size() + 1);
    for (std::size_t label = 0; label < function.labels.size(); ++label) {
      labels_at[function.labels[label]].push_back(static_cast<LabelId>(label));
    }
    const InstructionPrinter printer(module_, function, names);
    SourceLocation source;
    for (std::size_t i = 0; i <= function.instructions.size(); ++i) {
      for (const LabelId label : labels_at[i]) add("{}:\n", names.labels[label]);
      if (i == function.instructions.size()) break;
      const Instruction& instruction = function.instructions[i];
      if (instruction.source.file != source.file || instruction.source.line != source.line) {
        source = instruction.source;
        add("  .loc {} {} 0\n", source.file, source.line);
      }
      add("  {}\n", printer.text(instruction, lists[i]));
    }
  }

  const Module& module_;
  std::string text_;
};

}  // namespace

std::string print(const Module& module) { return ModulePrinter(module).run(); }

std::string print(const Instruction& instruction, const Function& function, const Module& module) {
  const LocalNames names = local_names(function, module);
  return InstructionPrinter(module, function, names).text(instruction, {});
}

}  // namespace doppel::ptx
