// SPDX-License-Identifier: Apache-2.0
// Logic, shifts, bit fields and byte permutes (PTX ISA 9.7.1.16-9.7.1.22, 9.7.8, prmt).
#include "jit/helper_call.h"
#include "jit/lower.h"

namespace doppel::jit {

using ir::Op;
using ir::Operation;
using ir::PrmtMode;
using ir::ShiftMode;
using ir::Type;
using llvm::Value;

namespace {

struct BitLowering {
  FunctionEmitter& emitter;
  const Operation& operation;
  Sources source;
  llvm::IRBuilder<>& b;
  Type type;
  int bits;
  bool sign;

  BitLowering(FunctionEmitter& e, const Operation& i)
      : emitter(e),
        operation(i),
        source(e, i),
        b(e.b()),
        type(i.type),
        bits(ir::bit_width(i.type)),
        sign(ir::is_signed(i.type)) {}

  Value* like(Value* value, std::uint64_t constant) { return emitter.constant(value->getType(), constant); }
  Value* minimum(Value* a, std::uint64_t limit) {
    return b.CreateBinaryIntrinsic(llvm::Intrinsic::umin, a, like(a, limit));
  }
  // Shifts of any amount: LLVM's are undefined from the width on.
  Value* shift_left(Value* value, Value* amount) {
    Value* inside =
        b.CreateICmpULT(amount, like(amount, static_cast<unsigned>(value->getType()->getScalarSizeInBits())));
    const int width = static_cast<int>(value->getType()->getScalarSizeInBits());
    Value* shifted = b.CreateShl(
        value,
        emitter.resize(b.CreateAnd(amount, like(amount, static_cast<unsigned>(width - 1))), width, false));
    return b.CreateSelect(inside, shifted, like(value, 0));
  }
  Value* shift_right(Value* value, Value* amount, bool arithmetic) {
    const int width = static_cast<int>(value->getType()->getScalarSizeInBits());
    if (arithmetic) {
      return b.CreateAShr(value,
                          emitter.resize(minimum(amount, static_cast<unsigned>(width - 1)), width, false));
    }
    Value* inside = b.CreateICmpULT(amount, like(amount, static_cast<unsigned>(width)));
    Value* shifted = b.CreateLShr(
        value,
        emitter.resize(b.CreateAnd(amount, like(amount, static_cast<unsigned>(width - 1))), width, false));
    return b.CreateSelect(inside, shifted, like(value, 0));
  }
  // count ones from bit 0 up; count may reach the width.
  Value* ones(Value* count, int width) {
    Value* wide = emitter.resize(count, width, false);
    Value* all = like(wide, ~std::uint64_t{0});
    return b.CreateNot(shift_left(all, wide));
  }

  Value* lookup(Value* a, Value* c, Value* d, unsigned table) {
    Value* result = like(a, 0);
    for (unsigned index = 0; index < 8; ++index) {
      if ((table >> index & 1) == 0) continue;
      Value* term = b.CreateAnd((index & 4) != 0 ? a : b.CreateNot(a), (index & 2) != 0 ? c : b.CreateNot(c));
      term = b.CreateAnd(term, (index & 1) != 0 ? d : b.CreateNot(d));
      result = b.CreateOr(result, term);
    }
    return result;
  }

  Value* funnel() {
    Value* low = source(0, Type::B32);
    Value* high = source(1, Type::B32);
    Value* amount = source(2, Type::B32);
    const bool wrap = operation.attributes.shift == ShiftMode::Wrap;
    const bool left = operation.attributes.direction == ir::ShiftDirection::Left;
    Value* result = b.CreateIntrinsic(left ? llvm::Intrinsic::fshl : llvm::Intrinsic::fshr, {low->getType()},
                                      {high, low, amount});
    if (wrap) return result;
    return b.CreateSelect(b.CreateICmpUGE(amount, like(amount, 32)), left ? low : high, result);
  }

  Value* find_leading() {
    Value* a = source(0, type);
    if (sign) a = b.CreateSelect(b.CreateICmpSLT(a, like(a, 0)), b.CreateNot(a), a);
    Value* leading = b.CreateBinaryIntrinsic(llvm::Intrinsic::ctlz, a, b.getFalse());
    Value* position = operation.attributes.shiftamt
                          ? leading
                          : b.CreateSub(like(a, static_cast<unsigned>(bits - 1)), leading);
    Value* none = b.CreateICmpEQ(a, like(a, 0));
    Value* narrow = emitter.resize(position, 32, false);
    return b.CreateSelect(none, like(narrow, 0xffffffff), narrow);
  }

