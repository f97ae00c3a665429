// SPDX-License-Identifier: Apache-2.0
// Comparison and selection (PTX ISA 9.7.6, 9.7.7), testp.
#include "jit/float_values.h"
#include "jit/lower.h"

namespace doppel::jit {

using ir::BoolOp;
using ir::Compare;
using ir::Op;
using ir::Operation;
using ir::Type;
using llvm::CmpInst;
using llvm::Value;

namespace {

CmpInst::Predicate integer_predicate(Compare compare, bool sign) {
  switch (compare) {
    case Compare::Eq:
      return CmpInst::ICMP_EQ;
    case Compare::Ne:
      return CmpInst::ICMP_NE;
    case Compare::Lt:
      return sign ? CmpInst::ICMP_SLT : CmpInst::ICMP_ULT;
    case Compare::Le:
      return sign ? CmpInst::ICMP_SLE : CmpInst::ICMP_ULE;
    case Compare::Gt:
      return sign ? CmpInst::ICMP_SGT : CmpInst::ICMP_UGT;
    case Compare::Ge:
      return sign ? CmpInst::ICMP_SGE : CmpInst::ICMP_UGE;
    case Compare::Lo:
      return CmpInst::ICMP_ULT;
    case Compare::Ls:
      return CmpInst::ICMP_ULE;
    case Compare::Hi:
      return CmpInst::ICMP_UGT;
    case Compare::Hs:
      return CmpInst::ICMP_UGE;
    default:
      return CmpInst::BAD_ICMP_PREDICATE;
  }
}

CmpInst::Predicate float_predicate(Compare compare) {
  switch (compare) {
    case Compare::Eq:
      return CmpInst::FCMP_OEQ;
    case Compare::Ne:
      return CmpInst::FCMP_ONE;
    case Compare::Lt:
      return CmpInst::FCMP_OLT;
    case Compare::Le:
      return CmpInst::FCMP_OLE;
    case Compare::Gt:
      return CmpInst::FCMP_OGT;
    case Compare::Ge:
      return CmpInst::FCMP_OGE;
    case Compare::Equ:
      return CmpInst::FCMP_UEQ;
    case Compare::Neu:
      return CmpInst::FCMP_UNE;
    case Compare::Ltu:
      return CmpInst::FCMP_ULT;
    case Compare::Leu:
      return CmpInst::FCMP_ULE;
    case Compare::Gtu:
      return CmpInst::FCMP_UGT;
    case Compare::Geu:
      return CmpInst::FCMP_UGE;
    case Compare::Num:
      return CmpInst::FCMP_ORD;
    case Compare::Nan:
      return CmpInst::FCMP_UNO;
    default:
      return CmpInst::BAD_FCMP_PREDICATE;
  }
}

class CompareLowering {
 public:
  CompareLowering(FunctionEmitter& emitter, const Operation& operation, Type type)
      : emitter_(emitter), b_(emitter.b()), operation_(operation), type_(type), source_(emitter, operation) {}

  bool valid() const {
    return predicate() != CmpInst::BAD_FCMP_PREDICATE && predicate() != CmpInst::BAD_ICMP_PREDICATE;
  }
  const Sources& source() const { return source_; }

  // half: of a packed type; -1: the whole value.
  Value* compare(int half) {
    Value* a = part(0, half);
    Value* c = part(1, half);
    if (!ir::is_float(type_)) return b_.CreateICmp(predicate(), a, c);
    FloatValues values(emitter_, half < 0 ? type_ : ir::element_type(type_));
    if (operation_.attributes.ftz) {
      a = values.flush(a);
      c = values.flush(c);
    }
    return b_.CreateFCmp(predicate(), values.to_float(a), values.to_float(c));
  }

  Value* combine(Value* t) {
    const BoolOp op = operation_.attributes.bool_op;
    if (op == BoolOp::None) return t;
    Value* c = source_(2, Type::Pred);
    if (op == BoolOp::And) return b_.CreateAnd(t, c);
    if (op == BoolOp::Or) return b_.CreateOr(t, c);
    return b_.CreateXor(t, c);
  }

 private:
  CmpInst::Predicate predicate() const {
    return ir::is_float(type_) ? float_predicate(operation_.attributes.compare)
                               : integer_predicate(operation_.attributes.compare, ir::is_signed(type_));
  }
  Value* part(std::size_t i, int half) {
    Value* value = source_(i, type_);
    if (half < 0) return value;
    const int bits = ir::bit_width(type_) / 2;
    if (half == 1)
      value = b_.CreateLShr(value, emitter_.constant(value->getType(), static_cast<unsigned>(bits)));
    return emitter_.resize(value, bits, false);
  }

