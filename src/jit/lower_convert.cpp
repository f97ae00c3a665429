// SPDX-License-Identifier: Apache-2.0
// cvt and cvt.pack (PTX ISA 9.7.9.21, 9.7.9.22).
#include "jit/float_values.h"
#include "jit/helper_call.h"
#include "jit/lower.h"
#include "jit/small_floats.h"

namespace doppel::jit {

using ir::Op;
using ir::Operation;
using ir::Rounding;
using ir::Type;
using llvm::Value;

namespace {

class Conversion {
 public:
  Conversion(FunctionEmitter& emitter, const Operation& operation, Type to, Type from)
      : emitter_(emitter),
        b_(emitter.b()),
        m_(operation.attributes),
        to_(to),
        from_(from),
        to_bits_(ir::bit_width(to)) {}

  // From the source's width to the result's; TF32 results have 32 bits.
  Value* convert(Value* value) {
    if (!ir::is_float(from_) && !ir::is_float(to_)) return integer_to_integer(value, m_.sat);
    if (!ir::is_float(to_)) return float_to_integer(value);
    if (to_ == Type::TF32) return float_to_tf32(value);
    if (SmallFloats::is_small(to_)) return to_small(value);
    if (SmallFloats::is_small(from_)) return finish(from_small(value));
    Value* result = ir::is_float(from_) ? float_to_float(value) : integer_to_float(value);
    return finish(result);
  }

  Value* integer_to_integer(Value* value, bool saturate) {
    const int from_bits = ir::bit_width(from_);
    const bool from_signed = ir::is_signed(from_), to_signed = ir::is_signed(to_);
    if (saturate) {
      const std::uint64_t top = to_bits_ == 64 && !to_signed ? ~std::uint64_t{0}
                                : to_signed                  ? (std::uint64_t{1} << (to_bits_ - 1)) - 1
                                                             : (std::uint64_t{1} << to_bits_) - 1;
      const std::uint64_t type_top = from_bits == 64 && !from_signed ? ~std::uint64_t{0}
                                     : from_signed ? (std::uint64_t{1} << (from_bits - 1)) - 1
                                                   : (std::uint64_t{1} << from_bits) - 1;
      if (from_signed) {
        const std::int64_t least = to_signed ? -static_cast<std::int64_t>(top) - 1 : 0;
        if (!to_signed || to_bits_ < from_bits) {
          value = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, value,
                                           like(value, static_cast<std::uint64_t>(least)));
        }
        if (top < type_top) value = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, value, like(value, top));
      } else if (top < type_top) {
        value = b_.CreateBinaryIntrinsic(llvm::Intrinsic::umin, value, like(value, top));
      }
    }
    return emitter_.resize(value, to_bits_, from_signed);
  }

 private:
  Value* like(Value* value, std::uint64_t constant) { return emitter_.constant(value->getType(), constant); }

  Value* round_to_integral(Value* number) {
    llvm::Intrinsic::ID id = llvm::Intrinsic::roundeven;
    switch (m_.rounding) {
      case Rounding::Rzi:
        id = llvm::Intrinsic::trunc;
        break;
      case Rounding::Rmi:
        id = llvm::Intrinsic::floor;
        break;
      case Rounding::Rpi:
        id = llvm::Intrinsic::ceil;
        break;
      default:
        break;
    }
    return b_.CreateUnaryIntrinsic(id, number);
  }

  bool rounds_to_integral() const { return m_.rounding >= Rounding::Rni && m_.rounding <= Rounding::Rpi; }

  // Out of range is clamped. NaN gives 0, but the smallest integer where the source is .f64 or the result has
  // 64 bits ('Integer Notes').
  Value* float_to_integer(Value* value) {
    FloatValues source(emitter_, from_);
    if (m_.ftz && from_ == Type::F32) value = source.flush(value);
    Value* number = source.to_float(value);
    if (from_ == Type::F16) {
      number = b_.CreateFPExt(
          number, value->getType()->isVectorTy() ? emitter_.vector_of(b_.getFloatTy()) : b_.getFloatTy());
    }
    Value* integral = round_to_integral(number);
    llvm::Type* type = emitter_.int_type(to_bits_, !value->getType()->isVectorTy());
    Value* result =
        b_.CreateIntrinsic(ir::is_signed(to_) ? llvm::Intrinsic::fptosi_sat : llvm::Intrinsic::fptoui_sat,
                           {type, integral->getType()}, {integral});
    if (from_ == Type::F64 || to_bits_ == 64) {
      result =
          b_.CreateSelect(source.is_nan(value), like(result, std::uint64_t{1} << (to_bits_ - 1)), result);
    }
    return result;
  }

