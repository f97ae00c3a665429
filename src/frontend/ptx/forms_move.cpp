// SPDX-License-Identifier: Apache-2.0
// Register moves, permutes and shuffles (PTX ISA 9.7.9.3-9.7.9.7), and the address forms cvta and isspacep.
#include "frontend/ptx/form_builder.h"
#include "frontend/ptx/form_spaces.h"

namespace doppel::ptx {
namespace {

constexpr TypeSet kMoved = kBits16to64 | kIntegers16to64 | kFloats32and64;

bool mov(FormBuilder& b) {
  Type type;
  if (!b.take_type(kMoved | TypeSet{Type::Pred, Type::B128}, type)) return false;
  b.form.type = type;
  if (type == Type::B128) b.needs(70, 83);
  // mov.v2, mov.v4: element by element, up to 128 bits.
  static constexpr std::pair<std::string_view, std::uint8_t> kVectors[] = {{"v2", 2}, {"v4", 4}};
  if (const std::uint8_t count = b.take_one_of(kVectors); count != 0) {
    if (type == Type::Pred || type == Type::B128 || count * bit_width(type) > 128) return false;
    b.modifiers().vector = count;
    b.operand({OperandRule::Kind::WriteVector, type, false, false, count});
    b.operand({OperandRule::Kind::ReadVector, type, false, false, count});
    return true;
  }
  b.operand({OperandRule::Kind::MoveTarget, type});
  b.operand({OperandRule::Kind::MoveSource, type});
  return true;
}

bool prmt(FormBuilder& b) {
  static constexpr std::pair<std::string_view, PrmtMode> kModes[] = {
      {"f4e", PrmtMode::F4e}, {"b4e", PrmtMode::B4e}, {"rc8", PrmtMode::Rc8},
      {"ecl", PrmtMode::Ecl}, {"ecr", PrmtMode::Ecr}, {"rc16", PrmtMode::Rc16}};
  Type type;
  if (!b.take_type({Type::B32}, type)) return false;
  b.modifiers().prmt = b.take_one_of(kModes);
  b.same_types(type, 3);
  return true;
}

bool shfl(FormBuilder& b) {
  static constexpr std::pair<std::string_view, ShuffleMode> kModes[] = {{"up", ShuffleMode::Up},
                                                                        {"down", ShuffleMode::Down},
                                                                        {"bfly", ShuffleMode::Bfly},
                                                                        {"idx", ShuffleMode::Idx}};
  const bool sync = b.take("sync");  // without: the first form, of which a rewrite makes the other
  b.modifiers().shuffle = b.take_one_of(kModes);
  Type type;
  if (b.modifiers().shuffle == ShuffleMode::None || !b.take_type({Type::B32}, type)) return false;
  b.form.type = type;
  b.write(type);
  b.form.pipe_type = Type::Pred;
  b.read({type, Type::B32, Type::B32});
  if (sync) {
    b.read(Type::B32);
    b.needs(30, 60);
  } else {
    b.needs(30, 30);
    b.was_given_up(69, 64);
  }
  return true;
}

bool cvta(FormBuilder& b) {
  Modifiers& m = b.modifiers();
  m.to = b.take("to");
  if (!take_space(b, m.space)) return false;
  if (m.space == Space::SharedCluster) b.needs(90, 78);
  Type type;
  if (!b.take_type({Type::U32, Type::U64}, type)) return false;
  if (m.space == Space::Param) b.needs(70, 77);
  b.form.type = type;
  b.write(type);
  b.operand({OperandRule::Kind::AddressOrSymbol, type});
  return true;
}

bool isspacep(FormBuilder& b) {
  Modifiers& m = b.modifiers();
  if (!take_space(b, m.space)) return false;
  if (m.space == Space::SharedCluster) b.needs(90, 78);
  if (m.space == Space::Param) b.needs(70, 77);
  b.write(Type::Pred);
  b.read(Type::B64);
  return true;
}

}  // namespace

std::span<const OpcodeForms> move_forms() {
  static constexpr OpcodeForms kForms[] = {
      {"mov", Opcode::Mov, mov},
      {"prmt", Opcode::Prmt, prmt},
      {"shfl", Opcode::Shfl, shfl},
      {"cvta", Opcode::Cvta, cvta},
      {"isspacep", Opcode::Isspacep, isspacep},
  };
  return kForms;
}

}  // namespace doppel::ptx
