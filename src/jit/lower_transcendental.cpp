// SPDX-License-Identifier: Apache-2.0
// The functions that the ISA defines within a bound (PTX ISA 9.7.3): rcp, sqrt, rsqrt, sin, cos, lg2, ex2,
// tanh, div.approx and div.full. Where the host has the exact operation it is used; the others are
// polynomials of 32 lanes, good to about one unit in the last place.
#include <cmath>
#include <initializer_list>
#include <numbers>

#include "jit/float_values.h"
#include "jit/helper_call.h"
#include "jit/lower.h"

namespace doppel::jit {

using ir::Op;
using ir::Operation;
using ir::Type;
using llvm::Value;

namespace {

class Transcendental {
 public:
  Transcendental(FunctionEmitter& emitter, const Operation& operation)
      : emitter_(emitter), operation_(operation), b_(emitter.b()), single_(emitter, Type::F32) {}

  // f32 bits to f32 bits.
  Value* f32(Value* a, bool ftz) {
    if (ftz) a = single_.flush(a);
    Value* result = nullptr;
    switch (operation_.op) {
      case Op::FRcpApprox:
        result = single_.to_bits(b_.CreateFDiv(real(a, 1.0), single_.to_float(a)));
        break;
      case Op::FSqrtApprox:
        result = single_.to_bits(root(single_.to_float(a)));
        break;
      case Op::FRsqrt:
        result = reciprocal_root(a);
        break;
      case Op::FEx2:
        result = single_.to_bits(exponential(single_.to_float(a)));
        break;
      case Op::FLg2:
        result = logarithm(a);
        break;
      case Op::FTanh:
        result = hyperbolic_tangent(a);
        break;
      case Op::FSin:
        result = sine(a, false);
        break;
      case Op::FCos:
        result = sine(a, true);
        break;
      default:
        return nullptr;
    }
    result = single_.canonical_nan(result);
    return ftz ? single_.flush(result) : result;
  }

  // y = 1 / sqrt(x), which was rounded twice and may be 1.5 units off, after a step of Newton's: the CUDA
  // guide gives rsqrt(double) 1 unit. The rest 1 - x * y * y is exact to a rounding: x * y goes in as two
  // parts.
  Value* corrected_reciprocal_root(Value* x, Value* y) {
    const auto fma = [&](Value* p, Value* q, Value* r) {
      return b_.CreateIntrinsic(llvm::Intrinsic::fma, {p->getType()}, {p, q, r});
    };
    Value* one = llvm::ConstantFP::get(x->getType(), 1.0);
    Value* half = llvm::ConstantFP::get(x->getType(), 0.5);
    Value* product = b_.CreateFMul(x, y);
    Value* low = fma(x, y, b_.CreateFNeg(product));
    Value* rest = b_.CreateFSub(fma(b_.CreateFNeg(product), y, one), b_.CreateFMul(low, y));
    Value* better = fma(b_.CreateFMul(y, half), rest, y);
    // Zero and infinity have no rest.
    return b_.CreateSelect(b_.CreateFCmpUNO(better, better), y, better);
  }

  // rcp.approx.ftz.f64, rsqrt.approx(.ftz).f64 (9.7.3.14, 9.7.3.17): upper word in, upper word out.
  Value* f64(Value* a, bool ftz) {
    FloatValues wide(emitter_, Type::F64);
    constexpr std::uint64_t kUpper = 0xffffffff00000000;
    Value* nan = wide.is_nan(a);
    if (ftz) a = wide.flush(b_.CreateAnd(a, wide.constant(a, kUpper)));
    Value* number = wide.to_float(a);
    Value* one = llvm::ConstantFP::get(number->getType(), 1.0);
    Value* divisor = operation_.op == Op::FRcpApprox ? number : root(number);
    Value* value = b_.CreateFDiv(one, divisor);
    if (operation_.op == Op::FRsqrt && !ftz) value = corrected_reciprocal_root(number, value);
    Value* result = wide.to_bits(value);
    if (!ftz) return b_.CreateSelect(wide.is_nan(result), wide.constant(result, wide.nan()), result);
    nan = b_.CreateOr(nan, wide.is_nan(result));
    result = b_.CreateAnd(wide.flush(result), wide.constant(result, kUpper));
    return b_.CreateSelect(nan, wide.constant(result, 0x7fffffff00000000), result);
  }

