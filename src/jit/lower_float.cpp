// SPDX-License-Identifier: Apache-2.0
// Floating-point arithmetic that the ISA defines exactly (PTX ISA 9.7.3-9.7.5).
#include "jit/float_values.h"
#include "jit/helper_call.h"
#include "jit/lower.h"
#include "jit/runtime_functions.h"

namespace doppel::jit {

using ir::Op;
using ir::Operation;
using ir::Rounding;
using ir::Type;
using llvm::Value;

namespace {

bool is_directed(Rounding rounding) {
  return rounding == Rounding::Rz || rounding == Rounding::Rm || rounding == Rounding::Rp;
}

class FloatLowering {
 public:
  FloatLowering(FunctionEmitter& emitter, const Operation& operation, Type type)
      : emitter_(emitter), operation_(operation), b_(emitter.b()), type_(type), values_(emitter, type) {}

  // On bits of `type_`, scalar or 32 lanes; unused operands are null.
  Value* compute(Value* a, Value* c, Value* d) {
    const ir::Attributes& m = operation_.attributes;
    switch (operation_.op) {
      case Op::FNeg:
        return values_.negate(m.ftz ? values_.flush(a) : a);
      case Op::FAbs:
        return values_.magnitude(m.ftz ? values_.flush(a) : a);
      case Op::FCopysign:
        return b_.CreateOr(b_.CreateAnd(a, values_.constant(a, values_.sign_bit())), values_.magnitude(c));
      case Op::FMin:
        return pick(a, c, false);
      case Op::FMax:
        return pick(a, c, true);
      default:
        break;
    }
    if (m.ftz) {
      a = values_.flush(a);
      if (c != nullptr) c = values_.flush(c);
      if (d != nullptr) d = values_.flush(d);
    }
    Value* result = is_directed(m.rounding) ? directed(a, c, d) : nearest(a, c, d);
    return finish(result, a, c, d);
  }

 private:
  Value* nearest(Value* a, Value* c, Value* d) {
    if (operation_.op == Op::FFma) return nearest_fma(a, c, d);
    Value* x = values_.to_float(a);
    Value* y = c == nullptr ? nullptr : values_.to_float(c);
    Value* result = nullptr;
    // f16 and bf16: LLVM computes f16 in f32 and rounds once more, which is exact for one operation, since 24
    // >= 2 * 11 + 2 bits; bf16 is held as f32 here and rounded by to_bits.
    switch (operation_.op) {
      case Op::FAdd:
        result = b_.CreateFAdd(x, y);
        break;
      case Op::FSub:
        result = b_.CreateFSub(x, y);
        break;
      case Op::FMul:
        result = b_.CreateFMul(x, y);
        break;
      case Op::FDiv:
        result = b_.CreateFDiv(x, y);
        break;
      case Op::FRcp:
        result = b_.CreateFDiv(llvm::ConstantFP::get(x->getType(), 1.0), x);
        break;
      case Op::FSqrt:
        result = b_.CreateUnaryIntrinsic(llvm::Intrinsic::sqrt, x);
        break;
      default:
        return nullptr;
    }
    return values_.to_bits(result);
  }

  Value* nearest_fma(Value* a, Value* c, Value* d) {
    if (type_ == Type::F32 || type_ == Type::F64) {
      Value* x = values_.to_float(a);
      return values_.to_bits(b_.CreateIntrinsic(llvm::Intrinsic::fma, {x->getType()},
                                                {x, values_.to_float(c), values_.to_float(d)}));
    }
    // Halves: the product is exact in double precision. The sum is rounded to odd, so that the last rounding
    // sees what was cut off.
    const char* name = type_ == Type::F16 ? "doppel_fma_f16" : "doppel_fma_bf16";
    return like_sources(call_helper(emitter_, name, {a, c, d}, 16), a);
  }

  // A result of a helper, which works on 32 lanes, as a scalar where the operands are.
  Value* like_sources(Value* result, Value* source) {
    if (source->getType()->isVectorTy()) return result;
    return b_.CreateExtractElement(result, std::uint64_t{0});
  }

  Value* directed(Value* a, Value* c, Value* d) {
    FloatOperation which{};
    switch (operation_.op) {
      case Op::FAdd:
        which = FloatOperation::Add;
        break;
      case Op::FSub:
        which = FloatOperation::Sub;
        break;
      case Op::FMul:
        which = FloatOperation::Mul;
        break;
      case Op::FFma:
        which = FloatOperation::Fma;
        break;
      case Op::FDiv:
        which = FloatOperation::Div;
        break;
      case Op::FRcp:
        which = FloatOperation::Rcp;
        break;
      case Op::FSqrt:
        which = FloatOperation::Sqrt;
        break;
      default:
        return nullptr;
    }
    if (type_ != Type::F32 && type_ != Type::F64) return nullptr;
    Value* zero = values_.constant(a, 0);
    const char* name = type_ == Type::F32 ? "doppel_directed_f32" : "doppel_directed_f64";
    Value* result = call_helper(
        emitter_, name, {a, c == nullptr ? zero : c, d == nullptr ? zero : d}, values_.bits(),
        {static_cast<std::uint32_t>(which), static_cast<std::uint32_t>(operation_.attributes.rounding)});
    return like_sources(result, a);
  }

