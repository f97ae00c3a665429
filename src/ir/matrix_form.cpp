// SPDX-License-Identifier: Apache-2.0
#include "ir/matrix_form.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstddef>

namespace doppel::ir {
namespace {

constexpr std::array<std::string_view, 17> kNames{"",     "f16",  "bf16", "tf32", "f32", "f64",
                                                  "s8",   "u8",   "s4",   "u4",   "b1",  "s32",
                                                  "e4m3", "e5m2", "e3m2", "e2m3", "e2m1"};
constexpr std::array<std::string_view, 3> kScaleNames{"", "ue8m0", "ue4m3"};

// The next word up to a '_', which is taken.
std::string_view next_word(std::string_view& text) {
  const std::size_t end = text.find('_');
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return word;
}

template <typename Number>
bool take_number(std::string_view& text, char letter, Number& number) {
  if (text.empty() || text.front() != letter) return false;
  const char* const begin = text.data() + 1;
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), number);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

// "4x"
bool take_scales(std::string_view word, MatrixForm& form) {
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), form.scales);
  return error == std::errc{} && word.substr(static_cast<std::size_t>(end - word.data())) == "x";
}

bool take_scale(std::string_view word, MatrixForm& form) {
  for (std::size_t i = 1; i < kScaleNames.size(); ++i) {
    if (kScaleNames[i] == word) form.scale = static_cast<MatrixScale>(i);
  }
  return form.is_scaled();
}

// visit(field, bits that hold it)
template <typename Form, typename Visit>
void for_each_matrix_field(Form& form, Visit&& visit) {
  visit(form.m, 6);
  visit(form.n, 6);
  visit(form.k, 9);
  for (auto* element : {&form.d, &form.a, &form.b, &form.c}) visit(*element, 5);
  visit(form.sparse, 1);
  visit(form.scale, 2);
  visit(form.scales, 3);
}

// Rows of eight, each of four lanes that hold `in_register` elements side by side; rows beyond, then elements
// beyond, in further registers.
MatrixPlace place(int row, int along, int rows, int in_register) {
  const int unit = along / in_register;
  const int halves = rows > 8 ? 2 : 1;
  return {row % 8 * 4 + unit % 4, row / 8 + unit / 4 * halves, along % in_register};
}

}  // namespace

std::string_view name_of(MatrixElement element) { return kNames[static_cast<std::size_t>(element)]; }

std::optional<MatrixElement> find_matrix_element(std::string_view name) {
  for (std::size_t i = 1; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<MatrixElement>(i);
  }
  return std::nullopt;
}

int MatrixForm::bits_of(MatrixElement element) const {
  switch (element) {
    case MatrixElement::None:
      return 0;
    case MatrixElement::F16:
    case MatrixElement::BF16:
      return 16;
    case MatrixElement::TF32:
    case MatrixElement::F32:
    case MatrixElement::S32:
      return 32;
    case MatrixElement::F64:
      return 64;
    case MatrixElement::S8:
    case MatrixElement::U8:
    case MatrixElement::E4M3:
    case MatrixElement::E5M2:
    case MatrixElement::E3M2:
    case MatrixElement::E2M3:
      return 8;
    case MatrixElement::E2M1:
      return is_narrow() ? 4 : 8;
    case MatrixElement::S4:
    case MatrixElement::U4:
      return 4;
    case MatrixElement::B1:
      return 1;
  }
  return 0;
}

std::string text_of(const MatrixForm& form) {
  std::string text = fmt::format("m{}n{}k{}_{}_{}_{}_{}", form.m, form.n, form.k, name_of(form.d),
                                 name_of(form.a), name_of(form.b), name_of(form.c));
  if (form.sparse) text += "_sp";
  if (form.is_scaled())
    text += fmt::format("_{}x_{}", form.scales, kScaleNames[static_cast<std::size_t>(form.scale)]);
  return text;
}

std::optional<MatrixForm> find_matrix_form(std::string_view text) {
  MatrixForm form;
  std::string_view shape = next_word(text);
  if (!take_number(shape, 'm', form.m) || !take_number(shape, 'n', form.n) ||
      !take_number(shape, 'k', form.k) || !shape.empty())
    return std::nullopt;
  for (MatrixElement* element : {&form.d, &form.a, &form.b, &form.c}) {
    const auto found = find_matrix_element(next_word(text));
    if (!found) return std::nullopt;
    *element = *found;
  }
  std::string_view word = next_word(text);
  if (word == "sp") {
    form.sparse = true;
    word = next_word(text);
  }
  if (!word.empty() && (!take_scales(word, form) || !take_scale(next_word(text), form))) return std::nullopt;
  if (!text.empty()) return std::nullopt;
  return form;
}

std::uint64_t packed(const MatrixForm& form) {
  std::uint64_t bits = 0;
  for_each_matrix_field(
      form, [&](auto value, int width) { bits = bits << width | static_cast<std::uint64_t>(value); });
  return bits;
}

MatrixForm unpacked_matrix_form(std::uint64_t bits) {
  MatrixForm form;
  int left = 0;
  for_each_matrix_field(form, [&](auto, int width) { left += width; });
  for_each_matrix_field(form, [&]<typename Value>(Value& value, int width) {
    left -= width;
    value = static_cast<Value>(bits >> left & ((std::uint64_t{1} << width) - 1));
  });
  return form;
}

MatrixPlace place_in_a(const MatrixForm& form, int row, int k) {
  return place(row, k, form.m, form.register_bits() / form.bits_of(form.a));
}

MatrixPlace place_in_b(const MatrixForm& form, int k, int column) {
  return place(column, k, form.n, form.register_bits() / form.bits_of(form.b));
}

// Two elements of a row in a lane, whatever a register holds.
MatrixPlace place_in_c(const MatrixForm& form, MatrixElement element, int row, int column) {
  const int lane = row % 8 * 4 + column % 8 / 2;
  const int number = row / 8 * 2 + column % 2 + column / 8 * (form.m > 8 ? 4 : 2);
  const int in_register = form.register_bits() / form.bits_of(element);
  return {lane, number / in_register, number % in_register};
}

}  // namespace doppel::ir