  // 9.7.3.8: a divisor over 2^126 gives 0, or NaN for an infinite dividend.
  Value* divide(Value* a, Value* c, bool ftz) {
    if (ftz) {
      a = single_.flush(a);
      c = single_.flush(c);
    }
    Value* result =
        single_.canonical_nan(single_.to_bits(b_.CreateFDiv(single_.to_float(a), single_.to_float(c))));
    if (ftz) result = single_.flush(result);
    if (operation_.attributes.full) return result;
    Value* magnitude = single_.magnitude(c);
    Value* huge =
        b_.CreateAnd(b_.CreateICmpUGT(magnitude, single_.constant(c, std::uint64_t{126 + 127} << 23)),
                     b_.CreateICmpULT(magnitude, single_.constant(c, single_.infinity())));
    huge = b_.CreateAnd(huge, b_.CreateNot(single_.is_nan(a)));
    Value* infinite = b_.CreateICmpEQ(single_.magnitude(a), single_.constant(a, single_.infinity()));
    Value* zero = b_.CreateAnd(b_.CreateXor(a, c), single_.constant(a, single_.sign_bit()));
    return b_.CreateSelect(huge, b_.CreateSelect(infinite, single_.constant(a, single_.nan()), zero), result);
  }

 private:
  Value* real(Value* like, double value) {
    llvm::Type* type = like->getType();
    if (type->isIntOrIntVectorTy()) type = single_.float_type(like);
    return llvm::ConstantFP::get(type, value);
  }
  Value* fma(Value* a, Value* c, Value* d) {
    return b_.CreateIntrinsic(llvm::Intrinsic::fma, {a->getType()}, {a, c, d});
  }
  Value* root(Value* a) { return b_.CreateUnaryIntrinsic(llvm::Intrinsic::sqrt, a); }
  Value* magnitude(Value* a) { return b_.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, a); }

  // Highest power first.
  Value* polynomial(Value* x, std::initializer_list<double> coefficients) {
    Value* sum = nullptr;
    for (double coefficient : coefficients) {
      Value* constant = llvm::ConstantFP::get(x->getType(), coefficient);
      sum = sum == nullptr ? constant : fma(sum, x, constant);
    }
    return sum;
  }

  llvm::Type* doubles(Value* like) {
    return like->getType()->isVectorTy() ? emitter_.vector_of(b_.getDoubleTy())
                                         : static_cast<llvm::Type*>(b_.getDoubleTy());
  }

  Value* reciprocal_root(Value* a) {
    // In double precision, so that one rounding is left.
    Value* number = b_.CreateFPExt(single_.to_float(a), doubles(a));
    Value* result = b_.CreateFDiv(llvm::ConstantFP::get(number->getType(), 1.0), root(number));
    return single_.to_bits(b_.CreateFPTrunc(result, single_.float_type(a)));
  }

