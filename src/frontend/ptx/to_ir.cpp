#include "frontend/ptx/to_ir.h"

#include <set>
#include <unordered_map>
#include <utility>

#include "frontend/ptx/instruction_to_ir.h"

namespace doppel::ptx {
namespace {

std::uint8_t register_width(Type type) { return static_cast<std::uint8_t>(bit_width(type)); }

class ModuleLowering {
 public:
  ir::Module run(Module module) {
    result_.front_end = "ptx";
    result_.target = std::move(module.target);
    result_.address_size = module.address_size;
    result_.variables = std::move(module.variables);
    result_.files = std::move(module.files);
    result_.functions.reserve(module.functions.size());
    for (Function& function : module.functions) result_.functions.push_back(lower(function));
    return std::move(result_);
  }

 private:
  ir::Function lower(Function& from) {
    ir::Function to;
    to.name = std::move(from.name);
    to.is_kernel = from.is_kernel;
    to.is_declaration = from.is_declaration;
    to.linkage = from.linkage;
    to.parameters = std::move(from.parameters);
    to.return_parameters = std::move(from.return_parameters);
    to.parameter_registers = std::move(from.parameter_registers);
    to.return_registers = std::move(from.return_registers);
    to.registers.reserve(from.registers.size() + 1);
    for (const Register& each : from.registers) to.registers.push_back(register_width(each.type));
    to.variables = std::move(from.variables);
    to.prototypes = std::move(from.prototypes);
    to.bounds = from.bounds;
    to.text = from.text;
    lower_body(from, to);
    return to;
  }

  void lower_body(const Function& from, ir::Function& to) {
    const auto carry = static_cast<RegisterId>(to.registers.size());
    bool has_carry = false;
    to.operations.reserve(from.instructions.size());
    for (std::uint32_t index = 0; index < from.instructions.size(); ++index) {
      const Instruction& instruction = from.instructions[index];
      has_carry = has_carry || uses_carry(instruction);
      ir::Operation& operation = to.operations.emplace_back(to_ir(instruction, carry));
      operation.origin = {index, form_of(instruction.form), instruction.text, instruction.source};
    }
    if (has_carry) to.registers.push_back(1);
    make_blocks(from, to);
  }

  // A block begins at the first instruction, at each label, and behind what ends one.
  void make_blocks(const Function& from, ir::Function& to) {
    const auto count = static_cast<std::uint32_t>(to.operations.size());
    if (count == 0) return;
    std::set<std::uint32_t> leaders{0};
    leaders.insert(from.labels.begin(), from.labels.end());
    for (std::uint32_t i = 0; i + 1 < count; ++i) {
      if (ir::ends_block(to.operations[i])) leaders.insert(i + 1);
    }
    std::unordered_map<std::uint32_t, ir::BlockId> block_at;
    for (const std::uint32_t leader : leaders) {
      if (!to.blocks.empty()) to.blocks.back().last = leader;
      block_at.emplace(leader, static_cast<ir::BlockId>(to.blocks.size()));
      to.blocks.push_back({leader, count});
    }
    for (std::uint32_t i = 0; i < count; ++i) {
      const Instruction& instruction = from.instructions[i];
      std::vector<ir::BlockId>& targets = to.operations[i].targets;
      const auto add = [&](LabelId label) { targets.push_back(block_at.at(from.labels[label])); };
      if (instruction.opcode == Opcode::Bra) add(instruction.operands[0].label);
      for (const LabelId label : instruction.branch_targets) add(label);
    }
  }

  std::uint32_t form_of(const std::string& form) {
    const auto [found, is_new] = forms_.emplace(form, static_cast<std::uint32_t>(result_.forms.size()));
    if (is_new) result_.forms.push_back(form);
    return found->second;
  }

  ir::Module result_;
  std::unordered_map<std::string, std::uint32_t> forms_;
};

}  // namespace

ir::Module to_ir(Module module) { return ModuleLowering().run(std::move(module)); }

}  // namespace doppel::ptx
