// SPDX-License-Identifier: Apache-2.0
#include "frontend/ptx/to_ir.h"

#include <string_view>
#include <unordered_map>
#include <utility>

#include "frontend/ptx/instruction_to_ir.h"

namespace doppel::ptx {
namespace {

std::uint8_t register_width(Type type) { return static_cast<std::uint8_t>(bit_width(type)); }

class BodyLowering {
 public:
  BodyLowering(const Function& from, ir::Function& to) : from_(from), to_(to) {}

  void run() {
    to_.registers.reserve(from_.registers.size() + 1);
    for (const Register& each : from_.registers) to_.registers.push_back(register_width(each.type));
    const auto carry = static_cast<RegisterId>(to_.registers.size());
    bool has_carry = false;
    to_.operations.reserve(from_.instructions.size());
    for (std::uint32_t index = 0; index < from_.instructions.size(); ++index) {
      const Instruction& instruction = from_.instructions[index];
      has_carry = has_carry || uses_carry(instruction);
      ir::Operation& operation = to_.operations.emplace_back(to_ir(instruction, carry));
      operation.origin = {index, form_of(instruction.form), instruction.text, instruction.source};
    }
    if (has_carry) to_.registers.push_back(1);
    make_blocks();
  }

 private:
  // A block begins at the first instruction, at each label, and behind what ends one.
  void make_blocks() {
    const auto count = static_cast<std::uint32_t>(to_.operations.size());
    if (count == 0) return;
    std::vector<bool> leads(std::size_t{count} + 1);
    leads[0] = true;
    for (const std::uint32_t label : from_.labels) leads[label] = true;
    for (std::uint32_t i = 0; i + 1 < count; ++i) {
      if (ir::ends_block(to_.operations[i])) leads[i + 1] = true;
    }
    std::vector<ir::BlockId> block_at(leads.size());
    for (std::uint32_t i = 0; i <= count; ++i) {
      if (!leads[i]) continue;
      if (!to_.blocks.empty()) to_.blocks.back().last = i;
      block_at[i] = static_cast<ir::BlockId>(to_.blocks.size());
      to_.blocks.push_back({i, count});
    }
    for (std::uint32_t i = 0; i < count; ++i) {
      const Instruction& instruction = from_.instructions[i];
      std::vector<ir::BlockId>& targets = to_.operations[i].targets;
      const auto add = [&](LabelId label) { targets.push_back(block_at[from_.labels[label]]); };
      if (instruction.opcode == Opcode::Bra) add(instruction.operands[0].label);
      for (const LabelId label : instruction.branch_targets) add(label);
    }
  }

  std::uint32_t form_of(const std::string& form) {
    const auto [found, is_new] = forms_.emplace(form, static_cast<std::uint32_t>(to_.forms.size()));
    if (is_new) to_.forms.push_back(form);
    return found->second;
  }

  const Function& from_;
  ir::Function& to_;
  std::unordered_map<std::string_view, std::uint32_t> forms_;
};

}  // namespace

ir::Module head_to_ir(Module& module) {
  ir::Module to;
  to.front_end = "ptx";
  to.target = module.target;
  to.address_size = module.address_size;
  to.files = std::move(module.files);
  to.variables.reserve(module.variables.size());
  for (Variable& each : module.variables) {
    auto contents = std::exchange(each.initializer, {});
    auto relocations = std::exchange(each.relocations, {});
    ir::Variable& made = to.variables.emplace_back(each);
    made.initializer = std::move(contents);
    made.relocations = std::move(relocations);
  }
  to.functions.reserve(module.functions.size());
  return to;
}

ir::Function head_to_ir(const Function& function) {
  ir::Function to;
  to.name = function.name;
  to.is_kernel = function.is_kernel;
  to.is_declaration = function.is_declaration;
  to.linkage = function.linkage;
  to.parameters = function.parameters;
  to.return_parameters = function.return_parameters;
  to.bounds = function.bounds;
  to.text = function.text;
  return to;
}

void body_to_ir(Function& from, ir::Function& to) {
  to.parameter_registers = std::move(from.parameter_registers);
  to.return_registers = std::move(from.return_registers);
  to.variables = std::move(from.variables);
  to.prototypes = std::move(from.prototypes);
  BodyLowering(from, to).run();
  from.instructions = {};
  from.registers = {};
  from.labels = {};
  from.label_names = {};
}

ir::Module to_ir(Module module) {
  ir::Module result = head_to_ir(module);
  for (Function& each : module.functions) {
    ir::Function& to = result.functions.emplace_back(head_to_ir(each));
    body_to_ir(each, to);
  }
  return result;
}

}  // namespace doppel::ptx
