#include "kernel/operation_builder.h"

#include <algorithm>

namespace doppel::kernel {

ValueId OperationBuilder::new_value(std::uint8_t registers) {
  // A function of more values than a scoreboard numbers: the rest is not waited for.
  if (registers_.size() >= kNoValue) return kNoValue;
  registers_.push_back(registers);
  return static_cast<ValueId>(registers_.size() - 1);
}

ValueId OperationBuilder::value(ptx::RegisterId reg) {
  const ptx::RegisterId leader = roles_.representative(reg);
  if (roles_[leader].constant || roles_[reg].constant) return kNoValue;
  if (values_[leader] == kNoValue)
    values_[leader] = new_value(static_cast<std::uint8_t>(roles_.width(leader)));
  return values_[leader];
}

std::vector<ValueId> OperationBuilder::reads(const ptx::Operand& operand) {
  std::vector<ValueId> result;
  const auto add = [&](ptx::RegisterId reg) {
    const ValueId id = value(reg);
    if (id != kNoValue && std::ranges::find(result, id) == result.end()) result.push_back(id);
  };
  if (operand.kind == ptx::Operand::Kind::Register) add(operand.reg);
  if (operand.kind == ptx::Operand::Kind::Address &&
      operand.address_base == ptx::Operand::AddressBase::Register)
    add(operand.reg);
  for (const ptx::Operand& element : operand.elements) {
    if (element.kind == ptx::Operand::Kind::Register) add(element.reg);
  }
  return result;
}

ValueId OperationBuilder::writes(const ptx::Operand& operand) {
  if (operand.kind == ptx::Operand::Kind::Register) return value(operand.reg);
  for (const ptx::Operand& element : operand.elements) {
    if (element.kind == ptx::Operand::Kind::Register) return value(element.reg);
  }
  return kNoValue;
}

MachineOperation& OperationBuilder::emit(const ptx::Instruction& instruction, const char* mnemonic, Pipe pipe,
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

void OperationBuilder::chain(const ptx::Instruction& instruction, std::initializer_list<Step> steps,
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

}  // namespace doppel::kernel
