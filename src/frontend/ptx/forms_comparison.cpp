// SPDX-License-Identifier: Apache-2.0
// Comparison and selection (PTX ISA 9.7.6, 9.7.7).
#include "frontend/ptx/form_builder.h"

namespace doppel::ptx {
namespace {

constexpr std::pair<std::string_view, BoolOp> kBoolOps[] = {
    {"and", BoolOp::And}, {"or", BoolOp::Or}, {"xor", BoolOp::Xor}};

// Which comparisons a type has: bit types only equality, integers the orders, floats also the unordered ones
// (PTX ISA 9.3.1).
bool compare_suits(Compare compare, Type type) {
  const bool equality = compare == Compare::Eq || compare == Compare::Ne;
  const bool order = compare >= Compare::Lt && compare <= Compare::Ge;
  const bool unsigned_order = compare >= Compare::Lo && compare <= Compare::Hs;
  if (compare == Compare::None) return false;
  if (is_float(type)) return !unsigned_order;
  if (kBits16to64.contains(type)) return equality;
  if (is_signed(type)) return equality || order;
  return equality || order || unsigned_order;
}

constexpr TypeSet kCompared = kBits16to64 | kIntegers16to64 | kFloats32and64;

bool set(FormBuilder& b) {
  Modifiers& m = b.modifiers();
  m.compare = b.take_compare();
  m.bool_op = b.take_one_of(kBoolOps);
  m.ftz = b.take("ftz");
  const Type result = b.take_type();
  const Type source = b.take_type();
  if (source == Type::None || !compare_suits(m.compare, source)) return false;
  const bool half = kHalves.contains(source) || result == Type::F16;
  const bool brain = kBrainHalves.contains(source) || result == Type::BF16;
  if (half || brain) {
    const Type scalar = brain ? Type::BF16 : Type::F16;
    if (is_packed(source)) {
      // One result a half: 1.0 and 0.0, or all ones and zeros.
      if (result != source && !kIntegers32.contains(result)) return false;
    } else if (source == scalar && is_integer(result)) {
      if (!TypeSet{Type::U16, Type::S16, Type::U32, Type::S32}.contains(result)) return false;
    } else if (result != scalar || !(kCompared | TypeSet{Type::F16, Type::BF16}).contains(source)) {
      return false;
    }
    if (m.ftz && (brain || (source != Type::F32 && !kHalves.contains(source)))) return false;
    if (brain) {
      b.needs(90, 78);
    } else {
      b.needs(53, is_integer(result) ? 65 : 42);
    }
  } else {
    if (!kCompared.contains(source) || !TypeSet{Type::U32, Type::S32, Type::F32}.contains(result))
      return false;
    if (m.ftz && source != Type::F32) return false;
  }
  b.form.type = result;
  b.form.source_type = source;
  b.write(result);
  b.read({source, source});
  if (m.bool_op != BoolOp::None) b.operand({OperandRule::Kind::ReadPredicate, Type::Pred});
  return true;
}

bool setp(FormBuilder& b) {
  Modifiers& m = b.modifiers();
  m.compare = b.take_compare();
  m.bool_op = b.take_one_of(kBoolOps);
  m.ftz = b.take("ftz");
  const Type type = b.take_type();
  if (type == Type::None || !compare_suits(m.compare, type)) return false;
  if (kHalves.contains(type)) {
    b.needs(53, 42);
  } else if (kBrainHalves.contains(type)) {
    if (m.ftz) return false;
    b.needs(90, 78);
  } else if (!kCompared.contains(type) || (m.ftz && type != Type::F32)) {
    return false;
  }
  b.form.type = type;
  b.write(Type::Pred);
  // Of a packed type one result a half; of one half there is no second.
  if (type != Type::F16 && type != Type::BF16) b.form.pipe_type = Type::Pred;
  b.form.pipe_required = is_packed(type);
  b.read({type, type});
  if (m.bool_op != BoolOp::None) b.operand({OperandRule::Kind::ReadPredicate, Type::Pred});
  return true;
}

bool selp(FormBuilder& b) {
  Type type;
  if (!b.take_type(kCompared, type)) return false;
  b.same_types(type, 2);
  b.operand({OperandRule::Kind::ReadPredicate, Type::Pred});
  return true;
}

bool slct(FormBuilder& b) {
  b.modifiers().ftz = b.take("ftz");
  Type type, sign;
  if (!b.take_type(kCompared, type) || !b.take_type({Type::S32, Type::F32}, sign)) return false;
  if (b.modifiers().ftz && sign != Type::F32) return false;
  b.same_types(type, 2);
  b.form.source_type = sign;
  b.read(sign);
  return true;
}

}  // namespace

std::span<const OpcodeForms> comparison_forms() {
  static constexpr OpcodeForms kForms[] = {{"set", Opcode::Set, set},
                                           {"setp", Opcode::Setp, setp},
                                           {"selp", Opcode::Selp, selp},
                                           {"slct", Opcode::Slct, slct}};
  return kForms;
}

}  // namespace doppel::ptx
