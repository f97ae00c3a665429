// SPDX-License-Identifier: Apache-2.0
#include "ir/texture_form.h"

#include <cstddef>
#include <iterator>

namespace doppel::ir {
namespace {

constexpr std::string_view kGeometries[] = {"", "1d", "2d", "3d", "a1d", "a2d", "cube", "acube"};
constexpr std::string_view kLevels[] = {"", "level", "grad"};
constexpr std::string_view kComponents[] = {"", "r", "g", "b", "a"};
constexpr std::string_view kQueries[] = {
    "",           "width",        "height",  "depth",    "channeltype", "channelorder",
    "normalized", "unnormalized", "filter",  "address0", "address1",    "address2",
    "arraysize",  "levels",       "samples", "layout",   "istexture",   "issampler",
    "issurface"};
constexpr std::string_view kBounds[] = {"", "trap", "clamp", "zero"};
constexpr std::string_view kTexels[] = {"", "texels"};
constexpr std::string_view kSampler[] = {"", "sampler"};
constexpr std::string_view kOffsets[] = {"", "offsets"};
constexpr std::string_view kCompareWord[] = {"", "compare"};
constexpr std::string_view kResident[] = {"", "resident"};
constexpr std::string_view kFormatted[] = {"", "formatted"};

// visit(field, its words, bits that hold it)
template <typename Form, typename Visit>
void for_each_texture_field(Form& form, Visit&& visit) {
  visit(form.geometry, kGeometries, 3);
  visit(form.level, kLevels, 2);
  visit(form.component, kComponents, 3);
  visit(form.query, kQueries, 5);
  visit(form.bounds, kBounds, 2);
  visit(form.texels, kTexels, 1);
  visit(form.sampler, kSampler, 1);
  visit(form.offsets, kOffsets, 1);
  visit(form.compare, kCompareWord, 1);
  visit(form.resident, kResident, 1);
  visit(form.formatted, kFormatted, 1);
}

}  // namespace

int TextureForm::dimensions() const {
  switch (geometry) {
    case TextureGeometry::D1:
    case TextureGeometry::A1:
      return 1;
    case TextureGeometry::D2:
    case TextureGeometry::A2:
      return 2;
    case TextureGeometry::D3:
    case TextureGeometry::Cube:
    case TextureGeometry::ACube:
      return 3;
    case TextureGeometry::None:
      break;
  }
  return 0;
}

int TextureForm::coordinates() const {
  const int read = dimensions() + (is_layered() ? 1 : 0);
  return read == 3 ? 4 : read;
}

int TextureForm::gradient_coordinates() const { return dimensions() == 3 ? 4 : dimensions(); }

int TextureForm::offset_coordinates() const { return dimensions() == 3 ? 4 : dimensions(); }

int TextureForm::words() const {
  int count = coordinates();
  if (level == TextureLevel::Level) count += 1;
  if (level == TextureLevel::Gradient) count += 2 * gradient_coordinates();
  if (offsets) count += offset_coordinates();
  if (compare) count += 1;
  return count;
}

std::string text_of(const TextureForm& form) {
  std::string text;
  for_each_texture_field(form, [&](auto value, const auto& words, int) {
    const auto number = static_cast<std::size_t>(value);
    const std::string_view word = number < std::size(words) ? words[number] : "";
    if (word.empty()) return;
    if (!text.empty()) text += '_';
    text += word;
  });
  return text;
}

std::optional<TextureForm> find_texture_form(std::string_view text) {
  TextureForm form;
  while (!text.empty()) {
    const std::size_t end = text.find('_');
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    bool known = false;
    for_each_texture_field(form, [&]<typename Field>(Field& field, const auto& words, int) {
      for (std::size_t i = 1; i < std::size(words); ++i) {
        if (known || words[i] != word || field != Field{}) continue;
        field = static_cast<Field>(i);
        known = true;
      }
    });
    if (!known) return std::nullopt;
  }
  if (form == TextureForm{}) return std::nullopt;
  return form;
}

std::uint64_t packed(const TextureForm& form) {
  std::uint64_t bits = 0;
  for_each_texture_field(form, [&](auto value, const auto&, int width) {
    bits = bits << width | static_cast<std::uint64_t>(value);
  });
  return bits;
}

TextureForm unpacked_texture_form(std::uint64_t bits) {
  TextureForm form;
  int left = 0;
  for_each_texture_field(form, [&](auto, const auto&, int width) { left += width; });
  for_each_texture_field(form, [&]<typename Value>(Value& value, const auto&, int width) {
    left -= width;
    value = static_cast<Value>(bits >> left & ((std::uint64_t{1} << width) - 1));
  });
  return form;
}

}  // namespace doppel::ir
