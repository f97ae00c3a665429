// SPDX-License-Identifier: Apache-2.0
#include "jit/float_values.h"

namespace doppel::jit {

using ir::Type;
using llvm::Value;

FloatValues::FloatValues(FunctionEmitter& emitter, Type type)
    : emitter_(emitter), b_(emitter.b()), type_(type), bits_(ir::bit_width(type)) {
  switch (type) {
    case Type::F16:
      infinity_ = 0x7c00, nan_ = 0x7fff, one_ = 0x3c00;
      break;
    case Type::BF16:
      infinity_ = 0x7f80, nan_ = 0x7fff, one_ = 0x3f80;
      break;
    case Type::F64:
      infinity_ = 0x7ff0000000000000, nan_ = 0x7fffffffffffffff, one_ = 0x3ff0000000000000;
      break;
    default:
      infinity_ = 0x7f800000, nan_ = 0x7fffffff, one_ = 0x3f800000;
      break;
  }
}

llvm::Constant* FloatValues::constant(Value* like, std::uint64_t value) {
  return emitter_.constant(like->getType(), value);
}

llvm::Type* FloatValues::float_type(Value* like) const {
  llvm::Type* scalar = nullptr;
  switch (type_) {
    case Type::F16:
      scalar = b_.getHalfTy();
      break;
    case Type::F64:
      scalar = b_.getDoubleTy();
      break;
    default:
      scalar = b_.getFloatTy();
      break;
  }
  return like->getType()->isVectorTy() ? emitter_.vector_of(scalar) : scalar;
}

Value* FloatValues::to_float(Value* value) {
  if (type_ == Type::BF16) {
    Value* wide = emitter_.resize(value, 32, false);
    value = b_.CreateShl(wide, constant(wide, 16));
  }
  return b_.CreateBitCast(value, float_type(value));
}

Value* FloatValues::to_bits(Value* value) {
  const bool is_vector = value->getType()->isVectorTy();
  if (type_ != Type::BF16) return b_.CreateBitCast(value, emitter_.int_type(bits_, !is_vector));
  // Round to nearest even by hand: add half of the last place, less one where the kept part is even.
  Value* word = b_.CreateBitCast(value, emitter_.int_type(32, !is_vector));
  Value* odd = b_.CreateAnd(b_.CreateLShr(word, constant(word, 16)), constant(word, 1));
  Value* rounded = b_.CreateAdd(word, b_.CreateAdd(odd, constant(word, 0x7fff)));
  Value* result = emitter_.resize(b_.CreateLShr(rounded, constant(word, 16)), 16, false);
  return b_.CreateSelect(b_.CreateFCmpUNO(value, value), constant(result, nan_), result);
}

Value* FloatValues::magnitude(Value* value) { return b_.CreateAnd(value, constant(value, sign_bit() - 1)); }
Value* FloatValues::negate(Value* value) { return b_.CreateXor(value, constant(value, sign_bit())); }

Value* FloatValues::is_nan(Value* value) {
  if (type_ == Type::F32 || type_ == Type::F64) {
    Value* number = to_float(value);
    return b_.CreateFCmpUNO(number, number);
  }
  return b_.CreateICmpUGT(magnitude(value), constant(value, infinity_));
}

Value* FloatValues::flush(Value* value) {
  Value* exponent = b_.CreateAnd(value, constant(value, infinity_));
  Value* small = b_.CreateICmpEQ(exponent, constant(value, 0));
  return b_.CreateSelect(small, b_.CreateAnd(value, constant(value, sign_bit())), value);
}

Value* FloatValues::canonical_nan(Value* value) {
  return b_.CreateSelect(is_nan(value), constant(value, nan_), value);
}

Value* FloatValues::extremum(Value* a, Value* c, bool maximum) {
  // A line of integers: negative numbers have their magnitude turned round.
  const auto place = [&](Value* value) {
    Value* negative = b_.CreateAShr(value, constant(value, static_cast<unsigned>(bits_ - 1)));
    return b_.CreateXor(value, b_.CreateLShr(negative, constant(value, 1)));
  };
  Value* less = b_.CreateICmpSLT(place(a), place(c));
  Value* result = b_.CreateSelect(less, maximum ? c : a, maximum ? a : c);
  Value* nan_a = is_nan(a);
  Value* nan_c = is_nan(c);
  result = b_.CreateSelect(nan_a, c, b_.CreateSelect(nan_c, a, result));
  return b_.CreateSelect(b_.CreateAnd(nan_a, nan_c), constant(a, nan_), result);
}

Value* FloatValues::saturate(Value* value) {
  // Positive numbers are ordered as their bits are.
  Value* above = b_.CreateICmpUGT(value, constant(value, one_));
  Value* zero = b_.CreateOr(b_.CreateICmpSLT(value, constant(value, 0)), is_nan(value));
  return b_.CreateSelect(zero, constant(value, 0), b_.CreateSelect(above, constant(value, one_), value));
}

Value* FloatValues::relu(Value* value) {
  Value* negative = b_.CreateICmpSLT(value, constant(value, 0));
  return b_.CreateSelect(is_nan(value), constant(value, nan_),
                         b_.CreateSelect(negative, constant(value, 0), value));
}

}  // namespace doppel::jit
