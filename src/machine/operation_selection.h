// SPDX-License-Identifier: Apache-2.0
// Operations of the IR to those of the machine: what the assembler chooses for each, with the neighbours that
// it folds together. Counts and pipes are those of the machine code that comes out for single instructions
// (docs/timing-model.md), never of a kernel.
#pragma once

#include "machine/operation_builder.h"

namespace doppel::machine {

// Marks the registers whose definitions are done by their users: products that become part of wide
// multiply-adds, shifts that become part of scaled adds, offsets that become part of an address.
void absorb_definitions(const ir::Function& function, const ControlFlowGraph& graph, RegisterRoles& roles);

// Appends the machine's operations for operation `index` to the builder's block; branches, calls and returns
// too.
void select_operations(OperationBuilder& builder, std::uint32_t index);

// Its parts, by the operation's IssueRules.
void select_move(OperationBuilder& builder, const ir::Operation& operation);
void select_integer(OperationBuilder& builder, const ir::Operation& operation);
void select_float(OperationBuilder& builder, const ir::Operation& operation);
void select_memory(OperationBuilder& builder, const ir::Operation& operation);
void select_texture(OperationBuilder& builder, const ir::Operation& operation);
void select_warp(OperationBuilder& builder, const ir::Operation& operation);
void select_matrix(OperationBuilder& builder, const ir::Operation& operation);
void select_control(OperationBuilder& builder, const ir::Operation& operation);

// Values that an operation reads, absorbed definitions followed to theirs; each once.
std::vector<ValueId> source_values(OperationBuilder& builder, const ir::Operation& operation);
void add_operand_value(OperationBuilder& builder, const ir::Operand& operand, std::vector<ValueId>& values);

}  // namespace doppel::machine
