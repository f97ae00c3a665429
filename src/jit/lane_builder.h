// SPDX-License-Identifier: Apache-2.0
// A builder of LLVM code that knows lanes: a value is the scalar parts of its lane pattern, or a vector
// of 32.
#pragma once

#include <llvm/IR/IRBuilder.h>

#include <string>

#include "analysis/lane_values.h"
#include "jit/warp_abi.h"

namespace doppel::jit {

// The scalar parts of a value's lane pattern, or one vector of 32 lanes in parts[0] where the pattern is
// Varying. All values are integers in LLVM IR; a predicate is i1 or <32 x i1>.
using Lanes = analysis::LaneParts<llvm::Value*>;

class LaneBuilder {
 public:
  explicit LaneBuilder(llvm::Function& into) : into_(into), builder_(into.getContext()) {}
  LaneBuilder(const LaneBuilder&) = delete;
  LaneBuilder& operator=(const LaneBuilder&) = delete;

  llvm::IRBuilder<>& b() { return builder_; }
  llvm::LLVMContext& context() { return builder_.getContext(); }
  llvm::Function& into() { return into_; }
  llvm::BasicBlock* new_block(const llvm::Twine& name) {
    return llvm::BasicBlock::Create(context(), name, &into_);
  }
  llvm::AllocaInst* stack_slot(llvm::Type* type, const char* name);  // in the entry block
  llvm::MDNode* likely();  // branch weights of a condition that nearly always holds

  // Types.
  llvm::IntegerType* int_type(int bits) {
    return llvm::IntegerType::get(context(), static_cast<unsigned>(bits));
  }
  llvm::Type* int_type(int bits, bool uniform) {
    return uniform ? static_cast<llvm::Type*>(int_type(bits)) : vector_of(int_type(bits));
  }
  llvm::Type* vector_of(llvm::Type* element) { return llvm::FixedVectorType::get(element, kWarpLanes); }

  // Constants. `like`: a type, scalar or vector; a vector gets the value in each lane.
  llvm::Constant* constant(llvm::Type* like, std::uint64_t value) {
    return llvm::ConstantInt::get(like, value);
  }
  llvm::Value* i32(std::uint32_t value) { return builder_.getInt32(value); }
  llvm::Value* i64(std::uint64_t value) { return builder_.getInt64(value); }
  llvm::Constant* lane_constants(const analysis::LaneConstants& values, int bits);

  // Between scalars, patterns and vectors.
  Lanes uniform(llvm::Value* value);
  Lanes varying(llvm::Value* vector);
  llvm::Value* materialize(const Lanes& lanes);                  // always <32 x iN>
  llvm::Value* splat(llvm::Value* value);                        // 32 lanes, where it is scalar
  llvm::Value* resize(llvm::Value* value, int bits, bool sign);  // truncates or extends

  // The arithmetic of lane patterns (see analysis/lane_values.h).
  struct Scalars {
    using Value = llvm::Value*;
    LaneBuilder& builder;
    Value constant(std::int64_t value, int bits);
    Value add(Value a, Value b);
    Value mul(Value a, Value b);
    Value extend(Value a, bool is_signed);
    Value truncate(Value a);
    Value bit_and(Value a, Value b);
    Value shift_right(Value a, unsigned count, bool arithmetic);
  };
  Scalars& scalars() { return scalars_; }

 private:
  llvm::Function& into_;
  llvm::IRBuilder<> builder_;
  Scalars scalars_{*this};
};

}  // namespace doppel::jit
