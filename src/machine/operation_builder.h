// SPDX-License-Identifier: Apache-2.0
// Collects the machine operations of one function: maps PTX registers to values and keeps the block in work.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "machine/machine_operation.h"
#include "machine/register_roles.h"
#include "machine/shared_load_merge.h"
#include "support/pass_log.h"

namespace doppel::machine {

// What differs between the generations that the assembler serves, and what a launch leaves of them.
struct LoweringOptions {
  bool wide_integer_add = false;  // 64-bit adds and minima in one operation (sm_100 and later)
  // Registers that a thread may take: what does not fit goes to local memory (spill.cpp).
  std::uint32_t most_registers = 255;
  PassLog* passes = nullptr;  // null: nobody asks
  std::string variant;        // in what is written there
};

class OperationBuilder {
 public:
  OperationBuilder(const ir::Function& function, const RegisterRoles& roles, LoweringOptions options)
      : function_(function),
        roles_(roles),
        options_(std::move(options)),
        values_(function.registers.size(), kNoValue) {}

  const LoweringOptions& options() const { return options_; }
  const RegisterRoles& roles() const { return roles_; }
  const ir::Function& function() const { return function_; }

  void begin_block() { machine_.blocks.emplace_back(); }
  MachineBlock& block() { return machine_.blocks.back(); }
  // All blocks that were begun.
  MachineFunction take() { return std::move(machine_); }

  // The value that holds a register; kNoValue for constants.
  ValueId value(ir::RegisterId reg);
  ValueId new_value(int registers);
  // What reads the one reads the other's value: of a register that is written once, where that is nothing to
  // do.
  void read_as(ir::RegisterId reg, ir::RegisterId other) {
    values_[roles_.representative(reg)] = value(other);
  }

  // kNoValue for what is no register.
  ValueId value_of(const ir::Operand& operand);
  // Of the first result that is a register.
  ValueId result_of(const ir::Operation& operation);

  // Appends one operation for `instruction`, under its guard.
  MachineOperation& emit(const ir::Operation& instruction, const char* mnemonic, Pipe pipe, ValueId result,
                         const std::vector<ValueId>& operands, int flops = 0);
  // What `emit` appended has this result, too.
  void add_result(MachineOperation& operation, ValueId result) { machine_.add_result(operation, result); }
  // It makes this access, too: the block's next of those that traces tell of, or one that they do not.
  void add_access(MachineOperation& operation, MachineAccess access);
  void add_untraced_access(MachineOperation& operation, const MachineAccess& access) {
    machine_.add_access(operation, access);
  }

  struct Step {
    const char* mnemonic;
    Pipe pipe;
    int count = 1;
  };
  // A chain in which each operation waits for the one before: how the assembler expands division and its
  // like.
  void chain(const ir::Operation& instruction, std::initializer_list<Step> steps, ValueId result,
             const std::vector<ValueId>& operands, int flops = 0);

  // What no machine operation can be made of; names the function and the line.
  [[noreturn]] void refuse(const ir::Operation& operation, const std::string& why) const;
  // A test asks every operation for its rule (tests/machine): no program gets here.
  [[noreturn]] static void no_rule(const ir::Operation& operation);

  std::uint32_t current = 0;  // index of the instruction in work
  const MergedLoads* merged = nullptr;

 private:
  const ir::Function& function_;
  const RegisterRoles& roles_;
  LoweringOptions options_;
  std::vector<ValueId> values_;  // by representative register
  MachineFunction machine_;
};

}  // namespace doppel::machine
