// SPDX-License-Identifier: Apache-2.0
// Integer arithmetic (PTX ISA 9.7.1, 9.7.2).
#include <llvm/Analysis/VectorUtils.h>

#include "jit/helper_call.h"
#include "jit/lower.h"

namespace doppel::jit {

using ir::MulPart;
using ir::Op;
using ir::Operation;
using ir::Type;
using llvm::Value;
using llvm::Intrinsic::ID;

namespace {

// An operand as one type, or each half of a packed one.
struct IntegerLowering {
  FunctionEmitter& emitter;
  const Operation& operation;
  Sources source;
  llvm::IRBuilder<>& b;
  Type type;
  int bits;
  bool sign;

  IntegerLowering(FunctionEmitter& e, const Operation& i)
      : emitter(e),
        operation(i),
        source(e, i),
        b(e.b()),
        type(i.type),
        bits(ir::bit_width(i.type)),
        sign(ir::is_signed(i.type)) {}

  Value* like(Value* value, std::uint64_t constant) { return emitter.constant(value->getType(), constant); }
  Value* extend(Value* value, int to) { return emitter.resize(value, to, sign); }

  Value* multiply(Value* x, Value* y) {
    const MulPart part = operation.attributes.mul_part;
    if (part == MulPart::Lo) return b.CreateMul(x, y);
    if (bits == 64 && x->getType()->isVectorTy()) {
      return call_helper(emitter, sign ? "doppel_mulhi_s64" : "doppel_mulhi_u64", {x, y}, 64);
    }
    Value* product = b.CreateMul(extend(x, 2 * bits), extend(y, 2 * bits));
    if (part == MulPart::Wide) return product;
    return emitter.resize(b.CreateLShr(product, like(product, static_cast<unsigned>(bits))), bits, false);
  }

  // 9.7.1.5: the 24 low bits; .hi is bits 47..16 of the product.
  Value* multiply24(Value* x, Value* y) {
    const auto cut = [&](Value* value) {
      value = b.CreateShl(value, like(value, 8));
      value = sign ? b.CreateAShr(value, like(value, 8)) : b.CreateLShr(value, like(value, 8));
      return emitter.resize(value, 64, sign);
    };
    Value* product = b.CreateMul(cut(x), cut(y));
    if (operation.attributes.mul_part == MulPart::Hi) product = b.CreateLShr(product, like(product, 16));
    return emitter.resize(product, 32, false);
  }

  Value* saturating(ID id, Value* x, Value* y) { return b.CreateBinaryIntrinsic(id, x, y); }

  // x + y + carry, or x + ~y + carry where it subtracts: the carry out is 1 where there was no borrow, as
  // cards have it, so that sums and differences may follow one another in a chain (docs/exactness.md).
  Value* with_carry(Value* x, Value* y, bool subtract) {
    Value* in = source(operation.sources.size() - 1, Type::Pred);
    Value* result = nullptr;
    Value* carry = nullptr;
    if (!operation.sources.back().is_immediate()) {
      if (subtract) y = b.CreateNot(y);
      Value* sum = b.CreateAdd(x, y);
      result = b.CreateAdd(sum, b.CreateZExt(in, sum->getType()));
      carry = b.CreateOr(b.CreateICmpULT(sum, x), b.CreateICmpULT(result, sum));
    } else if (subtract) {  // of a carry of 1
      result = b.CreateSub(x, y);
      carry = b.CreateICmpUGE(x, y);
    } else {  // of 0
      result = b.CreateAdd(x, y);
      carry = b.CreateICmpULT(result, x);
    }
    emitter.write(operation.results[1], carry);
    return result;
  }

  // 9.7.1.9: division by zero gives an unspecified value, never a fault: all ones, and the dividend as
  // remainder.
  Value* divide(Value* x, Value* y, bool remainder) {
    if (bits < 64) {
      const bool vector = x->getType()->isVectorTy();
      Value* same = vector ? llvm::getSplatValue(y) : nullptr;
      if (same != nullptr) y = same;
      Value* zero = b.CreateICmpEQ(y, like(y, 0));
      Value* divisor = b.CreateSelect(zero, like(y, 1), y);
      Value* quotient = vector ? vector_quotient(x, divisor) : scalar_quotient(x, divisor);
      if (vector) divisor = emitter.splat(divisor);
      if (remainder) return b.CreateSelect(zero, x, b.CreateSub(x, b.CreateMul(quotient, divisor)));
      return b.CreateSelect(zero, like(x, ~std::uint64_t{0}), quotient);
    }
    Value* zero = b.CreateICmpEQ(y, like(y, 0));
    if (x->getType()->isVectorTy() && !llvm::isa<llvm::Constant>(y)) {
      const char* name = sign ? (remainder ? "doppel_rem_s64" : "doppel_div_s64")
                              : (remainder ? "doppel_rem_u64" : "doppel_div_u64");
      return call_helper(emitter, name, {x, y}, 64);
    }
    Value* divisor = b.CreateSelect(zero, like(y, 1), y);
    Value* quotient = scalar_quotient(x, divisor);
    if (remainder) return b.CreateSelect(zero, x, b.CreateSub(x, b.CreateMul(quotient, divisor)));
    return b.CreateSelect(zero, like(x, ~std::uint64_t{0}), quotient);
  }

