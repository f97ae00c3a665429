// SPDX-License-Identifier: Apache-2.0
// What the forms_*.cpp files read suffixes with and describe operands by.
#pragma once

#include <array>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <utility>

#include "frontend/ptx/form.h"

namespace doppel::ptx {

// A set of types, as the ISA's lists give them.
class TypeSet {
 public:
  constexpr TypeSet(std::initializer_list<Type> types) {
    for (const Type type : types) bits_ |= std::uint64_t{1} << static_cast<unsigned>(type);
  }
  constexpr bool contains(Type type) const { return ((bits_ >> static_cast<unsigned>(type)) & 1) != 0; }
  constexpr TypeSet operator|(TypeSet other) const {
    TypeSet both = *this;
    both.bits_ |= other.bits_;
    return both;
  }

 private:
  std::uint64_t bits_ = 0;
};

inline constexpr TypeSet kIntegers16to64 = {Type::U16, Type::U32, Type::U64, Type::S16, Type::S32, Type::S64};
inline constexpr TypeSet kSigned16to64 = {Type::S16, Type::S32, Type::S64};
inline constexpr TypeSet kBits16to64 = {Type::B16, Type::B32, Type::B64};
inline constexpr TypeSet kIntegers32 = {Type::U32, Type::S32};
inline constexpr TypeSet kIntegers32and64 = {Type::U32, Type::S32, Type::U64, Type::S64};
inline constexpr TypeSet kFloats32and64 = {Type::F32, Type::F64};
inline constexpr TypeSet kHalves = {Type::F16, Type::F16x2};
inline constexpr TypeSet kBrainHalves = {Type::BF16, Type::BF16x2};

class FormBuilder {
 public:
  static constexpr std::size_t kMostSuffixes = 16;

  Form form;

  // Suffixes are taken by name in any order, as the vendor's assembler does; types keep theirs.
  bool add_suffix(std::string_view suffix);
  bool take(std::string_view suffix);
  template <typename Value, std::size_t N>
  Value take_one_of(const std::pair<std::string_view, Value> (&table)[N]) {
    for (const auto& [name, value] : table) {
      if (take(name)) return value;
    }
    return Value{};
  }
  std::string_view take_next();  // the next that nobody took; empty if there is no more
  Type take_type();              // the next type suffix; None if there is no more
  bool take_type(TypeSet allowed, Type& type);
  Rounding take_float_rounding();    // .rn .rz .rm .rp
  Rounding take_integer_rounding();  // .rni .rzi .rmi .rpi
  Compare take_compare();
  bool all_taken() const;

  Modifiers& modifiers() { return form.modifiers; }
  bool is(Opcode opcode) const { return form.opcode == opcode; }
  void needs(std::uint32_t sm, std::uint32_t version);  // the highest of several calls counts
  // Later targets do not have the form, from this version on.
  void was_given_up(std::uint32_t last_sm, std::uint32_t version = 0) {
    form.requirement.last_sm = last_sm;
    form.requirement.given_up = version;
  }

  using Kind = OperandRule::Kind;
  void operand(OperandRule rule);
  void write(Type type) { operand({Kind::Write, type}); }
  void read(Type type) { operand({Kind::Read, type}); }
  void read(std::initializer_list<Type> types) {
    for (const Type type : types) read(type);
  }
  void optional(OperandRule rule) {
    rule.optional = true;
    operand(rule);
  }
  // d = op(a, ...) with `sources` operands of the one type.
  void same_types(Type type, int sources) {
    form.type = type;
    write(type);
    for (int i = 0; i < sources; ++i) read(type);
  }

 private:
  std::array<std::string_view, kMostSuffixes> suffixes_;
  std::array<bool, kMostSuffixes> taken_{};
  std::size_t count_ = 0;
};

// The type that a suffix names, without its dot; None if it names none.
Type type_named(std::string_view name);

}  // namespace doppel::ptx