  FunctionEmitter& emitter_;
  llvm::IRBuilder<>& b_;
  const Operation& operation_;
  Type type_;
  Sources source_;
};

bool lower_setp(FunctionEmitter& emitter, const Operation& operation) {
  CompareLowering lowering(emitter, operation, operation.type);
  if (!lowering.valid()) return false;
  llvm::IRBuilder<>& b = emitter.b();
  if (ir::is_packed(operation.type)) {
    Value* low = lowering.combine(lowering.compare(0));
    Value* high = lowering.combine(lowering.compare(1));
    emitter.write(operation.results[0], low);
    if (operation.results.size() > 1) emitter.write(operation.results[1], high);
    return true;
  }
  Value* t = lowering.compare(-1);
  Value* p = lowering.combine(t);
  Value* q = operation.results.size() > 1 ? lowering.combine(b.CreateNot(t)) : nullptr;
  emitter.write(operation.results[0], p);
  if (q != nullptr) emitter.write(operation.results[1], q);
  return true;
}

bool lower_set(FunctionEmitter& emitter, const Operation& operation) {
  CompareLowering lowering(emitter, operation, operation.source_type);
  if (!lowering.valid()) return false;
  llvm::IRBuilder<>& b = emitter.b();
  const auto value = [&](Value* t, Type type) -> Value* {
    const bool uniform = !t->getType()->isVectorTy();
    llvm::Type* integer = emitter.int_type(ir::bit_width(type), uniform);
    if (!ir::is_float(type)) return b.CreateSExt(t, integer);
    return b.CreateSelect(t, emitter.constant(integer, FloatValues(emitter, type).one()),
                          emitter.constant(integer, 0));
  };
  if (!ir::is_packed(operation.source_type)) {
    emitter.write(operation.results[0], value(lowering.combine(lowering.compare(-1)), operation.type));
    return true;
  }
  const Type element = ir::is_packed(operation.type) ? ir::element_type(operation.type) : Type::U16;
  Value* low = emitter.resize(value(lowering.combine(lowering.compare(0)), element), 32, false);
  Value* high = emitter.resize(value(lowering.combine(lowering.compare(1)), element), 32, false);
  emitter.write(operation.results[0],
                b.CreateOr(low, b.CreateShl(high, emitter.constant(high->getType(), 16))));
  return true;
}

bool lower_testp(FunctionEmitter& emitter, const Operation& operation) {
  llvm::IRBuilder<>& b = emitter.b();
  Sources source(emitter, operation);
  FloatValues values(emitter, operation.type);
  Value* a = source(0, operation.type);
  Value* magnitude = values.magnitude(a);
  Value* infinity = values.constant(a, values.infinity());
  Value* exponent = b.CreateAnd(a, infinity);
  Value* zero = values.constant(a, 0);
  Value* subnormal = b.CreateAnd(b.CreateICmpEQ(exponent, zero), b.CreateICmpNE(magnitude, zero));
  Value* result = nullptr;
  switch (operation.attributes.testp) {
    case ir::TestpMode::Finite:
      result = b.CreateICmpULT(magnitude, infinity);
      break;
    case ir::TestpMode::Infinite:
      result = b.CreateICmpEQ(magnitude, infinity);
      break;
    case ir::TestpMode::Number:
      result = b.CreateICmpULE(magnitude, infinity);
      break;
    case ir::TestpMode::NotANumber:
      result = b.CreateICmpUGT(magnitude, infinity);
      break;
    case ir::TestpMode::Normal:
      result = b.CreateAnd(b.CreateICmpULT(magnitude, infinity), b.CreateNot(subnormal));
      break;
    case ir::TestpMode::Subnormal:
      result = subnormal;
      break;
    default:
      return false;
  }
  emitter.write(operation.results[0], result);
  return true;
}

}  // namespace

bool lower_compare(FunctionEmitter& emitter, const Operation& operation) {
  llvm::IRBuilder<>& b = emitter.b();
  switch (operation.op) {
    case Op::ICompare:
    case Op::FCompare:
      return lower_setp(emitter, operation);
    case Op::ISet:
    case Op::FSet:
      return lower_set(emitter, operation);
    case Op::FTest:
      return lower_testp(emitter, operation);
    case Op::Select: {
      Sources source(emitter, operation);
      Value* chosen =
          b.CreateSelect(source(2, Type::Pred), source(0, operation.type), source(1, operation.type));
      emitter.write(operation.results[0], chosen);
      return true;
    }
    case Op::ISelect:
    case Op::FSelect: {
      Sources source(emitter, operation);
      Value* c = source(2, operation.source_type);
      Value* first = nullptr;
      if (operation.op == Op::FSelect) {
        FloatValues values(emitter, Type::F32);
        if (operation.attributes.ftz) c = values.flush(c);
        Value* number = values.to_float(c);
        first = b.CreateFCmpOGE(number, llvm::Constant::getNullValue(number->getType()));
      } else {
        first = b.CreateICmpSGE(c, emitter.constant(c->getType(), 0));
      }
      emitter.write(operation.results[0],
                    b.CreateSelect(first, source(0, operation.type), source(1, operation.type)));
      return true;
    }
    default:
      return false;
  }
}

}  // namespace doppel::jit