  // Lanes of up to 32 bits, by a divisor of each or one of all, in double precision and of magnitudes, since
  // 2^31 (INT_MIN / -1) has no signed form. For x, d < 2^32 the quotient (x + 1/2) / d is at least 1/2d away
  // from every integer. A product with the rounded reciprocal is wrong by less than 2^33 / d * 2^-52, so its
  // integer part is exact; a division's the more so.
  Value* vector_quotient(Value* x, Value* divisor) {
    Value* negative = nullptr;
    if (sign) {
      negative = b.CreateICmpSLT(b.CreateXor(x, emitter.splat(divisor)), like(x, 0));
      x = b.CreateBinaryIntrinsic(llvm::Intrinsic::abs, x, b.getFalse());
      divisor = b.CreateBinaryIntrinsic(llvm::Intrinsic::abs, divisor, b.getFalse());
    }
    llvm::Type* one = b.getDoubleTy();
    llvm::Type* lanes = emitter.vector_of(one);
    Value* dividend = b.CreateFAdd(b.CreateUIToFP(x, lanes), llvm::ConstantFP::get(lanes, 0.5));
    Value* ratio = nullptr;
    if (divisor->getType()->isVectorTy()) {
      ratio = b.CreateFDiv(dividend, b.CreateUIToFP(divisor, lanes));
    } else {
      Value* reciprocal = b.CreateFDiv(llvm::ConstantFP::get(one, 1), b.CreateUIToFP(divisor, one));
      ratio = b.CreateFMul(dividend, emitter.splat(reciprocal));
    }
    Value* quotient = emitter.resize(b.CreateFPToUI(ratio, emitter.int_type(32, false)), bits, false);
    return negative == nullptr ? quotient : b.CreateSelect(negative, b.CreateNeg(quotient), quotient);
  }

  // divisor is not zero; the overflow of INT_MIN / -1 wraps.
  Value* scalar_quotient(Value* x, Value* divisor) {
    if (!sign) return b.CreateUDiv(x, divisor);
    Value* minus_one = b.CreateICmpEQ(divisor, like(divisor, ~std::uint64_t{0}));
    Value* safe = b.CreateSelect(minus_one, like(divisor, 1), divisor);
    return b.CreateSelect(minus_one, b.CreateNeg(x), b.CreateSDiv(x, safe));
  }

  Value* dot_product(bool four) {
    Value* a = source(0, Type::B32);
    Value* c = source(1, Type::B32);
    Value* sum = source(2, Type::B32);
    const bool sign_b = ir::is_signed(operation.source_type);
    const int width_a = four ? 8 : 16;
    const auto field = [&](Value* value, int at, int width, bool is_signed) {
      value = b.CreateShl(value, like(value, static_cast<unsigned>(32 - at - width)));
      Value* amount = like(value, static_cast<unsigned>(32 - width));
      return is_signed ? b.CreateAShr(value, amount) : b.CreateLShr(value, amount);
    };
    for (int i = 0; i < (four ? 4 : 2); ++i) {
      const int b_byte = four ? i : i + (operation.attributes.mul_part == MulPart::Hi ? 2 : 0);
      sum = b.CreateAdd(sum,
                        b.CreateMul(field(a, width_a * i, width_a, sign), field(c, 8 * b_byte, 8, sign_b)));
    }
    return sum;
  }

  Value* pick(Value* x, Value* y, bool maximum) {
    const ID id = maximum ? (sign ? llvm::Intrinsic::smax : llvm::Intrinsic::umax)
                          : (sign ? llvm::Intrinsic::smin : llvm::Intrinsic::umin);
    Value* chosen = b.CreateBinaryIntrinsic(id, x, y);
    if (operation.attributes.relu)
      chosen = b.CreateBinaryIntrinsic(llvm::Intrinsic::smax, chosen, like(chosen, 0));
    return chosen;
  }

