// SPDX-License-Identifier: Apache-2.0
// Video instructions: scalar, and of two and four lanes (PTX ISA 9.7.18). Cards since sm_50 have few of them,
// and the vendor's assembler works them out with ordinary instructions, as rewritten_video.cpp does.
#include "frontend/ptx/form_builder.h"

namespace doppel::ptx {
namespace {

using Kind = OperandRule::Kind;

constexpr std::pair<std::string_view, VideoForm::Second> kSeconds[] = {
    {"add", VideoForm::Second::Add}, {"min", VideoForm::Second::Min}, {"max", VideoForm::Second::Max}};

// A register, or where `kind` is Read a constant, with an optional selector: %r1.b2, %r1.h10, %r1.b7654.
OperandRule selected(Kind kind, Type type) {
  OperandRule rule{kind, type};
  rule.part = true;
  return rule;
}

bool take_types(FormBuilder& b, bool with_result) {
  VideoForm& v = b.form.video;
  v.result = Type::U32;
  if (with_result && !b.take_type(kIntegers32, v.result)) return false;
  if (!b.take_type(kIntegers32, v.a) || !b.take_type(kIntegers32, v.b)) return false;
  b.form.type = v.result;
  b.form.source_type = v.a;
  return true;
}

// d{.dsel}, a{.asel}, b{.bsel} and c, where a second operation or the selector of d needs it.
void scalar_operands(FormBuilder& b) {
  const VideoForm& v = b.form.video;
  b.operand(selected(Kind::Write, v.result));
  b.operand(selected(Kind::Read, v.a));
  b.operand(selected(Kind::Read, v.b));
  if (v.second == VideoForm::Second::None)
    b.optional({Kind::Read, v.result});
  else
    b.read(v.result);
}

bool arithmetic(FormBuilder& b) {
  VideoForm& v = b.form.video;
  if (!take_types(b, true)) return false;
  b.modifiers().sat = b.take("sat");
  v.second = b.take_one_of(kSeconds);
  scalar_operands(b);
  b.needs(20, 20);
  return true;
}

bool shift(FormBuilder& b) {
  if (!arithmetic(b)) return false;
  static constexpr std::pair<std::string_view, ShiftMode> kModes[] = {{"clamp", ShiftMode::Clamp},
                                                                      {"wrap", ShiftMode::Wrap}};
  b.modifiers().shift = b.take_one_of(kModes);
  return b.modifiers().shift != ShiftMode::None && b.form.video.b == Type::U32;
}

bool multiply_add(FormBuilder& b) {
  VideoForm& v = b.form.video;
  if (!take_types(b, true)) return false;
  b.modifiers().sat = b.take("sat");
  v.plus_one = b.take("po");
  v.scale = b.take("shr7") ? 7 : b.take("shr15") ? 15 : 0;
  b.write(v.result);
  for (const Type type : {v.a, v.b, v.result}) {
    OperandRule rule = selected(Kind::Read, type);
    rule.negatable = true;
    b.operand(rule);
  }
  b.needs(20, 20);
  return true;
}

bool take_video_compare(FormBuilder& b) {
  b.modifiers().compare = b.take_compare();
  return b.modifiers().compare >= Compare::Eq && b.modifiers().compare <= Compare::Ge;
}

bool set(FormBuilder& b) {
  if (!take_types(b, false) || !take_video_compare(b)) return false;
  b.form.video.second = b.take_one_of(kSeconds);
  scalar_operands(b);
  b.needs(20, 20);
  return true;
}

// d{.mask}, a{.asel}, b{.bsel}, c
bool lanes(FormBuilder& b, bool compares) {
  VideoForm& v = b.form.video;
  if (!take_types(b, !compares)) return false;
  if (compares && !take_video_compare(b)) return false;
  if (!compares) b.modifiers().sat = b.take("sat");
  if (b.take("add")) v.second = VideoForm::Second::Add;
  if (b.modifiers().sat && v.second == VideoForm::Second::Add) return false;  // as the vendor's assembler
  b.operand(selected(Kind::Write, v.result));
  b.operand(selected(Kind::Read, v.a));
  b.operand(selected(Kind::Read, v.b));
  b.read(v.result);
  b.needs(30, 30);
  return true;
}

bool lane_arithmetic(FormBuilder& b) { return lanes(b, false); }
bool lane_set(FormBuilder& b) { return lanes(b, true); }

}  // namespace

std::span<const OpcodeForms> video_forms() {
  static constexpr OpcodeForms kForms[] = {
      {"vadd", Opcode::Vadd, arithmetic},
      {"vsub", Opcode::Vsub, arithmetic},
      {"vabsdiff", Opcode::Vabsdiff, arithmetic},
      {"vmin", Opcode::Vmin, arithmetic},
      {"vmax", Opcode::Vmax, arithmetic},
      {"vshl", Opcode::Vshl, shift},
      {"vshr", Opcode::Vshr, shift},
      {"vmad", Opcode::Vmad, multiply_add},
      {"vset", Opcode::Vset, set},
      {"vadd2", Opcode::Vadd2, lane_arithmetic},
      {"vsub2", Opcode::Vsub2, lane_arithmetic},
      {"vavrg2", Opcode::Vavrg2, lane_arithmetic},
      {"vabsdiff2", Opcode::Vabsdiff2, lane_arithmetic},
      {"vmin2", Opcode::Vmin2, lane_arithmetic},
      {"vmax2", Opcode::Vmax2, lane_arithmetic},
      {"vset2", Opcode::Vset2, lane_set},
      {"vadd4", Opcode::Vadd4, lane_arithmetic},
      {"vsub4", Opcode::Vsub4, lane_arithmetic},
      {"vavrg4", Opcode::Vavrg4, lane_arithmetic},
      {"vabsdiff4", Opcode::Vabsdiff4, lane_arithmetic},
      {"vmin4", Opcode::Vmin4, lane_arithmetic},
      {"vmax4", Opcode::Vmax4, lane_arithmetic},
      {"vset4", Opcode::Vset4, lane_set},
  };
  return kForms;
}

}  // namespace doppel::ptx
