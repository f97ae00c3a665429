// SPDX-License-Identifier: Apache-2.0
#include "frontend/ptx/form_builder.h"

#include <algorithm>
#include <unordered_map>

namespace doppel::ptx {

Type type_named(std::string_view name) {
  static const auto* const by_name = [] {
    auto* made = new std::unordered_map<std::string_view, Type>();
    for (auto t = static_cast<unsigned>(Type::Pred); t <= static_cast<unsigned>(Type::UE8M0x2); ++t) {
      made->emplace(name_of(static_cast<Type>(t)), static_cast<Type>(t));
    }
    return made;
  }();
  const auto found = by_name->find(name);
  return found == by_name->end() ? Type::None : found->second;
}

bool FormBuilder::add_suffix(std::string_view suffix) {
  if (count_ == kMostSuffixes) return false;
  suffixes_[count_++] = suffix;
  return true;
}

bool FormBuilder::take(std::string_view suffix) {
  for (std::size_t i = 0; i < count_; ++i) {
    if (!taken_[i] && suffixes_[i] == suffix) {
      taken_[i] = true;
      return true;
    }
  }
  return false;
}

std::string_view FormBuilder::take_next() {
  for (std::size_t i = 0; i < count_; ++i) {
    if (taken_[i]) continue;
    taken_[i] = true;
    return suffixes_[i];
  }
  return {};
}

Type FormBuilder::take_type() {
  for (std::size_t i = 0; i < count_; ++i) {
    if (taken_[i]) continue;
    const Type type = type_named(suffixes_[i]);
    if (type != Type::None) {
      taken_[i] = true;
      return type;
    }
  }
  return Type::None;
}

bool FormBuilder::take_type(TypeSet allowed, Type& type) {
  type = take_type();
  return type != Type::None && allowed.contains(type);
}

Rounding FormBuilder::take_float_rounding() {
  static constexpr std::pair<std::string_view, Rounding> kTable[] = {
      {"rn", Rounding::Rn}, {"rz", Rounding::Rz}, {"rm", Rounding::Rm}, {"rp", Rounding::Rp}};
  return take_one_of(kTable);
}

Rounding FormBuilder::take_integer_rounding() {
  static constexpr std::pair<std::string_view, Rounding> kTable[] = {
      {"rni", Rounding::Rni}, {"rzi", Rounding::Rzi}, {"rmi", Rounding::Rmi}, {"rpi", Rounding::Rpi}};
  return take_one_of(kTable);
}

Compare FormBuilder::take_compare() {
  static constexpr std::pair<std::string_view, Compare> kTable[] = {
      {"eq", Compare::Eq},   {"ne", Compare::Ne},   {"lt", Compare::Lt},   {"le", Compare::Le},
      {"gt", Compare::Gt},   {"ge", Compare::Ge},   {"lo", Compare::Lo},   {"ls", Compare::Ls},
      {"hi", Compare::Hi},   {"hs", Compare::Hs},   {"equ", Compare::Equ}, {"neu", Compare::Neu},
      {"ltu", Compare::Ltu}, {"leu", Compare::Leu}, {"gtu", Compare::Gtu}, {"geu", Compare::Geu},
      {"num", Compare::Num}, {"nan", Compare::Nan}};
  return take_one_of(kTable);
}

bool FormBuilder::all_taken() const {
  return std::all_of(taken_.begin(), taken_.begin() + static_cast<std::ptrdiff_t>(count_),
                     [](bool t) { return t; });
}

void FormBuilder::needs(std::uint32_t sm, std::uint32_t version) {
  form.requirement.sm = std::max(form.requirement.sm, sm);
  form.requirement.version = std::max(form.requirement.version, version);
}

void FormBuilder::operand(OperandRule rule) { form.operands.at(form.operand_count++) = rule; }

}  // namespace doppel::ptx