  Value* compute() {
    const ir::Attributes& m = operation.attributes;
    switch (operation.op) {
      case Op::IAdd:
        if (m.sat) return saturating(llvm::Intrinsic::sadd_sat, source(0, type), source(1, type));
        return b.CreateAdd(source(0, type), source(1, type));
      case Op::ISub:
        if (m.sat) return saturating(llvm::Intrinsic::ssub_sat, source(0, type), source(1, type));
        return b.CreateSub(source(0, type), source(1, type));
      case Op::IAddCarry:
        return with_carry(source(0, type), source(1, type), false);
      case Op::ISubCarry:
        return with_carry(source(0, type), source(1, type), true);
      case Op::IMul:
        return multiply(source(0, type), source(1, type));
      case Op::IMadCarry:
        return with_carry(multiply(source(0, type), source(1, type)), source(2, type), false);
      case Op::IMad: {
        Value* product = multiply(source(0, type), source(1, type));
        const int width = static_cast<int>(product->getType()->getScalarSizeInBits());
        Value* addend = source(2, width == 16 ? Type::B16 : width == 32 ? Type::B32 : Type::B64);
        if (m.sat) return saturating(llvm::Intrinsic::sadd_sat, product, addend);
        return b.CreateAdd(product, addend);
      }
      case Op::IMul24:
        return multiply24(source(0, type), source(1, type));
      case Op::IMad24: {
        Value* product = multiply24(source(0, type), source(1, type));
        if (m.sat) return saturating(llvm::Intrinsic::sadd_sat, product, source(2, type));
        return b.CreateAdd(product, source(2, type));
      }
      case Op::ISad: {
        Value* x = source(0, type);
        Value* y = source(1, type);
        Value* less = sign ? b.CreateICmpSLT(x, y) : b.CreateICmpULT(x, y);
        Value* difference = b.CreateSelect(less, b.CreateSub(y, x), b.CreateSub(x, y));
        return b.CreateAdd(source(2, type), difference);
      }
      case Op::IDiv:
        return divide(source(0, type), source(1, type), false);
      case Op::IRem:
        return divide(source(0, type), source(1, type), true);
      case Op::IAbs:
        return b.CreateBinaryIntrinsic(llvm::Intrinsic::abs, source(0, type), b.getFalse());
      case Op::INeg:
        return b.CreateNeg(source(0, type));
      case Op::IMin:
        return pick(source(0, type), source(1, type), false);
      case Op::IMax:
        return pick(source(0, type), source(1, type), true);
      case Op::Dp4a:
        return dot_product(true);
      case Op::Dp2a:
        return dot_product(false);
      default:
        return nullptr;
    }
  }

  // add, sub, min, max of .u16x2 and .s16x2: each half on its own.
  Value* compute_packed() {
    Value* x = source(0, Type::B32);
    Value* y = source(1, Type::B32);
    const auto half = [&](Value* value, int at) {
      return emitter.resize(at == 0 ? value : b.CreateLShr(value, like(value, 16)), 16, false);
    };
    Value* result = nullptr;
    for (int at = 0; at < 2; ++at) {
      Value* part = nullptr;
      switch (operation.op) {
        case Op::IAdd:
          part = b.CreateAdd(half(x, at), half(y, at));
          break;
        case Op::ISub:
          part = b.CreateSub(half(x, at), half(y, at));
          break;
        case Op::IMin:
          part = pick(half(x, at), half(y, at), false);
          break;
        case Op::IMax:
          part = pick(half(x, at), half(y, at), true);
          break;
        default:
          return nullptr;
      }
      part = emitter.resize(part, 32, false);
      result = at == 0 ? part : b.CreateOr(result, b.CreateShl(part, like(part, 16)));
    }
    return result;
  }
};

}  // namespace

bool lower_integer(FunctionEmitter& emitter, const Operation& operation) {
  switch (operation.op) {
    case Op::IAdd:
    case Op::ISub:
    case Op::IAddCarry:
    case Op::ISubCarry:
    case Op::IMul:
    case Op::IMad:
    case Op::IMadCarry:
    case Op::IMul24:
    case Op::IMad24:
    case Op::ISad:
    case Op::IDiv:
    case Op::IRem:
    case Op::IAbs:
    case Op::INeg:
    case Op::IMin:
    case Op::IMax:
    case Op::Dp4a:
    case Op::Dp2a:
      break;
    default:
      return false;
  }
  IntegerLowering lowering(emitter, operation);
  Value* result = ir::is_packed(operation.type) ? lowering.compute_packed() : lowering.compute();
  if (result == nullptr) return false;
  emitter.write(operation.results[0], result);
  return true;
}

}  // namespace doppel::jit
