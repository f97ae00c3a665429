// SPDX-License-Identifier: Apache-2.0
// Copies of tensors (PTX ISA 9.7.9.25.5), and the maps that tell of these (9.7.9.28, 9.7.13.16). Which
// suffixes go together is what ptxas 13.0 accepts for sm_120a: scatter4, im2col::w::128 and pairs of blocks
// are of other cards.
#include "frontend/ptx/forms_tensor.h"

#include <cstddef>

#include "frontend/ptx/form_spaces.h"
#include "ir/tensor_map.h"

namespace doppel::ptx {
namespace {

using ir::TensorMap;
using ir::TensorMode;
using Kind = OperandRule::Kind;

OperandRule vector_rule(Kind kind, Type type, int elements) {
  OperandRule rule;
  rule.kind = kind;
  rule.type = type;
  rule.vector = static_cast<std::uint8_t>(elements);
  return rule;
}

int coordinates(TensorMode mode, int dimensions) { return mode == TensorMode::Gather4 ? 5 : dimensions; }

void offsets_operand(FormBuilder& b, TensorMode mode, int dimensions) {
  if (mode == TensorMode::Im2col) b.operand(vector_rule(Kind::ReadVector, Type::B16, dimensions - 2));
  if (mode == TensorMode::Im2colW) b.operand(vector_rule(Kind::ReadVector, Type::B16, 2));
}

bool load(FormBuilder& b, int dimensions) {
  Modifiers& m = b.modifiers();
  const bool multicast = b.take("multicast::cluster"), cache_policy = b.take("L2::cache_hint");
  const std::string_view target = b.take_next();
  if ((target != "shared::cta" && target != "shared::cluster") || b.take_next() != "global") return false;
  m.space = target == "shared::cta" ? Space::Shared : Space::SharedCluster;
  m.source_space = Space::Global;
  if (m.space == Space::Shared) b.needs(90, 86);
  if (multicast && m.space == Space::Shared) return false;
  if (m.tensor == TensorMode::Gather4 || m.tensor == TensorMode::Im2colW) {
    if (m.space != Space::Shared) return false;
    b.needs(100, 86);
  }
  b.operand({Kind::Address});
  b.operand(vector_rule(Kind::TensorAddress, Type::B32, coordinates(m.tensor, dimensions)));
  b.operand({Kind::Address});
  offsets_operand(b, m.tensor, dimensions);
  if (multicast) b.read(Type::B16);
  if (cache_policy) b.operand({Kind::CachePolicy, Type::B64});
  return true;
}

bool store(FormBuilder& b, int dimensions, bool reduces) {
  Modifiers& m = b.modifiers();
  if (!b.take("bulk_group")) return false;
  const bool cache_policy = b.take("L2::cache_hint");
  if (reduces) {
    m.atomic_op = take_reduction_op(b);
    if (m.atomic_op == AtomicOp::None) return false;
  }
  if (b.take_next() != "global" || b.take_next() != "shared::cta") return false;
  if (m.tensor != TensorMode::Tile && m.tensor != TensorMode::Im2colNoOffsets) return false;
  m.space = Space::Global;
  m.source_space = Space::Shared;
  b.operand(vector_rule(Kind::TensorAddress, Type::B32, dimensions));
  b.operand({Kind::Address});
  if (cache_policy) b.operand({Kind::CachePolicy, Type::B64});
  return true;
}

bool prefetch(FormBuilder& b, int dimensions) {
  Modifiers& m = b.modifiers();
  b.form.opcode = Opcode::CpAsyncBulkPrefetchTensor;
  if (!b.take("L2") || !b.take("global")) return false;
  if (m.tensor != TensorMode::Tile && m.tensor != TensorMode::Im2col) return false;
  const bool cache_policy = b.take("L2::cache_hint");
  b.operand(vector_rule(Kind::TensorAddress, Type::B32, dimensions));
  offsets_operand(b, m.tensor, dimensions);
  if (cache_policy) b.operand({Kind::CachePolicy, Type::B64});
  return true;
}

// .release, or .acquire of an object, and a scope.
bool take_proxy_order(FormBuilder& b, bool may_acquire) {
  Modifiers& m = b.modifiers();
  const bool releases = b.take("release");
  if (!releases && (!may_acquire || !b.take("acquire"))) return false;
  m.semantics = releases ? MemorySemantics::Release : MemorySemantics::Acquire;
  m.scope = take_scope(b);
  return m.scope != Scope::None;
}

bool copy_map(FormBuilder& b) {
  b.needs(90, 83);
  b.form.tensor_map.part = TensorMapForm::Part::Copy;
  for (const std::string_view word : {"global", "shared::cta", "tensormap::generic", "sync", "aligned"}) {
    if (!b.take(word)) return false;
  }
  if (!take_proxy_order(b, false)) return false;
  b.operand({Kind::Address});
  b.operand({Kind::Address});
  b.operand({Kind::TensorMapSize, Type::U32});
  return true;
}

struct Field {
  std::string_view name;
  std::size_t offset;
  TensorMapForm::Part part;
  Type type;              // of the field
  std::uint8_t most = 0;  // of an enumeration
};

constexpr Field kFields[] = {
    {"global_address", offsetof(TensorMap, address), TensorMapForm::Part::Field, Type::B64},
    {"rank", offsetof(TensorMap, last_dimension), TensorMapForm::Part::Field, Type::B32},
    {"box_dim", offsetof(TensorMap, box), TensorMapForm::Part::Elements, Type::B32},
    {"global_dim", offsetof(TensorMap, sizes), TensorMapForm::Part::Elements, Type::B32},
    {"global_stride", offsetof(TensorMap, strides), TensorMapForm::Part::Elements, Type::B64},
    {"element_stride", offsetof(TensorMap, element_strides), TensorMapForm::Part::Elements, Type::B32},
    {"elemtype", offsetof(TensorMap, type), TensorMapForm::Part::Field, Type::B8, 15},
    {"interleave_layout", offsetof(TensorMap, interleave), TensorMapForm::Part::Field, Type::B8, 2},
    {"swizzle_mode", offsetof(TensorMap, swizzle), TensorMapForm::Part::Field, Type::B8, 3},
    {"swizzle_atomicity", offsetof(TensorMap, atom), TensorMapForm::Part::Field, Type::B8, 3},
    {"fill_mode", offsetof(TensorMap, fill), TensorMapForm::Part::Field, Type::B8, 1},
};

bool replace(FormBuilder& b) {
  b.needs(90, 83);
  b.form.requirement.specific = true;
  if (!b.take("tile") || !b.take("b1024")) return false;
  const Field* field = nullptr;
  for (const Field& each : kFields) {
    if (b.take(each.name)) field = &each;
  }
  if (field == nullptr || !b.take(field->type == Type::B64 ? "b64" : "b32")) return false;
  if (field->name == "swizzle_atomicity") b.needs(100, 86);
  Modifiers& m = b.modifiers();
  if (take_space(b, m.space) && m.space != Space::Global && m.space != Space::Shared) return false;
  b.form.tensor_map = {field->part, field->type, static_cast<std::uint8_t>(field->offset)};
  b.operand({Kind::Address});
  if (field->part == TensorMapForm::Part::Elements) {
    OperandRule ordinal{Kind::Immediate, Type::U32};
    ordinal.most = TensorMap::kMostDimensions - 1;
    b.operand(ordinal);
  }
  OperandRule value{field->type == Type::B8 ? Kind::Immediate : Kind::Read,
                    field->type == Type::B64 ? Type::B64 : Type::B32};
  value.most = field->most;
  b.operand(value);
  return true;
}

bool tensormap(FormBuilder& b) {
  if (b.take("cp_fenceproxy")) return copy_map(b);
  return b.take("replace") && replace(b);
}

}  // namespace

bool tensor_copy(FormBuilder& b, bool reduces) {
  static constexpr std::pair<std::string_view, int> kDimensions[] = {
      {"1d", 1}, {"2d", 2}, {"3d", 3}, {"4d", 4}, {"5d", 5}};
  static constexpr std::pair<std::string_view, TensorMode> kModes[] = {
      {"tile", TensorMode::Tile},
      {"tile::gather4", TensorMode::Gather4},
      {"im2col", TensorMode::Im2col},
      {"im2col::w", TensorMode::Im2colW},
      {"im2col_no_offs", TensorMode::Im2colNoOffsets}};
  b.form.opcode = Opcode::CpAsyncBulkTensor;
  const int dimensions = b.take_one_of(kDimensions);
  if (dimensions == 0) return false;
  TensorMode& mode = b.modifiers().tensor;
  mode = b.take_one_of(kModes);
  if (mode == TensorMode::None) mode = TensorMode::Tile;
  if (mode == TensorMode::Gather4 ? dimensions != 2 : mode != TensorMode::Tile && dimensions < 3)
    return false;
  if (!reduces && b.take("prefetch")) return prefetch(b, dimensions);
  if (!reduces && b.take("mbarrier::complete_tx::bytes"))
    return mode != TensorMode::Im2colNoOffsets && load(b, dimensions);
  return store(b, dimensions, reduces);
}

bool prefetch_tensor_map(FormBuilder& b) {
  Modifiers& m = b.modifiers();
  b.needs(90, 80);
  if (take_space(b, m.space) && m.space != Space::Const && m.space != Space::Param) return false;
  b.operand({Kind::Address});
  return true;
}

bool fence_tensor_map(FormBuilder& b) {
  b.needs(90, 83);
  b.form.tensor_map.part = TensorMapForm::Part::Fence;
  if (!take_proxy_order(b, true)) return false;
  if (b.modifiers().semantics == MemorySemantics::Acquire) {
    b.operand({Kind::Address});
    b.operand({Kind::TensorMapSize, Type::U32});
  }
  return true;
}

std::span<const OpcodeForms> tensor_forms() {
  static constexpr OpcodeForms kForms[] = {{"tensormap", Opcode::Tensormap, tensormap}};
  return kForms;
}

}  // namespace doppel::ptx