  // 2^x = 2^n * 2^f with f in [-0.5, 0.5]: ln(2)^k / k! to the seventh power leaves 2^-27.
  Value* exponential(Value* x) {
    Value* limited = b_.CreateBinaryIntrinsic(llvm::Intrinsic::minnum, x, real(x, 129.0));
    limited = b_.CreateBinaryIntrinsic(llvm::Intrinsic::maxnum, limited, real(x, -160.0));
    Value* n = b_.CreateUnaryIntrinsic(llvm::Intrinsic::roundeven, limited);
    Value* f = b_.CreateFSub(limited, n);
    Value* p = polynomial(
        f, {1.5252733804059841e-05, 1.5403530393381608e-04, 1.3333558146428443e-03, 9.6181291076284772e-03,
            5.5504108664821580e-02, 2.4022650695910072e-01, std::numbers::ln2, 1.0});
    // In two steps, so that a subnormal result is rounded once.
    llvm::Type* words = emitter_.int_type(32, !x->getType()->isVectorTy());
    Value* exponent = b_.CreateFPToSI(n, words);
    Value* half = b_.CreateAShr(exponent, emitter_.constant(words, 1));
    const auto power = [&](Value* e) {
      Value* biased = b_.CreateAdd(e, emitter_.constant(words, 127));
      return b_.CreateBitCast(b_.CreateShl(biased, emitter_.constant(words, 23)), x->getType());
    };
    Value* result = b_.CreateFMul(b_.CreateFMul(p, power(half)), power(b_.CreateSub(exponent, half)));
    return b_.CreateSelect(b_.CreateFCmpUNO(x, x), x, result);
  }

  // a = 2^e * m with m in [sqrt(1/2), sqrt(2)); log2(m) = 2 log2(e) atanh((m - 1) / (m + 1)).
  Value* logarithm(Value* a) {
    Value* small = b_.CreateICmpULT(a, single_.constant(a, 0x00800000));
    Value* scaled = single_.to_bits(b_.CreateFMul(single_.to_float(a), real(a, 0x1p24)));
    Value* bits = b_.CreateSelect(small, scaled, a);
    Value* offset = b_.CreateSub(bits, single_.constant(a, 0x3f3504f3));
    Value* e = b_.CreateAShr(offset, single_.constant(a, 23));
    Value* m = single_.to_float(b_.CreateSub(bits, b_.CreateShl(e, single_.constant(a, 23))));
    e = b_.CreateSub(e, b_.CreateSelect(small, single_.constant(a, 24), single_.constant(a, 0)));
    Value* t = b_.CreateFSub(m, real(a, 1.0));
    Value* s = b_.CreateFDiv(t, b_.CreateFAdd(m, real(a, 1.0)));
    Value* s2 = b_.CreateFMul(s, s);
    constexpr double kTwoLog2e = 2.8853900817779268;
    Value* rest =
        polynomial(s2, {kTwoLog2e / 11, kTwoLog2e / 9, kTwoLog2e / 7, kTwoLog2e / 5, kTwoLog2e / 3});
    // s * (2 log2 e + s^2 * rest), the leading product in two parts.
    Value* tail = b_.CreateFMul(b_.CreateFMul(s2, s), rest);
    constexpr auto kHigh = static_cast<float>(kTwoLog2e);
    constexpr double kLow = kTwoLog2e - static_cast<double>(kHigh);
    Value* mantissa_log = fma(s, real(a, kHigh), fma(s, real(a, kLow), tail));
    Value* exponent = b_.CreateSIToFP(e, single_.float_type(a));
    Value* result = single_.to_bits(b_.CreateFAdd(exponent, mantissa_log));
    // 0 gives -inf, a negative NaN, infinity itself.
    Value* infinite = b_.CreateICmpEQ(a, single_.constant(a, single_.infinity()));
    Value* zero = b_.CreateICmpEQ(single_.magnitude(a), single_.constant(a, 0));
    Value* invalid = b_.CreateOr(b_.CreateICmpSLT(a, single_.constant(a, 0)), single_.is_nan(a));
    result = b_.CreateSelect(infinite, a, result);
    result = b_.CreateSelect(invalid, single_.constant(a, single_.nan()), result);
    return b_.CreateSelect(zero, single_.constant(a, 0xff800000), result);
  }

