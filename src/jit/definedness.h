// SPDX-License-Identifier: Apache-2.0
// What the checked build follows of values that were read from shared memory before anyone had written them:
// for each register the lanes whose value is such. To read it is no error, nor to copy it about; a decision
// made by it, an address, and a store where others see it are.
//
// Needs: --check's build. A result is undefined in the lanes in which an operand is, but for what an operand
// decides alone (x and 0, x or ~0, the side of a selection that is not taken). Values that go through local
// memory, through parameters, or from lane to lane beside a lane that has a value count as defined: some uses
// are missed, none is told that is none.
#pragma once

#include <vector>

#include "jit/function_emitter.h"

namespace doppel::jit {

class Definedness {
 public:
  explicit Definedness(FunctionEmitter& emitter);

  // Before an instruction's code: reports what it uses, notes what its result will be.
  void before(const ir::Operation& operation);
  // Behind it.
  void after(const ir::Operation& operation);
  // For check_access(): by element of the access, lanes.
  llvm::Value* elements() { return elements_; }

 private:
  void find_registers();
  llvm::Value* none() { return emitter_.i32(0); }
  // Volatile, so that each operation begins anew: of a network of selections LLVM's code generator for
  // AVX-512 makes more and more logic of masks, twice as much with each step, and does not come to an end.
  llvm::Value* load(llvm::AllocaInst* slot);
  void store(llvm::Value* lanes, llvm::AllocaInst* slot);
  llvm::Value* of_register(ir::RegisterId reg);
  llvm::Value* of_operand(const ir::Operand& operand);
  llvm::Value* of_address(const ir::Operation& operation);
  llvm::Value* row_lanes(std::size_t registers);
  llvm::Value* of_result(const ir::Operation& operation);
  llvm::Value* lanes_equal(const ir::Operand& operand, ir::Type type, bool ones);
  llvm::Value* unless_decided(const ir::Operand& a, const ir::Operand& b, ir::Type type, bool ones);
  void use(llvm::Value* lanes, llvm::Value* running);
  void set(const ir::Operand& destination, llvm::Value* lanes);

  FunctionEmitter& emitter_;
  llvm::IRBuilder<>& b_;
  std::vector<llvm::AllocaInst*> slots_;  // by register: i32; null: always defined
  llvm::AllocaInst* elements_ = nullptr;
  llvm::Value* result_ = nullptr;
  llvm::Value* guard_ = nullptr;
};

}  // namespace doppel::jit