  Value* by_helper(Value* value) {
    const bool uniform = !value->getType()->isVectorTy();
    Value* wide = emitter_.resize(value, 64, !ir::is_float(from_) && ir::is_signed(from_));
    Value* result = call_helper(emitter_, "doppel_convert_to_float", {wide}, 64,
                                {static_cast<std::uint32_t>(from_), static_cast<std::uint32_t>(to_),
                                 static_cast<std::uint32_t>(m_.rounding)});
    result = emitter_.resize(result, to_bits_, false);
    return uniform ? b_.CreateExtractElement(result, std::uint64_t{0}) : result;
  }

  Value* integer_to_float(Value* value) {
    FloatValues target(emitter_, to_);
    // To f16 through f32: integers that f32 rounds are beyond the range of f16.
    const bool simple = m_.rounding == Rounding::Rn && to_ != Type::BF16;
    if (!simple) return by_helper(value);
    llvm::Type* type = target.float_type(value);
    Value* number = ir::is_signed(from_) ? b_.CreateSIToFP(value, to_ == Type::F16 ? as_float(value) : type)
                                         : b_.CreateUIToFP(value, to_ == Type::F16 ? as_float(value) : type);
    if (to_ == Type::F16) number = b_.CreateFPTrunc(number, type);
    return target.to_bits(number);
  }

  llvm::Type* as_float(Value* like_value) {
    return like_value->getType()->isVectorTy() ? emitter_.vector_of(b_.getFloatTy())
                                               : static_cast<llvm::Type*>(b_.getFloatTy());
  }

  Value* float_to_float(Value* value) {
    FloatValues source(emitter_, from_), target(emitter_, to_);
    if (m_.ftz && from_ == Type::F32) value = source.flush(value);
    if (from_ == to_) {
      Value* result = value;
      if (rounds_to_integral()) {
        Value* number = source.to_float(value);
        if (from_ == Type::F16) number = b_.CreateFPExt(number, as_float(value));
        number = round_to_integral(number);
        if (from_ == Type::F16) number = b_.CreateFPTrunc(number, source.float_type(value));
        result = source.to_bits(number);
      }
      if (from_ == Type::F64) {
        return b_.CreateSelect(source.is_nan(value), b_.CreateOr(value, like(value, std::uint64_t{1} << 51)),
                               result);
      }
      return target.canonical_nan(result);
    }
    const bool widens = ir::bit_width(to_) > ir::bit_width(from_);
    const bool plain = to_ != Type::BF16 && from_ != Type::BF16;
    Value* result = nullptr;
    if (widens && plain) {
      result = b_.CreateBitCast(b_.CreateFPExt(source.to_float(value), target.float_type(value)),
                                emitter_.int_type(to_bits_, !value->getType()->isVectorTy()));
    } else if (from_ == Type::BF16 && to_ == Type::F32) {
      result =
          b_.CreateBitCast(source.to_float(value), emitter_.int_type(32, !value->getType()->isVectorTy()));
    } else if (m_.rounding == Rounding::Rn &&
               ((from_ == Type::F64 && to_ == Type::F32) || (from_ == Type::F32 && to_ == Type::F16))) {
      result = target.to_bits(b_.CreateFPTrunc(source.to_float(value), target.float_type(value)));
    } else if (m_.rounding == Rounding::Rn && from_ == Type::F32 && to_ == Type::BF16) {
      result = target.to_bits(source.to_float(value));
    } else {
      result = by_helper(value);
    }
    // A NaN loses its payload.
    return b_.CreateSelect(source.is_nan(value), like(result, target.nan()), result);
  }

  // The upper 19 bits of an f32 (PTX ISA 5.2.3).
  Value* float_to_tf32(Value* value) {
    FloatValues source(emitter_, Type::F32);
    Value* rounded = value;
    if (m_.rounding == Rounding::Rna) {
      rounded = b_.CreateAdd(value, like(value, 0x1000));
    } else if (m_.rounding == Rounding::Rn) {
      Value* odd = b_.CreateAnd(b_.CreateLShr(value, like(value, 13)), like(value, 1));
      rounded = b_.CreateAdd(value, b_.CreateAdd(odd, like(value, 0xfff)));
    }
    Value* result = b_.CreateAnd(rounded, like(value, 0xffffe000));
    Value* nan = source.is_nan(value);
    if (m_.satfinite) {
      Value* infinite = b_.CreateICmpEQ(source.magnitude(result), like(result, 0x7f800000));
      result = b_.CreateSelect(infinite, b_.CreateSub(result, like(result, 0x2000)), result);
    }
    if (m_.relu) result = b_.CreateSelect(b_.CreateICmpSLT(result, like(result, 0)), like(result, 0), result);
    return b_.CreateSelect(nan, like(result, 0x7fffe000), result);
  }