  // 9.7.3: NaN results are canonical; .f64 keeps the payload of the first NaN operand.
  Value* finish(Value* result, Value* a, Value* c, Value* d) {
    if (result == nullptr) return nullptr;
    const ir::Attributes& m = operation_.attributes;
    if (m.ftz) result = values_.flush(result);
    if (m.sat) return values_.saturate(result);
    if (m.relu) return values_.relu(result);
    if (type_ == Type::F32 && emitter_.defers_nan(operation_.results[0])) return result;
    if (type_ != Type::F64) return values_.canonical_nan(result);
    Value* nan = values_.constant(result, values_.nan());
    for (Value* operand : {d, c, a}) {
      if (operand == nullptr) continue;
      Value* quiet = b_.CreateOr(operand, values_.constant(operand, std::uint64_t{1} << 51));
      nan = b_.CreateSelect(values_.is_nan(operand), quiet, nan);
    }
    return b_.CreateSelect(values_.is_nan(result), nan, result);
  }

  // 9.7.3.11: +0 > -0; a NaN gives way to a number unless .NaN.
  Value* pick(Value* a, Value* c, bool maximum) {
    const ir::Attributes& m = operation_.attributes;
    if (m.ftz) {
      a = values_.flush(a);
      c = values_.flush(c);
    }
    Value* sign = b_.CreateAnd(b_.CreateXor(a, c), values_.constant(a, values_.sign_bit()));
    if (m.abs) {
      a = values_.magnitude(a);
      c = values_.magnitude(c);
    }
    Value* result = values_.extremum(a, c, maximum);
    if (m.xorsign) result = b_.CreateOr(values_.magnitude(result), sign);
    if (!m.xorsign && !m.nan) return result;
    Value* nan_a = values_.is_nan(a);
    Value* nan_c = values_.is_nan(c);
    Value* none = m.nan ? b_.CreateOr(nan_a, nan_c) : b_.CreateAnd(nan_a, nan_c);
    return b_.CreateSelect(none, values_.constant(a, values_.nan()), result);
  }

  FunctionEmitter& emitter_;
  const Operation& operation_;
  llvm::IRBuilder<>& b_;
  Type type_;
  FloatValues values_;
};

}  // namespace

bool lower_float(FunctionEmitter& emitter, const Operation& operation) {
  switch (operation.op) {
    case Op::FAdd:
    case Op::FSub:
    case Op::FMul:
    case Op::FFma:
    case Op::FNeg:
    case Op::FAbs:
    case Op::FMin:
    case Op::FMax:
    case Op::FCopysign:
    case Op::FDiv:
    case Op::FRcp:
    case Op::FSqrt:
      break;
    default:
      return false;
  }
  Sources source(emitter, operation);
  const std::size_t count = operation.sources.size();
  llvm::IRBuilder<>& b = emitter.b();
  if (!ir::is_packed(operation.type)) {
    FloatLowering lowering(emitter, operation, operation.type);
    Value* result =
        lowering.compute(source(0, operation.type), count > 1 ? source(1, operation.type) : nullptr,
                         count > 2 ? source(2, operation.type) : nullptr);
    if (result == nullptr) return false;
    emitter.write(operation.results[0], result);
    return true;
  }
  const Type element = ir::element_type(operation.type);
  const int bits = ir::bit_width(element);
  FloatLowering lowering(emitter, operation, element);
  Value* packed = nullptr;
  for (int half = 0; half < 2; ++half) {
    Value* parts[3] = {nullptr, nullptr, nullptr};
    for (std::size_t i = 0; i < count && i < 3; ++i) {
      Value* whole = source(i, operation.type);
      if (half == 1)
        whole = b.CreateLShr(whole, emitter.constant(whole->getType(), static_cast<unsigned>(bits)));
      parts[i] = emitter.resize(whole, bits, false);
    }
    Value* result = lowering.compute(parts[0], parts[1], parts[2]);
    if (result == nullptr) return false;
    result = emitter.resize(result, 2 * bits, false);
    packed = half == 0
                 ? result
                 : b.CreateOr(packed, b.CreateShl(result, emitter.constant(result->getType(),
                                                                           static_cast<unsigned>(bits))));
  }
  emitter.write(operation.results[0], packed);
  return true;
}

}  // namespace doppel::jit
