// Integer arithmetic (PTX ISA 9.7.1, 9.7.2).
#include <llvm/Analysis/VectorUtils.h>

#include "jit/helper_call.h"
#include "jit/lower.h"

namespace doppel::jit {

using llvm::Value;
using llvm::Intrinsic::ID;
using ptx::Instruction;
using ptx::MulPart;
using ptx::Opcode;
using ptx::Type;

namespace {

// An operand as one type, or each half of a packed one.
struct IntegerLowering {
  FunctionEmitter& emitter;
  const Instruction& instruction;
  Sources source;
  llvm::IRBuilder<>& b;
  Type type;
  int bits;
  bool sign;

  IntegerLowering(FunctionEmitter& e, const Instruction& i)
      : emitter(e),
        instruction(i),
        source(e, i),
        b(e.b()),
        type(i.type),
        bits(ptx::bit_width(i.type)),
        sign(ptx::is_signed(i.type)) {}

  Value* like(Value* value, std::uint64_t constant) { return emitter.constant(value->getType(), constant); }
  Value* extend(Value* value, int to) { return emitter.resize(value, to, sign); }

  Value* multiply(Value* x, Value* y) {
    const MulPart part = instruction.modifiers.mul_part;
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
    if (instruction.modifiers.mul_part == MulPart::Hi) product = b.CreateLShr(product, like(product, 16));
    return emitter.resize(product, 32, false);
  }

  Value* saturating(ID id, Value* x, Value* y) { return b.CreateBinaryIntrinsic(id, x, y); }

  // The carry flag is one bit a lane, kept as a register of its own. A subtraction is a + ~b + carry, with 1
  // where it takes none in: it leaves 1 where there was no borrow, as cards have it, so that sums and
  // differences may follow one another in a chain (docs/exactness.md).
  Value* with_carry(Value* x, Value* y, bool subtract) {
    const ptx::Modifiers& m = instruction.modifiers;
    if (!m.carry_in && !m.carry_out) return subtract ? b.CreateSub(x, y) : b.CreateAdd(x, y);
    x = emitter.splat(x);
    y = emitter.splat(y);
    Value* result = nullptr;
    Value* carry = nullptr;
    if (m.carry_in) {
      if (subtract) y = b.CreateNot(y);
      Value* sum = b.CreateAdd(x, y);
      result = b.CreateAdd(sum, b.CreateZExt(emitter.carry_flag(), sum->getType()));
      carry = b.CreateOr(b.CreateICmpULT(sum, x), b.CreateICmpULT(result, sum));
    } else if (subtract) {
      result = b.CreateSub(x, y);
      carry = b.CreateICmpUGE(x, y);
    } else {
      result = b.CreateAdd(x, y);
      carry = b.CreateICmpULT(result, x);
    }
    if (m.carry_out) emitter.set_carry_flag(carry);
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
    Value* a = source(1, Type::B32);
    Value* c = source(2, Type::B32);
    Value* sum = source(3, Type::B32);
    const bool sign_b = ptx::is_signed(instruction.source_type);
    const int width_a = four ? 8 : 16;
    const auto field = [&](Value* value, int at, int width, bool is_signed) {
      value = b.CreateShl(value, like(value, static_cast<unsigned>(32 - at - width)));
      Value* amount = like(value, static_cast<unsigned>(32 - width));
      return is_signed ? b.CreateAShr(value, amount) : b.CreateLShr(value, amount);
    };
    for (int i = 0; i < (four ? 4 : 2); ++i) {
      const int b_byte = four ? i : i + (instruction.modifiers.mul_part == MulPart::Hi ? 2 : 0);
      sum = b.CreateAdd(sum,
                        b.CreateMul(field(a, width_a * i, width_a, sign), field(c, 8 * b_byte, 8, sign_b)));
    }
    return sum;
  }

  Value* pick(Value* x, Value* y, bool maximum) {
    const ID id = maximum ? (sign ? llvm::Intrinsic::smax : llvm::Intrinsic::umax)
                          : (sign ? llvm::Intrinsic::smin : llvm::Intrinsic::umin);
    Value* chosen = b.CreateBinaryIntrinsic(id, x, y);
    if (instruction.modifiers.relu)
      chosen = b.CreateBinaryIntrinsic(llvm::Intrinsic::smax, chosen, like(chosen, 0));
    return chosen;
  }