  Value* hyperbolic_tangent(Value* a) {
    Value* x = single_.to_float(a);
    Value* size = magnitude(x);
    Value* square = b_.CreateFMul(x, x);
    // The series near 0; elsewhere 1 - 2 / (e^2x + 1).
    Value* near = polynomial(square, {62.0 / 2835, -17.0 / 315, 2.0 / 15, -1.0 / 3});
    near = fma(b_.CreateFMul(near, square), x, x);
    Value* limited = b_.CreateBinaryIntrinsic(llvm::Intrinsic::minnum, size, real(a, 20.0));
    Value* power = exponential(b_.CreateFMul(limited, real(a, 2.8853900817779268)));
    Value* far = b_.CreateFSub(real(a, 1.0), b_.CreateFDiv(real(a, 2.0), b_.CreateFAdd(power, real(a, 1.0))));
    far = b_.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, far, x);
    Value* result = single_.to_bits(b_.CreateSelect(b_.CreateFCmpOLT(size, real(a, 0.5)), near, far));
    return b_.CreateSelect(single_.is_nan(a), single_.constant(a, single_.nan()), result);
  }

  // Reduced by multiples of pi/2 in double precision; what is too large for that goes to the library.
  Value* sine(Value* a, bool cosine) {
    if (!a->getType()->isVectorTy()) {
      Value* lanes = sine_of_lanes(emitter_.splat(a), a, cosine);
      return b_.CreateExtractElement(lanes, std::uint64_t{0});
    }
    return sine_of_lanes(a, a, cosine);
  }

  // operand: `a`, or the scalar that it repeats.
  Value* sine_of_lanes(Value* a, Value* operand, bool cosine) {
    Value* x = b_.CreateFPExt(single_.to_float(a), doubles(a));
    Value* n =
        b_.CreateUnaryIntrinsic(llvm::Intrinsic::roundeven,
                                b_.CreateFMul(x, llvm::ConstantFP::get(x->getType(), 0.63661977236758138)));
    Value* r = fma(n, llvm::ConstantFP::get(x->getType(), -1.5707963267948966), x);
    r = fma(n, llvm::ConstantFP::get(x->getType(), -6.123233995736766e-17), r);
    Value* r2 = b_.CreateFMul(r, r);
    Value* s = polynomial(r2, {-2.50521083854417188e-8, 2.75573192239858907e-6, -1.98412698412698413e-4,
                               8.33333333333333333e-3, -1.66666666666666667e-1});
    s = fma(b_.CreateFMul(s, r2), r, r);
    Value* c = polynomial(r2, {2.08767569878680990e-9, -2.75573192239858907e-7, 2.48015873015873016e-5,
                               -1.38888888888888889e-3, 4.16666666666666667e-2, -0.5, 1.0});
    llvm::Type* words = emitter_.int_type(32, false);
    Value* limit = llvm::ConstantFP::get(n->getType(), 1e9);
    Value* quadrant_number =
        b_.CreateSelect(b_.CreateFCmpOLT(magnitude(n), limit), n, llvm::Constant::getNullValue(n->getType()));
    Value* quadrant = b_.CreateFPToSI(quadrant_number, words);
    if (cosine) quadrant = b_.CreateAdd(quadrant, emitter_.constant(words, 1));
    Value* odd =
        b_.CreateICmpNE(b_.CreateAnd(quadrant, emitter_.constant(words, 1)), emitter_.constant(words, 0));
    Value* negative =
        b_.CreateICmpNE(b_.CreateAnd(quadrant, emitter_.constant(words, 2)), emitter_.constant(words, 0));
    Value* result = b_.CreateSelect(odd, c, s);
    result = b_.CreateSelect(negative, b_.CreateFNeg(result), result);
    Value* bits = single_.to_bits(b_.CreateFPTrunc(result, single_.float_type(a)));

    Value* large = b_.CreateICmpUGT(single_.magnitude(a), single_.constant(a, 0x4e000000));  // 2^29
    llvm::Function* into = b_.GetInsertBlock()->getParent();
    llvm::BasicBlock* before = b_.GetInsertBlock();
    llvm::BasicBlock* slow = llvm::BasicBlock::Create(emitter_.context(), "slow", into);
    llvm::BasicBlock* done = llvm::BasicBlock::Create(emitter_.context(), "sine", into);
    emitter_.lanes().mask_vector();
    b_.CreateCondBr(b_.CreateOrReduce(large), slow, done);
    b_.SetInsertPoint(slow);
    Value* exact = call_helper(emitter_, cosine ? "doppel_cos_f32" : "doppel_sin_f32", {operand}, 32);
    Value* merged = b_.CreateSelect(large, exact, bits);
    llvm::BasicBlock* after = b_.GetInsertBlock();
    b_.CreateBr(done);
    b_.SetInsertPoint(done);
    llvm::PHINode* phi = b_.CreatePHI(bits->getType(), 2);
    phi->addIncoming(bits, before);
    phi->addIncoming(merged, after);
    // sin(-0) is -0, which the reduction above loses.
    if (cosine) return phi;
    return b_.CreateSelect(b_.CreateICmpEQ(single_.magnitude(a), single_.constant(a, 0)), a, phi);
  }

