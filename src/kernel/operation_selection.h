// PTX instructions to machine operations: what the assembler chooses for each, with the neighbours that it
// folds together. Counts and pipes are those of the machine code that comes out for single instructions
// (docs/timing-model.md), never of a kernel.
#pragma once

#include "kernel/operation_builder.h"

namespace doppel::kernel {

// Marks the registers whose definitions are done by their users: products that become part of wide
// multiply-adds, shifts that become part of scaled adds, offsets that become part of an address.
void absorb_definitions(const ptx::Function& function, const ControlFlowGraph& graph, RegisterRoles& roles);

// Appends the operations of instruction `index` to the builder's block; branches, calls and returns too.
void select_operations(OperationBuilder& builder, std::uint32_t index);

// Parts of select_operations, by kind of instruction. False: not theirs.
bool select_integer(OperationBuilder& builder, const ptx::Instruction& instruction);
bool select_float(OperationBuilder& builder, const ptx::Instruction& instruction);
bool select_move(OperationBuilder& builder, const ptx::Instruction& instruction);
bool select_memory(OperationBuilder& builder, const ptx::Instruction& instruction);
bool select_control(OperationBuilder& builder, const ptx::Instruction& instruction);

// Values that the sources of an instruction read, absorbed definitions followed to theirs.
std::vector<ValueId> source_values(OperationBuilder& builder, const ptx::Instruction& instruction);
void add_operand_values(OperationBuilder& builder, const ptx::Operand& operand, std::vector<ValueId>& values);

}  // namespace doppel::kernel