  // 9.7.1.19: b and c count from 0 to 255; bits beyond the top are filled with the sign.
  Value* extract() {
    Value* a = source(0, type);
    Value* position = b.CreateAnd(source(1, Type::B32),
                                  source.uniform() ? static_cast<Value*>(emitter.i32(0xff))
                                                   : emitter.constant(emitter.int_type(32, false), 0xff));
    Value* length = source(2, Type::B32);
    length = b.CreateAnd(length, like(length, 0xff));
    Value* field = shift_right(a, position, false);
    Value* kept = ones(minimum(length, static_cast<unsigned>(bits)), bits);
    Value* value = b.CreateAnd(field, kept);
    if (!sign) return value;
    // The sign is bit min(position + length - 1, msb) of a.
    Value* top = b.CreateSub(b.CreateAdd(position, length), like(length, 1));
    top = minimum(top, static_cast<unsigned>(bits - 1));
    Value* sign_bit = b.CreateAnd(b.CreateLShr(a, emitter.resize(top, bits, false)), like(a, 1));
    Value* negative =
        b.CreateAnd(b.CreateICmpNE(sign_bit, like(a, 0)), b.CreateICmpNE(length, like(length, 0)));
    // Bits of the field that lie inside of a: the rest is filled.
    Value* space = b.CreateBinaryIntrinsic(llvm::Intrinsic::usub_sat,
                                           like(position, static_cast<unsigned>(bits)), position);
    Value* inside = ones(
        b.CreateBinaryIntrinsic(llvm::Intrinsic::umin, minimum(length, static_cast<unsigned>(bits)), space),
        bits);
    Value* filled = b.CreateOr(b.CreateAnd(value, inside), b.CreateNot(inside));
    return b.CreateSelect(negative, filled, value);
  }

  Value* insert() {
    Value* a = source(0, type);
    Value* into = source(1, type);
    Value* position = source(2, Type::B32);
    Value* length = source(3, Type::B32);
    position = b.CreateAnd(position, like(position, 0xff));
    length = b.CreateAnd(length, like(length, 0xff));
    Value* field = ones(minimum(length, static_cast<unsigned>(bits)), bits);
    Value* mask = shift_left(field, emitter.resize(position, bits, false));
    Value* shifted = shift_left(a, emitter.resize(position, bits, false));
    return b.CreateOr(b.CreateAnd(into, b.CreateNot(mask)), b.CreateAnd(shifted, mask));
  }

  Value* permute() {
    Value* a = source(0, Type::B32);
    Value* high = source(1, Type::B32);
    Value* control = source(2, Type::B32);
    Value* both =
        b.CreateOr(emitter.resize(a, 64, false),
                   b.CreateShl(emitter.resize(high, 64, false), like(emitter.resize(high, 64, false), 32)));
    const auto byte = [&](Value* index) {  // index: 0..7, 32 bits
      Value* amount =
          emitter.resize(b.CreateShl(b.CreateAnd(index, like(index, 7)), like(index, 3)), 64, false);
      return b.CreateAnd(emitter.resize(b.CreateLShr(both, amount), 32, false), like(index, 0xff));
    };
    Value* low = b.CreateAnd(control, like(control, 3));
    Value* result = like(a, 0);
    for (unsigned i = 0; i < 4; ++i) {
      Value* value = nullptr;
      Value* at = like(low, i);
      switch (operation.attributes.prmt) {
        case PrmtMode::F4e:
          value = byte(b.CreateAdd(low, at));
          break;
        case PrmtMode::B4e:
          value = byte(b.CreateSub(b.CreateAdd(low, like(low, 8)), at));
          break;
        case PrmtMode::Rc8:
          value = byte(low);
          break;
        case PrmtMode::Ecl:
          value = byte(b.CreateBinaryIntrinsic(llvm::Intrinsic::umax, low, at));
          break;
        case PrmtMode::Ecr:
          value = byte(b.CreateBinaryIntrinsic(llvm::Intrinsic::umin, low, at));
          break;
        case PrmtMode::Rc16:
          value =
              byte(b.CreateAdd(b.CreateShl(b.CreateAnd(low, like(low, 1)), like(low, 1)), like(low, i & 1)));
          break;
        default: {
          Value* selector = b.CreateLShr(control, like(control, 4 * i));
          value = byte(selector);
          Value* sign_fill =
              b.CreateSelect(b.CreateICmpNE(b.CreateAnd(value, like(value, 0x80)), like(value, 0)),
                             like(value, 0xff), like(value, 0));
          value = b.CreateSelect(b.CreateICmpNE(b.CreateAnd(selector, like(selector, 8)), like(selector, 0)),
                                 sign_fill, value);
        }
      }
      result = b.CreateOr(result, b.CreateShl(value, like(value, 8 * i)));
    }
    return result;
  }

