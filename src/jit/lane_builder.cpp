// SPDX-License-Identifier: Apache-2.0
#include "jit/lane_builder.h"

#include <llvm/IR/MDBuilder.h>

namespace doppel::jit {

using analysis::LanePattern;
using llvm::Value;

llvm::AllocaInst* LaneBuilder::stack_slot(llvm::Type* type, const char* name) {
  llvm::BasicBlock& entry = into_.getEntryBlock();
  llvm::IRBuilder<> at(&entry, entry.begin());
  return at.CreateAlloca(type, nullptr, name);
}

llvm::MDNode* LaneBuilder::likely() { return llvm::MDBuilder(context()).createBranchWeights(1 << 20, 1); }

llvm::Constant* LaneBuilder::lane_constants(const analysis::LaneConstants& values, int bits) {
  std::vector<llvm::Constant*> elements;
  for (std::int64_t value : values) {
    elements.push_back(llvm::ConstantInt::get(int_type(bits), static_cast<std::uint64_t>(value), true));
  }
  return llvm::ConstantVector::get(elements);
}

Lanes LaneBuilder::uniform(Value* value) {
  Lanes result;
  result.pattern = LanePattern::uniform(static_cast<int>(value->getType()->getIntegerBitWidth()));
  result.parts.push_back(value);
  return result;
}

Lanes LaneBuilder::varying(Value* vector) {
  Lanes result;
  result.pattern = LanePattern::varying(static_cast<int>(vector->getType()->getScalarSizeInBits()));
  result.parts.push_back(vector);
  return result;
}

Value* LaneBuilder::splat(Value* value) {
  if (value->getType()->isVectorTy()) return value;
  return builder_.CreateVectorSplat(kWarpLanes, value);
}

Value* LaneBuilder::resize(Value* value, int bits, bool sign) {
  llvm::Type* type = int_type(bits, !value->getType()->isVectorTy());
  return sign ? builder_.CreateSExtOrTrunc(value, type) : builder_.CreateZExtOrTrunc(value, type);
}

Value* LaneBuilder::materialize(const Lanes& lanes) {
  const LanePattern& pattern = lanes.pattern;
  if (!pattern.is_parts()) return lanes.parts[0];
  const auto linear = [&](const analysis::LinearPattern& shape, std::size_t from, int bits) {
    Value* sum = splat(lanes.parts[from]);
    if (shape.offset != analysis::LaneConstants{})
      sum = builder_.CreateAdd(sum, lane_constants(shape.offset, bits));
    for (std::size_t i = 0; i < shape.factors.size(); ++i) {
      Value* term =
          builder_.CreateMul(splat(lanes.parts[from + 1 + i]), lane_constants(shape.factors[i], bits));
      sum = builder_.CreateAdd(sum, term);
    }
    return sum;
  };
  Value* sum = linear(pattern.linear, 0, pattern.bits);
  std::size_t from = 1 + pattern.linear.factors.size();
  for (const analysis::WidenedPattern& term : pattern.widened) {
    Value* multiplier = term.has_multiplier ? lanes.parts[from++] : nullptr;
    Value* wide = resize(linear(term.inner, from, 32), 64, term.is_signed);
    from += 1 + term.inner.factors.size();
    if (term.coefficient != 1) {
      wide =
          builder_.CreateMul(wide, constant(wide->getType(), static_cast<std::uint64_t>(term.coefficient)));
    }
    if (multiplier != nullptr) wide = builder_.CreateMul(wide, splat(multiplier));
    sum = builder_.CreateAdd(sum, wide);
  }
  return sum;
}

using Scalars = LaneBuilder::Scalars;
Value* Scalars::constant(std::int64_t value, int bits) {
  return llvm::ConstantInt::get(builder.int_type(bits), static_cast<std::uint64_t>(value), true);
}
Value* Scalars::add(Value a, Value b) { return builder.b().CreateAdd(a, b); }
Value* Scalars::mul(Value a, Value b) { return builder.b().CreateMul(a, b); }
Value* Scalars::extend(Value a, bool is_signed) { return builder.resize(a, 64, is_signed); }
Value* Scalars::truncate(Value a) { return builder.resize(a, 32, false); }
Value* Scalars::bit_and(Value a, Value b) { return builder.b().CreateAnd(a, b); }
Value* Scalars::shift_right(Value a, unsigned count, bool arithmetic) {
  return arithmetic ? builder.b().CreateAShr(a, count) : builder.b().CreateLShr(a, count);
}

}  // namespace doppel::jit
