#include "machine/operation_builder.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace doppel::machine {

ValueId OperationBuilder::new_value(std::uint8_t registers) {
  // A function of more values than a scoreboard numbers: the rest is not waited for.
  if (registers_.size() >= kNoValue) return kNoValue;
  registers_.push_back(registers);
  return static_cast<ValueId>(registers_.size() - 1);
}

ValueId OperationBuilder::value(ir::RegisterId reg) {
  const ir::RegisterId leader = roles_.representative(reg);
  if (roles_[leader].constant || roles_[reg].constant) return kNoValue;
  if (values_[leader] == kNoValue)
    values_[leader] = new_value(static_cast<std::uint8_t>(roles_.width(leader)));
  return values_[leader];
}

ValueId OperationBuilder::value_of(const ir::Operand& operand) {
  return operand.is_register() ? value(operand.reg) : kNoValue;
}

ValueId OperationBuilder::result_of(const ir::Operation& operation) {
  for (const ir::Operand& result : operation.results) {
    if (result.is_register()) return value(result.reg);
  }
  return kNoValue;
}

MachineOperation& OperationBuilder::emit(const ir::Operation& instruction, const char* mnemonic, Pipe pipe,
                                         ValueId result, const std::vector<ValueId>& operands, int flops) {
  MachineOperation operation;
  operation.mnemonic = mnemonic;
  operation.pipe = pipe;
  operation.results[0] = result;
  operation.is_predicate = result != kNoValue && registers_[result] == 0;
  operation.instruction = current;
  operation.flops = static_cast<std::uint8_t>(flops);
  std::size_t at = 0;
  const auto add = [&](ValueId id) {
    if (id == kNoValue || at == operation.operands.size()) return;
    if (std::find(operation.operands.begin(), operation.operands.begin() + static_cast<std::ptrdiff_t>(at),
                  id) != operation.operands.begin() + static_cast<std::ptrdiff_t>(at)) {
      return;
    }
    operation.operands[at++] = id;
  };
  if (instruction.guard) {
    add(value(instruction.guard->predicate));
    add(result);  // the lanes without the guard keep what was there
  }
  for (ValueId id : operands) add(id);
  block_.operations.push_back(operation);
  return block_.operations.back();
}

void OperationBuilder::chain(const ir::Operation& instruction, std::initializer_list<Step> steps,
                             ValueId result, const std::vector<ValueId>& operands, int flops) {
  int total = 0;
  for (const Step& step : steps) total += step.count;
  std::vector<ValueId> inputs = operands;
  ValueId last = kNoValue;
  int done = 0;
  for (const Step& step : steps) {
    for (int i = 0; i < step.count; ++i) {
      ++done;
      const bool control = step.pipe == Pipe::Branch;
      const ValueId to = done == total ? result : control ? kNoValue : new_value(1);
      emit(instruction, step.mnemonic, step.pipe, to, inputs, done == total ? flops : 0);
      if (!control) {
        last = to;
        // Every step reads the one before; inputs stay live as the first steps need them.
        inputs = {last};
      }
    }
  }
}

void OperationBuilder::no_rule(const ir::Operation& operation) {
  throw std::logic_error("no rule says what is issued for '" + std::string(ir::name_of(operation.op)) + "'");
}

}  // namespace doppel::machine