  Value* compute() {
    const ptx::Modifiers& m = instruction.modifiers;
    switch (instruction.opcode) {
      case Opcode::Add:
        if (m.sat) return saturating(llvm::Intrinsic::sadd_sat, source(1, type), source(2, type));
        [[fallthrough]];
      case Opcode::AddC:
        return with_carry(source(1, type), source(2, type), false);
      case Opcode::Sub:
        if (m.sat) return saturating(llvm::Intrinsic::ssub_sat, source(1, type), source(2, type));
        [[fallthrough]];
      case Opcode::SubC:
        return with_carry(source(1, type), source(2, type), true);
      case Opcode::Mul:
        return multiply(source(1, type), source(2, type));
      case Opcode::Mad:
      case Opcode::MadC: {
        Value* product = multiply(source(1, type), source(2, type));
        const int width = static_cast<int>(product->getType()->getScalarSizeInBits());
        Value* addend = source(3, width == 16 ? Type::B16 : width == 32 ? Type::B32 : Type::B64);
        if (m.sat) return saturating(llvm::Intrinsic::sadd_sat, product, addend);
        return with_carry(product, addend, false);
      }
      case Opcode::Mul24:
        return multiply24(source(1, type), source(2, type));
      case Opcode::Mad24: {
        Value* product = multiply24(source(1, type), source(2, type));
        if (m.sat) return saturating(llvm::Intrinsic::sadd_sat, product, source(3, type));
        return b.CreateAdd(product, source(3, type));
      }
      case Opcode::Sad: {
        Value* x = source(1, type);
        Value* y = source(2, type);
        Value* less = sign ? b.CreateICmpSLT(x, y) : b.CreateICmpULT(x, y);
        Value* difference = b.CreateSelect(less, b.CreateSub(y, x), b.CreateSub(x, y));
        return b.CreateAdd(source(3, type), difference);
      }
      case Opcode::Div:
        return divide(source(1, type), source(2, type), false);
      case Opcode::Rem:
        return divide(source(1, type), source(2, type), true);
      case Opcode::Abs:
        return b.CreateBinaryIntrinsic(llvm::Intrinsic::abs, source(1, type), b.getFalse());
      case Opcode::Neg:
        return b.CreateNeg(source(1, type));
      case Opcode::Min:
        return pick(source(1, type), source(2, type), false);
      case Opcode::Max:
        return pick(source(1, type), source(2, type), true);
      case Opcode::Dp4a:
        return dot_product(true);
      case Opcode::Dp2a:
        return dot_product(false);
      default:
        return nullptr;
    }
  }

  // add, sub, min, max of .u16x2 and .s16x2: each half on its own.
  Value* compute_packed() {
    Value* x = source(1, Type::B32);
    Value* y = source(2, Type::B32);
    const auto half = [&](Value* value, int at) {
      return emitter.resize(at == 0 ? value : b.CreateLShr(value, like(value, 16)), 16, false);
    };
    Value* result = nullptr;
    for (int at = 0; at < 2; ++at) {
      Value* part = nullptr;
      switch (instruction.opcode) {
        case Opcode::Add:
          part = b.CreateAdd(half(x, at), half(y, at));
          break;
        case Opcode::Sub:
          part = b.CreateSub(half(x, at), half(y, at));
          break;
        case Opcode::Min:
          part = pick(half(x, at), half(y, at), false);
          break;
        case Opcode::Max:
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

bool lower_integer(FunctionEmitter& emitter, const Instruction& instruction) {
  if (ptx::is_float(instruction.type)) return false;
  switch (instruction.opcode) {
    case Opcode::Add:
    case Opcode::Sub:
    case Opcode::Mul:
    case Opcode::Mad:
    case Opcode::Mul24:
    case Opcode::Mad24:
    case Opcode::Sad:
    case Opcode::Div:
    case Opcode::Rem:
    case Opcode::Abs:
    case Opcode::Neg:
    case Opcode::Min:
    case Opcode::Max:
    case Opcode::AddC:
    case Opcode::SubC:
    case Opcode::MadC:
    case Opcode::Dp4a:
    case Opcode::Dp2a:
      break;
    default:
      return false;
  }
  IntegerLowering lowering(emitter, instruction);
  Value* result = ptx::is_packed(instruction.type) ? lowering.compute_packed() : lowering.compute();
  if (result == nullptr) return false;
  emitter.write(instruction.operands[0], result);
  return true;
}

}  // namespace doppel::jit
