// SPDX-License-Identifier: Apache-2.0
#include "jit/small_floats.h"

namespace doppel::jit {

using ir::Rounding;
using ir::Type;
using llvm::Value;

SmallFloats::SmallFloats(FunctionEmitter& emitter, Type type)
    : emitter_(emitter), b_(emitter.b()), type_(type) {
  switch (type) {
    case Type::E4M3:
      mantissa_bits_ = 3, bias_ = 7, largest_ = 0x7e, nan_ = 0x7f;
      break;
    case Type::E5M2:
      mantissa_bits_ = 2, bias_ = 15, largest_ = 0x7b, nan_ = 0x7f;
      break;
    case Type::E2M3:
      mantissa_bits_ = 3, bias_ = 1, sign_place_ = 5, largest_ = nan_ = 0x1f;
      break;
    case Type::E3M2:
      mantissa_bits_ = 2, bias_ = 3, sign_place_ = 5, largest_ = nan_ = 0x1f;
      break;
    case Type::E2M1:
      mantissa_bits_ = 1, bias_ = 1, sign_place_ = 3, largest_ = nan_ = 7;
      break;
    default:
      largest_ = 0xfe, nan_ = 0xff;
      break;
  }
}

bool SmallFloats::is_small(Type type) { return type >= Type::E4M3 && type <= Type::UE8M0; }

llvm::Constant* SmallFloats::like(Value* value, std::uint64_t constant) {
  return emitter_.constant(value->getType(), constant);
}

Value* SmallFloats::from_single(Value* bits, const ir::Attributes& attributes) {
  Value* magnitude = b_.CreateAnd(bits, like(bits, 0x7fffffff));
  if (type_ == Type::UE8M0) return to_scale(magnitude, attributes);
  const auto dropped = static_cast<std::uint64_t>(23 - mantissa_bits_);
  const auto least_normal = static_cast<std::uint64_t>(128 - bias_) << 23;
  // Of normal numbers: half a place is added, less one where the kept part is even; then the bias is the
  // other.
  Value* odd = b_.CreateAnd(b_.CreateLShr(magnitude, like(bits, dropped)), like(bits, 1));
  Value* half = like(bits, (std::uint64_t{1} << (dropped - 1)) - 1);
  Value* normal = b_.CreateLShr(b_.CreateAdd(magnitude, b_.CreateAdd(odd, half)), like(bits, dropped));
  normal = b_.CreateSub(normal, like(bits, static_cast<std::uint64_t>(127 - bias_) << mantissa_bits_));
  // Below, one place is always the same: added to a number whose last place it is, the host rounds to it.
  Value* base = like(bits, static_cast<std::uint64_t>(127 + 24 - bias_ - mantissa_bits_) << 23);
  llvm::Type* single = bits->getType()->isVectorTy() ? emitter_.vector_of(b_.getFloatTy())
                                                     : static_cast<llvm::Type*>(b_.getFloatTy());
  Value* sum = b_.CreateFAdd(b_.CreateBitCast(magnitude, single), b_.CreateBitCast(base, single));
  Value* subnormal = b_.CreateSub(b_.CreateBitCast(sum, bits->getType()), base);
  Value* is_subnormal = b_.CreateICmpULT(magnitude, like(bits, least_normal));
  Value* code = b_.CreateSelect(is_subnormal, subnormal, normal);
  code = b_.CreateBinaryIntrinsic(llvm::Intrinsic::umin, code, like(bits, largest_));
  Value* negative = b_.CreateICmpSLT(bits, like(bits, 0));
  Value* with_sign = b_.CreateOr(code, like(bits, std::uint64_t{1} << sign_place_));
  code = b_.CreateSelect(negative, attributes.relu ? like(bits, 0) : with_sign, code);
  return b_.CreateSelect(b_.CreateICmpUGT(magnitude, like(bits, 0x7f800000)), like(bits, nan_), code);
}

// Powers of two from 2^-127 on: the exponent of the magnitude, or with .rp the next where there is more.
Value* SmallFloats::to_scale(Value* magnitude, const ir::Attributes& attributes) {
  Value* code = b_.CreateLShr(magnitude, like(magnitude, 23));
  if (attributes.rounding == Rounding::Rp) {
    Value* more = b_.CreateICmpNE(b_.CreateAnd(magnitude, like(magnitude, 0x7fffff)), like(magnitude, 0));
    more = b_.CreateAnd(more, b_.CreateICmpUGT(magnitude, like(magnitude, 0x400000)));
    more = b_.CreateAnd(more, b_.CreateICmpULT(magnitude, like(magnitude, 0x7f800000)));
    code = b_.CreateAdd(code, b_.CreateZExt(more, magnitude->getType()));
  }
  if (attributes.satfinite)
    code = b_.CreateBinaryIntrinsic(llvm::Intrinsic::umin, code, like(magnitude, largest_));
  return b_.CreateSelect(b_.CreateICmpUGT(magnitude, like(magnitude, 0x7f800000)), like(magnitude, nan_),
                         code);
}

Value* SmallFloats::to_single(Value* value) {
  Value* wide = emitter_.resize(value, 32, false);
  if (type_ == Type::UE8M0) {
    Value* bits = b_.CreateShl(wide, like(wide, 23));
    bits = b_.CreateSelect(b_.CreateICmpEQ(wide, like(wide, 0)), like(wide, 0x400000), bits);
    return b_.CreateSelect(b_.CreateICmpEQ(wide, like(wide, nan_)), like(wide, 0x7fffffff), bits);
  }
  const std::uint64_t sign = std::uint64_t{1} << sign_place_;
  Value* magnitude = b_.CreateAnd(wide, like(wide, sign - 1));
  llvm::Type* single = wide->getType()->isVectorTy() ? emitter_.vector_of(b_.getFloatTy())
                                                     : static_cast<llvm::Type*>(b_.getFloatTy());
  // As if the bias were that of f32, then times the power of two between them: exact, subnormals too.
  Value* number = b_.CreateBitCast(
      b_.CreateShl(magnitude, like(wide, static_cast<std::uint64_t>(23 - mantissa_bits_))), single);
  Value* factor = b_.CreateBitCast(like(wide, static_cast<std::uint64_t>(127 + 127 - bias_) << 23), single);
  Value* bits = b_.CreateBitCast(b_.CreateFMul(number, factor), wide->getType());
  if (type_ == Type::E5M2) {  // the one with infinities
    Value* infinite = b_.CreateICmpEQ(magnitude, like(wide, 0x7c));
    Value* none = b_.CreateICmpUGT(magnitude, like(wide, 0x7c));
    bits = b_.CreateSelect(infinite, like(wide, 0x7f800000), bits);
    bits = b_.CreateSelect(none, like(wide, 0x7fffffff), bits);
  } else if (type_ == Type::E4M3) {
    bits = b_.CreateSelect(b_.CreateICmpEQ(magnitude, like(wide, nan_)), like(wide, 0x7fffffff), bits);
  }
  Value* place = b_.CreateShl(b_.CreateAnd(wide, like(wide, sign)),
                              like(wide, static_cast<std::uint64_t>(31 - sign_place_)));
  return b_.CreateOr(bits, place);
}

}  // namespace doppel::jit