  Value* clamped_count(Value* count) {
    return operation.attributes.shift == ShiftMode::Wrap ? b.CreateAnd(count, like(count, 31))
                                                         : minimum(count, 32);
  }

  Value* size_extend() {
    Value* a = source(0, Type::B32);
    Value* count = clamped_count(source(1, Type::B32));
    Value* kept = ones(count, 32);
    Value* value = b.CreateAnd(a, kept);
    if (!sign) return value;
    Value* top = b.CreateAnd(b.CreateSub(count, like(count, 1)), like(count, 31));
    Value* negative = b.CreateICmpNE(b.CreateAnd(b.CreateLShr(value, top), like(value, 1)), like(value, 0));
    negative = b.CreateAnd(negative, b.CreateICmpNE(count, like(count, 0)));
    return b.CreateSelect(negative, b.CreateOr(value, b.CreateNot(kept)), value);
  }

  Value* compute() {
    switch (operation.op) {
      case Op::And:
        return b.CreateAnd(source(0, type), source(1, type));
      case Op::Or:
        return b.CreateOr(source(0, type), source(1, type));
      case Op::Xor:
        return b.CreateXor(source(0, type), source(1, type));
      case Op::Not:
        return b.CreateNot(source(0, type));
      case Op::Cnot: {
        Value* a = source(0, type);
        return emitter.resize(b.CreateICmpEQ(a, like(a, 0)), bits, false);
      }
      case Op::Lop3:
        return lookup(source(0, type), source(1, type), source(2, type), operation.attributes.lut);
      case Op::Shf:
        return funnel();
      case Op::Shl: {
        Value* a = source(0, type);
        return shift_left(a, saturate_amount(source(1, Type::B32), bits));
      }
      case Op::Shr: {
        Value* a = source(0, type);
        return shift_right(a, saturate_amount(source(1, Type::B32), bits), sign);
      }
      case Op::Popc:
        return emitter.resize(b.CreateUnaryIntrinsic(llvm::Intrinsic::ctpop, source(0, type)), 32, false);
      case Op::Clz:
        return emitter.resize(b.CreateBinaryIntrinsic(llvm::Intrinsic::ctlz, source(0, type), b.getFalse()),
                              32, false);
      case Op::Bfind:
        return find_leading();
      case Op::Brev:
        return b.CreateUnaryIntrinsic(llvm::Intrinsic::bitreverse, source(0, type));
      case Op::Bfe:
        return extract();
      case Op::Bfi:
        return insert();
      case Op::Prmt:
        return permute();
      case Op::Szext:
        return size_extend();
      case Op::Bmsk: {
        Value* start = clamped_count(source(0, Type::B32));
        return shift_left(ones(clamped_count(source(1, Type::B32)), 32), start);
      }
      case Op::Fns:
        return call_helper(emitter, "doppel_fns",
                           {source(0, Type::B32), source(1, Type::B32), source(2, Type::B32)}, 32);
      default:
        return nullptr;
    }
  }

  // A 32-bit amount in the width of the value, clamped so that nothing is lost by it.
  Value* saturate_amount(Value* amount, int width) {
    return width < 32 ? emitter.resize(minimum(amount, static_cast<unsigned>(width)), width, false)
                      : emitter.resize(amount, width, false);
  }
};

}  // namespace

bool lower_bits(FunctionEmitter& emitter, const Operation& operation) {
  switch (operation.op) {
    case Op::And:
    case Op::Or:
    case Op::Xor:
    case Op::Not:
    case Op::Cnot:
    case Op::Lop3:
    case Op::Shf:
    case Op::Shl:
    case Op::Shr:
    case Op::Popc:
    case Op::Clz:
    case Op::Bfind:
    case Op::Brev:
    case Op::Bfe:
    case Op::Bfi:
    case Op::Prmt:
    case Op::Szext:
    case Op::Bmsk:
    case Op::Fns:
      break;
    default:
      return false;
  }
  BitLowering lowering(emitter, operation);
  Value* result = lowering.compute();
  if (result == nullptr) return false;
  if (operation.results.size() > 1) {
    // lop3.BoolOp: d|p with p = (d != 0) BoolOp q.
    llvm::IRBuilder<>& b = emitter.b();
    Value* set = b.CreateICmpNE(result, emitter.constant(result->getType(), 0));
    Value* other = lowering.source(3, ir::Type::Pred);
    set = operation.attributes.bool_op == ir::BoolOp::And ? b.CreateAnd(set, other) : b.CreateOr(set, other);
    emitter.write(operation.results[1], set);
  }
  emitter.write(operation.results[0], result);
  return true;
}

}  // namespace doppel::jit