  FunctionEmitter& emitter_;
  const Operation& operation_;
  llvm::IRBuilder<>& b_;
  FloatValues single_;
};

// f16 and bf16 through f32.
Value* half_function(FunctionEmitter& emitter, Transcendental& function, Type type, Value* a, bool ftz) {
  llvm::IRBuilder<>& b = emitter.b();
  FloatValues half(emitter, type), single(emitter, Type::F32);
  if (ftz) a = half.flush(a);
  Value* number = half.to_float(a);
  if (type == Type::F16) number = b.CreateFPExt(number, single.float_type(a));
  Value* result = single.to_float(function.f32(single.to_bits(number), false));
  if (type == Type::F16) result = b.CreateFPTrunc(result, half.float_type(a));
  Value* bits = half.canonical_nan(half.to_bits(result));
  return ftz ? half.flush(bits) : bits;
}

}  // namespace

bool lower_transcendental(FunctionEmitter& emitter, const Operation& operation) {
  const ir::Attributes& m = operation.attributes;
  switch (operation.op) {
    case Op::FRcpApprox:
    case Op::FSqrtApprox:
    case Op::FRsqrt:
    case Op::FSin:
    case Op::FCos:
    case Op::FLg2:
    case Op::FEx2:
    case Op::FTanh:
    case Op::FDivApprox:
      break;
    default:
      return false;
  }
  llvm::IRBuilder<>& b = emitter.b();
  Sources source(emitter, operation);
  Transcendental function(emitter, operation);
  const Type type = operation.type;
  Value* result = nullptr;
  if (operation.op == Op::FDivApprox) {
    result = function.divide(source(0, type), source(1, type), m.ftz);
  } else if (type == Type::F32) {
    result = function.f32(source(0, type), m.ftz);
  } else if (type == Type::F64) {
    if (operation.op != Op::FRcpApprox && operation.op != Op::FRsqrt) return false;
    result = function.f64(source(0, type), m.ftz);
  } else if (type == Type::F16 || type == Type::BF16) {
    result = half_function(emitter, function, type, source(0, type), m.ftz);
  } else if (type == Type::F16x2 || type == Type::BF16x2) {
    Value* whole = source(0, type);
    const Type element = ir::element_type(type);
    Value* low = half_function(emitter, function, element, emitter.resize(whole, 16, false), m.ftz);
    Value* high = half_function(
        emitter, function, element,
        emitter.resize(b.CreateLShr(whole, emitter.constant(whole->getType(), 16)), 16, false), m.ftz);
    high = emitter.resize(high, 32, false);
    result =
        b.CreateOr(emitter.resize(low, 32, false), b.CreateShl(high, emitter.constant(high->getType(), 16)));
  }
  if (result == nullptr) return false;
  emitter.write(operation.results[0], result);
  return true;
}

}  // namespace doppel::jit
