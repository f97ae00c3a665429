// SPDX-License-Identifier: Apache-2.0
#include "machine/operation_builder.h"

#include <stdexcept>
#include <string>

#include "analysis/clock_reads.h"

namespace doppel::machine {

ValueId OperationBuilder::new_value(int registers) {
  machine_.value_registers.push_back(static_cast<std::uint32_t>(registers));
  return machine_.value_count() - 1;
}

ValueId OperationBuilder::value(ir::RegisterId reg) {
  const ir::RegisterId leader = roles_.representative(reg);
  if (roles_[leader].constant || roles_[reg].constant) return kNoValue;
  if (values_[leader] == kNoValue) values_[leader] = new_value(roles_.width(leader));
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
  operation.is_predicate = result != kNoValue && machine_.value_registers[result] == 0;
  operation.instruction = current;
  operation.reads_clock = analysis::reads_clock_register(instruction);
  operation.flops = static_cast<std::uint32_t>(flops);
  if (instruction.guard) {
    machine_.add_operand(operation, value(instruction.guard->predicate));
    machine_.add_operand(operation, result);  // the lanes without the guard keep what was there
  }
  for (ValueId id : operands) machine_.add_operand(operation, id);
  machine_.add_result(operation, result);
  block().operations.push_back(operation);
  return block().operations.back();
}

void OperationBuilder::add_access(MachineOperation& operation, MachineAccess access) {
  access.rank = block().accesses++;
  block().access_instructions.push_back(current);
  machine_.add_access(operation, access);
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

void OperationBuilder::refuse(const ir::Operation& operation, const std::string& why) const {
  throw std::runtime_error("'" + function_.name + "', line " + std::to_string(operation.origin.text.line) +
                           ": " + std::string(ir::name_of(operation.op)) + ": not supported (" + why + ")");
}

void OperationBuilder::no_rule(const ir::Operation& operation) {
  throw std::logic_error("no rule says what is issued for '" + std::string(ir::name_of(operation.op)) + "'");
}

}  // namespace doppel::machine
