// SPDX-License-Identifier: Apache-2.0
// Textures and surfaces (PTX ISA 9.7.10, 9.7.11). Which suffixes go together is what ptxas 13.0 accepts.
#include "frontend/ptx/form_builder.h"
#include "frontend/ptx/form_spaces.h"

namespace doppel::ptx {
namespace {

using ir::SurfaceBounds;
using ir::TextureComponent;
using ir::TextureForm;
using ir::TextureGeometry;
using ir::TextureLevel;
using ir::TextureQuery;
using Kind = OperandRule::Kind;

constexpr std::pair<std::string_view, TextureGeometry> kGeometries[] = {
    {"1d", TextureGeometry::D1},      {"2d", TextureGeometry::D2},  {"3d", TextureGeometry::D3},
    {"a1d", TextureGeometry::A1},     {"a2d", TextureGeometry::A2}, {"cube", TextureGeometry::Cube},
    {"acube", TextureGeometry::ACube}};
constexpr std::pair<std::string_view, TextureGeometry> kSurfaceGeometries[] = {{"1d", TextureGeometry::D1},
                                                                               {"2d", TextureGeometry::D2},
                                                                               {"3d", TextureGeometry::D3},
                                                                               {"a1d", TextureGeometry::A1},
                                                                               {"a2d", TextureGeometry::A2}};

bool is_cube(const TextureForm& form) {
  return form.geometry == TextureGeometry::Cube || form.geometry == TextureGeometry::ACube;
}

// The target and version that brought the geometry (PTX ISA 9.7.10.3, 'PTX ISA Notes').
void needs_geometry(FormBuilder& b, TextureGeometry geometry) {
  switch (geometry) {
    case TextureGeometry::A1:
    case TextureGeometry::A2:
      b.needs(20, 23);
      break;
    case TextureGeometry::Cube:
    case TextureGeometry::ACube:
      b.needs(20, 30);
      break;
    default:
      break;
  }
}

void values(FormBuilder& b, Kind kind, Type type, int count) {
  OperandRule rule{kind, type};
  rule.vector = static_cast<std::uint8_t>(count);
  b.operand(rule);
}

// [a, c] or [a, b, c], with coordinates of the type.
void texture_and_coordinates(FormBuilder& b, Type coordinates) {
  OperandRule rule{Kind::TextureCoordinates, coordinates};
  rule.vector = static_cast<std::uint8_t>(b.modifiers().texture.coordinates());
  b.operand(rule);
}

// {, e} {, f}: offsets, then the reference of a depth comparison.
void offsets_and_reference(FormBuilder& b) {
  OperandRule rule{Kind::TextureOptions};
  rule.optional = true;
  b.operand(rule);
}

void may_be_followed_by_residency(FormBuilder& b) { b.form.pipe_type = Type::Pred; }

bool tex(FormBuilder& b) {
  static constexpr std::pair<std::string_view, TextureLevel> kLevels[] = {{"level", TextureLevel::Level},
                                                                          {"grad", TextureLevel::Gradient}};
  TextureForm& form = b.modifiers().texture;
  form.level = b.take_one_of(kLevels);
  if (form.level == TextureLevel::Base) b.take("base");
  form.geometry = b.take_one_of(kGeometries);
  if (form.geometry == TextureGeometry::None) return false;  // .2dms and .a2dms: no array is multisampled
  needs_geometry(b, form.geometry);
  const bool four = b.take("v4");
  if (!four && !b.take("v2")) return false;
  Type type = Type::None, coordinates = Type::None;
  if (!b.take_type({Type::U32, Type::S32, Type::F16, Type::F16x2, Type::F32}, type)) return false;
  if (!b.take_type({Type::S32, Type::F32}, coordinates)) return false;
  if (four == (type == Type::F16x2)) return false;
  if (is_cube(form) && coordinates != Type::F32) return false;
  if (type == Type::F16 || type == Type::F16x2) b.needs(53, 42);
  form.texels = coordinates == Type::S32;
  b.form.type = type;
  values(b, Kind::WriteVector, type, four ? 4 : 2);
  may_be_followed_by_residency(b);
  texture_and_coordinates(b, coordinates);
  if (form.level == TextureLevel::Level) b.read(coordinates);
  if (form.level == TextureLevel::Gradient) {
    values(b, Kind::ReadVector, Type::F32, form.gradient_coordinates());
    values(b, Kind::ReadVector, Type::F32, form.gradient_coordinates());
  }
  offsets_and_reference(b);
  return true;
}

bool tld4(FormBuilder& b) {
  static constexpr std::pair<std::string_view, TextureComponent> kComponents[] = {
      {"r", TextureComponent::Red},
      {"g", TextureComponent::Green},
      {"b", TextureComponent::Blue},
      {"a", TextureComponent::Alpha}};
  TextureForm& form = b.modifiers().texture;
  b.needs(20, 22);
  form.component = b.take_one_of(kComponents);
  form.geometry = b.take_one_of(kGeometries);
  needs_geometry(b, form.geometry);
  if (form.component == TextureComponent::None || (form.dimensions() != 2 && !is_cube(form))) return false;
  if (!b.take("v4")) return false;
  Type type = Type::None, coordinates = Type::None;
  if (!b.take_type({Type::U32, Type::S32, Type::F32}, type)) return false;
  if (!b.take_type({Type::F32}, coordinates)) return false;
  b.form.type = type;
  values(b, Kind::WriteVector, type, 4);
  may_be_followed_by_residency(b);
  texture_and_coordinates(b, coordinates);
  offsets_and_reference(b);
  return true;
}

bool query(FormBuilder& b, TextureQuery which, Kind object) {
  Type type = Type::None;
  if (which == TextureQuery::None || !b.take_type({Type::B32}, type)) return false;
  b.modifiers().texture.query = which;
  b.form.type = type;
  b.write(type);
  b.operand({object});
  return true;
}

bool txq(FormBuilder& b) {
  static constexpr std::pair<std::string_view, TextureQuery> kOfLevels[] = {
      {"width", TextureQuery::Width}, {"height", TextureQuery::Height}, {"depth", TextureQuery::Depth}};
  static constexpr std::pair<std::string_view, TextureQuery> kOfTextures[] = {
      {"width", TextureQuery::Width},
      {"height", TextureQuery::Height},
      {"depth", TextureQuery::Depth},
      {"channel_data_type", TextureQuery::ChannelType},
      {"channel_order", TextureQuery::ChannelOrder},
      {"normalized_coords", TextureQuery::NormalizedCoordinates},
      {"array_size", TextureQuery::ArraySize},
      {"num_mipmap_levels", TextureQuery::MipmapLevels},
      {"num_samples", TextureQuery::Samples}};
  static constexpr std::pair<std::string_view, TextureQuery> kOfSamplers[] = {
      {"force_unnormalized_coords", TextureQuery::ForceUnnormalized},
      {"filter_mode", TextureQuery::FilterMode},
      {"addr_mode_0", TextureQuery::AddressMode0},
      {"addr_mode_1", TextureQuery::AddressMode1},
      {"addr_mode_2", TextureQuery::AddressMode2}};
  if (b.take("level")) {
    b.modifiers().texture.level = TextureLevel::Level;
    b.needs(30, 31);
    if (!query(b, b.take_one_of(kOfLevels), Kind::TextureObject)) return false;
    b.read(Type::S32);
    return true;
  }
  const TextureQuery of_texture = b.take_one_of(kOfTextures);
  if (of_texture != TextureQuery::None) return query(b, of_texture, Kind::TextureObject);
  return query(b, b.take_one_of(kOfSamplers), Kind::SamplerObject);
}

bool suq(FormBuilder& b) {
  static constexpr std::pair<std::string_view, TextureQuery> kQueries[] = {
      {"width", TextureQuery::Width},
      {"height", TextureQuery::Height},
      {"depth", TextureQuery::Depth},
      {"channel_data_type", TextureQuery::ChannelType},
      {"channel_order", TextureQuery::ChannelOrder},
      {"array_size", TextureQuery::ArraySize},
      {"memory_layout", TextureQuery::MemoryLayout}};
  return query(b, b.take_one_of(kQueries), Kind::SurfaceObject);
}

bool istypep(FormBuilder& b) {
  static constexpr std::pair<std::string_view, TextureQuery> kTypes[] = {
      {"texref", TextureQuery::IsTexture},
      {"samplerref", TextureQuery::IsSampler},
      {"surfref", TextureQuery::IsSurface}};
  b.needs(30, 40);
  TextureQuery& which = b.modifiers().texture.query;
  which = b.take_one_of(kTypes);
  if (which == TextureQuery::None) return false;
  b.form.type = Type::Pred;
  b.write(Type::Pred);
  b.read(Type::B64);
  return true;
}

bool take_bounds(FormBuilder& b) {
  static constexpr std::pair<std::string_view, SurfaceBounds> kBounds[] = {
      {"trap", SurfaceBounds::Trap}, {"clamp", SurfaceBounds::Clamp}, {"zero", SurfaceBounds::Zero}};
  b.modifiers().texture.bounds = b.take_one_of(kBounds);
  return b.modifiers().texture.bounds != SurfaceBounds::None;
}

// The vector's elements and their type: 128 bits at most.
bool take_values(FormBuilder& b, TypeSet types, int& count) {
  static constexpr std::pair<std::string_view, int> kVectors[] = {{"v2", 2}, {"v4", 4}};
  count = b.take_one_of(kVectors);
  if (count == 0) count = 1;
  return b.take_type(types, b.form.type) && count * bit_width(b.form.type) <= 128;
}

OperandRule value_rule(const FormBuilder& b, int count, bool writes) {
  OperandRule rule{writes ? Kind::WriteVector : Kind::ReadVector, b.form.type, true};
  if (count == 1) rule.kind = writes ? Kind::WriteOne : Kind::ReadOne;
  rule.vector = static_cast<std::uint8_t>(count);
  return rule;
}

bool suld(FormBuilder& b) {
  static constexpr std::pair<std::string_view, int> kCaches[] = {{"ca", 1}, {"cg", 1}, {"cs", 1}, {"cv", 1}};
  b.needs(20, 15);
  if (!b.take("b")) return false;
  TextureForm& form = b.modifiers().texture;
  form.geometry = b.take_one_of(kSurfaceGeometries);
  if (form.geometry == TextureGeometry::None) return false;
  b.take_one_of(kCaches);
  int count = 1;
  if (!take_values(b, {Type::B8, Type::B16, Type::B32, Type::B64}, count) || !take_bounds(b)) return false;
  b.operand(value_rule(b, count, true));
  texture_and_coordinates(b, Type::S32);
  return true;
}

bool sust(FormBuilder& b) {
  static constexpr std::pair<std::string_view, int> kCaches[] = {{"wb", 1}, {"cg", 1}, {"cs", 1}, {"wt", 1}};
  b.needs(20, 15);
  TextureForm& form = b.modifiers().texture;
  form.formatted = b.take("p");
  if (!form.formatted && !b.take("b")) return false;
  form.geometry = b.take_one_of(kSurfaceGeometries);
  if (form.geometry == TextureGeometry::None) return false;
  b.take_one_of(kCaches);
  int count = 1;
  const TypeSet types =
      form.formatted ? TypeSet{Type::B32} : TypeSet{Type::B8, Type::B16, Type::B32, Type::B64};
  if (!take_values(b, types, count) || !take_bounds(b)) return false;
  texture_and_coordinates(b, Type::S32);
  b.operand(value_rule(b, count, false));
  return true;
}

bool sured(FormBuilder& b) {
  static constexpr std::pair<std::string_view, AtomicOp> kOperations[] = {{"add", AtomicOp::Add},
                                                                          {"min", AtomicOp::Min},
                                                                          {"max", AtomicOp::Max},
                                                                          {"and", AtomicOp::And},
                                                                          {"or", AtomicOp::Or}};
  b.needs(20, 30);
  Modifiers& m = b.modifiers();
  m.texture.formatted = b.take("p");
  if (!m.texture.formatted && !b.take("b")) return false;
  m.atomic_op = b.take_one_of(kOperations);
  m.texture.geometry = b.take_one_of(kSurfaceGeometries);
  if (m.atomic_op == AtomicOp::None || m.texture.geometry == TextureGeometry::None) return false;
  if (m.texture.is_layered()) return false;
  const bool extremum = m.atomic_op == AtomicOp::Min || m.atomic_op == AtomicOp::Max;
  const bool logic = m.atomic_op == AtomicOp::And || m.atomic_op == AtomicOp::Or;
  TypeSet types = {Type::U32, Type::S32, Type::U64};
  if (m.texture.formatted) {
    types = extremum ? TypeSet{Type::B32, Type::B64} : TypeSet{Type::B32};
  } else if (extremum) {
    types = {Type::U32, Type::S32, Type::U64, Type::S64};
  } else if (logic) {
    types = {Type::B32};
  }
  if (!b.take_type(types, b.form.type) || !take_bounds(b)) return false;
  if (bit_width(b.form.type) == 64 && extremum) b.needs(50, 81);
  texture_and_coordinates(b, Type::S32);
  b.operand({Kind::ReadOne, b.form.type});
  return true;
}

}  // namespace

std::span<const OpcodeForms> texture_forms() {
  static constexpr OpcodeForms kForms[] = {
      {"tex", Opcode::Tex, tex},       {"tld4", Opcode::Tld4, tld4},
      {"txq", Opcode::Txq, txq},       {"istypep", Opcode::Istypep, istypep},
      {"suld", Opcode::Suld, suld},    {"sust", Opcode::Sust, sust},
      {"sured", Opcode::Sured, sured}, {"suq", Opcode::Suq, suq},
  };
  return kForms;
}

}  // namespace doppel::ptx