  Value* to_small(Value* value) {
    Value* single = emitter_.resize(value, 32, false);
    if (from_ == Type::BF16) single = b_.CreateShl(single, like(single, 16));
    if (from_ == Type::F16) {
      FloatValues source(emitter_, from_);
      single = b_.CreateBitCast(b_.CreateFPExt(source.to_float(value), as_float(value)), single->getType());
    }
    return emitter_.resize(SmallFloats(emitter_, to_).from_single(single, m_), to_bits_, false);
  }

  // To f16, which holds all of them, or of factors bf16.
  Value* from_small(Value* value) {
    FloatValues target(emitter_, to_);
    Value* single = SmallFloats(emitter_, from_).to_single(value);
    if (to_ == Type::BF16) return emitter_.resize(b_.CreateLShr(single, like(single, 16)), to_bits_, false);
    Value* result =
        target.to_bits(b_.CreateFPTrunc(b_.CreateBitCast(single, as_float(value)), target.float_type(value)));
    return target.canonical_nan(result);
  }

  Value* finish(Value* result) {
    FloatValues target(emitter_, to_);
    if (m_.satfinite) {
      Value* infinite = b_.CreateICmpEQ(target.magnitude(result), like(result, target.infinity()));
      result = b_.CreateSelect(infinite, b_.CreateSub(result, like(result, 1)), result);
    }
    if (m_.ftz && to_ == Type::F32) result = target.flush(result);
    if (m_.sat) result = target.saturate(result);
    if (m_.relu) result = target.relu(result);
    return result;
  }

  FunctionEmitter& emitter_;
  llvm::IRBuilder<>& b_;
  const ir::Attributes& m_;
  Type to_, from_;
  int to_bits_;
};

// A wider register is filled by the sign or by zeros (9.7.9.21).
void write_extended(FunctionEmitter& emitter, const Operation& operation, Value* result) {
  if (operation.results[0].is_register()) {
    const int width = emitter.function().width(operation.results[0].reg);
    result = emitter.resize(result, width, ir::is_signed(operation.type));
  }
  emitter.write(operation.results[0], result);
}

}  // namespace

bool lower_convert(FunctionEmitter& emitter, const Operation& operation) {
  llvm::IRBuilder<>& b = emitter.b();
  Sources source(emitter, operation);
  const Type from = operation.source_type;
  if (operation.op == Op::IPack) {
    Conversion conversion(emitter, operation, operation.type, from);
    const int bits = ir::bit_width(operation.type);
    Value* high = emitter.resize(conversion.integer_to_integer(source(0, from), true), 32, false);
    Value* low = emitter.resize(conversion.integer_to_integer(source(1, from), true), 32, false);
    Value* result =
        b.CreateOr(low, b.CreateShl(high, emitter.constant(high->getType(), static_cast<unsigned>(bits))));
    if (operation.sources.size() > 2) {
      Value* above = source(2, Type::B32);
      result = b.CreateOr(
          result, b.CreateShl(above, emitter.constant(above->getType(), static_cast<unsigned>(2 * bits))));
    }
    emitter.write(operation.results[0], result);
    return true;
  }
  if (operation.op == Op::FPack) {
    // Two values, or the halves of one that is packed itself.
    const Type element = ir::element_type(operation.type), part = ir::element_type(from);
    const int bits = ir::bit_width(element), part_bits = ir::bit_width(part);
    Value *high = nullptr, *low = nullptr;
    if (operation.sources.size() == 2) {
      high = source(0, from);
      low = source(1, from);
    } else {
      Value* both = source(0, from);
      high = emitter.resize(
          b.CreateLShr(both, emitter.constant(both->getType(), static_cast<unsigned>(part_bits))), part_bits,
          false);
      low = emitter.resize(both, part_bits, false);
    }
    Conversion conversion(emitter, operation, element, part);
    high = emitter.resize(conversion.convert(high), 2 * bits, false);
    low = emitter.resize(conversion.convert(low), 2 * bits, false);
    write_extended(
        emitter, operation,
        b.CreateOr(low, b.CreateShl(high, emitter.constant(high->getType(), static_cast<unsigned>(bits)))));
    return true;
  }
  if (operation.op != Op::IConvert && operation.op != Op::IToF && operation.op != Op::FToI &&
      operation.op != Op::FConvert)
    return false;
  Conversion conversion(emitter, operation, operation.type, from);
  Value* result = conversion.convert(source(0, from));
  write_extended(emitter, operation, result);
  return true;
}

}  // namespace doppel::jit
