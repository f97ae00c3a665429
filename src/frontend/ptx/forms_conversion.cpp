// SPDX-License-Identifier: Apache-2.0
// cvt and cvt.pack (PTX ISA 9.7.9.21, 9.7.9.22).
#include "frontend/ptx/form_builder.h"
#include "frontend/ptx/forms_small_floats.h"

namespace doppel::ptx {
namespace {

using Kind = OperandRule::Kind;

constexpr TypeSet kIntegers8to64 = kIntegers16to64 | TypeSet{Type::U8, Type::S8};
constexpr TypeSet kPlainFloats = {Type::F16, Type::BF16, Type::F32, Type::F64};

// Whether every value of `source` is one of `result`: then .sat would do nothing, and is refused.
bool holds_all(Type result, Type source) {
  const int result_bits = bit_width(result), source_bits = bit_width(source);
  if (is_signed(source)) return is_signed(result) && result_bits >= source_bits;
  return is_signed(result) ? result_bits > source_bits : result_bits >= source_bits;
}

bool finish(FormBuilder& b, Type result, Type source, int sources = 1) {
  b.form.type = result;
  b.form.source_type = source;
  // Bytes that become a bf16, or are made of one, have registers of their own size.
  const bool relaxed = bit_width(result) != 8 || source != Type::BF16;
  b.operand({Kind::Write, result, relaxed});
  for (int i = 0; i < sources; ++i)
    b.operand({Kind::SpecialRead, source, bit_width(source) != 8 || result != Type::BF16});
  return true;
}

// cvt.pack.sat.u16.s32, cvt.pack.sat.u8.s32.b32: results of less than 16 bits have others above them.
bool cvt_pack(FormBuilder& b) {
  b.form.opcode = Opcode::CvtPack;
  if (!b.take("sat")) return false;
  b.modifiers().sat = true;
  const Type result = b.take_type();
  Type source;
  if (!b.take_type({Type::S32}, source)) return false;
  b.form.type = result;
  b.form.source_type = source;
  b.write(Type::B32);
  b.read({Type::S32, Type::S32});
  if (TypeSet{Type::U8, Type::S8, Type::U4, Type::S4, Type::U2, Type::S2}.contains(result)) {
    Type accumulated;
    if (!b.take_type({Type::B32}, accumulated)) return false;
    b.read(Type::B32);
  } else if (result != Type::U16 && result != Type::S16) {
    return false;
  }
  b.needs(bit_width(result) < 8 ? 75 : 72, 65);
  return true;
}

// Two f32 to a packed pair.
bool to_packed(FormBuilder& b, Type result, Type source) {
  Modifiers& m = b.modifiers();
  if (source != Type::F32 || (m.rounding != Rounding::Rn && m.rounding != Rounding::Rz) || m.ftz || m.sat)
    return false;
  m.relu = b.take("relu");
  m.satfinite = b.take("satfinite");
  b.needs(80, m.satfinite ? 81 : 70);
  return finish(b, result, source, 2);
}

bool to_tf32(FormBuilder& b, Type source) {
  Modifiers& m = b.modifiers();
  m.satfinite = b.take("satfinite");
  if (source != Type::F32 || m.ftz || m.sat) return false;
  if (m.rounding == Rounding::Rna) {
    b.needs(80, m.satfinite ? 81 : 70);
  } else if (m.rounding == Rounding::Rn || m.rounding == Rounding::Rz) {
    m.relu = b.take("relu");
    b.needs(m.satfinite ? 100 : 90, m.satfinite ? 86 : 78);
  } else {
    return false;
  }
  return finish(b, Type::TF32, source);
}

bool float_to_float(FormBuilder& b, Type result, Type source) {
  Modifiers& m = b.modifiers();
  const bool float_rounding = m.rounding >= Rounding::Rn && m.rounding <= Rounding::Rp;
  const bool brain = result == Type::BF16 || source == Type::BF16;
  if (m.ftz && result != Type::F32 && source != Type::F32) return false;
  if (brain) {
    if (m.sat) return false;
    if (result == Type::BF16 && source == Type::F32) {
      b.needs(80, 70);
    } else if (result == Type::F32 && !m.ftz) {
      b.needs(80, 71);
    } else {
      b.needs(90, 78);
    }
  } else if (result == Type::F16 || source == Type::F16) {
    b.needs(53, 42);
  }
  if (result == Type::F16 || result == Type::BF16) {
    m.relu = b.take("relu");
    m.satfinite = b.take("satfinite");
    if (m.relu || m.satfinite) {
      if (source != Type::F32 || (m.rounding != Rounding::Rn && m.rounding != Rounding::Rz) || m.sat || m.ftz)
        return false;
      b.needs(80, m.satfinite ? 81 : 70);
    }
  }
  const bool same_size = result == source;
  const bool narrows = bit_width(result) < bit_width(source) ||
                       (bit_width(result) == bit_width(source) && !same_size);  // f16 <-> bf16
  if (same_size) {
    if (float_rounding) return false;
  } else if (narrows) {
    // Between the two of 16 bits a rounding may be left out: to nearest, as the vendor's assembler has it.
    if (m.rounding == Rounding::None && bit_width(source) == 16) m.rounding = Rounding::Rn;
    if (m.rounding < Rounding::Rn || m.rounding > Rounding::Rp) return false;
  } else if (source == Type::BF16 && float_rounding) {
    m.rounding = Rounding::None;  // exact, but the vendor's assembler lets a rounding stand
  } else if (m.rounding != Rounding::None) {
    // 9.7.9.21: widening is exact and takes no rounding; the vendor's assembler refuses one as well.
    return false;
  }
  return finish(b, result, source);
}

bool cvt(FormBuilder& b) {
  if (b.take("pack")) return cvt_pack(b);
  Modifiers& m = b.modifiers();
  m.rounding = b.take_float_rounding();
  if (m.rounding == Rounding::None) m.rounding = b.take_integer_rounding();
  if (m.rounding == Rounding::None && b.take("rna")) m.rounding = Rounding::Rna;
  m.ftz = b.take("ftz");
  m.sat = b.take("sat");
  const Type result = b.take_type();
  const Type source = b.take_type();
  const bool float_rounding = m.rounding >= Rounding::Rn && m.rounding <= Rounding::Rp;
  const bool integer_rounding = m.rounding >= Rounding::Rni;
  if (is_small_pair(result)) return to_small_pair(b, result, source);
  if (is_small_pair(source)) return from_small_pair(b, result, source);
  if (result == Type::F16x2 || result == Type::BF16x2) return to_packed(b, result, source);
  if (result == Type::TF32) return to_tf32(b, source);
  if (m.rounding == Rounding::Rna) return false;
  const bool from_integer = kIntegers8to64.contains(source), to_integer = kIntegers8to64.contains(result);
  const bool from_float = kPlainFloats.contains(source), to_float = kPlainFloats.contains(result);
  if (from_integer && to_integer) {
    if (m.rounding != Rounding::None || m.ftz || (m.sat && holds_all(result, source))) return false;
    return finish(b, result, source);
  }
  if (from_float && to_integer) {
    if (!integer_rounding || (m.ftz && source != Type::F32)) return false;
    if (source == Type::BF16) {
      if (m.sat) return false;
      b.needs(90, 78);
    }
    if (source == Type::F16) b.needs(53, 42);
    return finish(b, result, source);
  }
  if (from_integer && to_float) {
    if (!float_rounding || (m.ftz && result != Type::F32)) return false;
    if (result == Type::BF16) {
      if (m.sat) return false;
      b.needs(90, 78);
    }
    if (result == Type::F16) b.needs(53, 42);
    return finish(b, result, source);
  }
  if (from_float && to_float) return float_to_float(b, result, source);
  return false;
}

}  // namespace

std::span<const OpcodeForms> conversion_forms() {
  static constexpr OpcodeForms kForms[] = {{"cvt", Opcode::Cvt, cvt}};
  return kForms;
}

}  // namespace doppel::ptx
