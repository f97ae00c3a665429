// SPDX-License-Identifier: Apache-2.0
// atom and red (PTX ISA 9.7.13.5, 9.7.13.6).
#include "frontend/ptx/form_builder.h"
#include "frontend/ptx/form_spaces.h"
#include "frontend/ptx/forms_cluster.h"

namespace doppel::ptx {
namespace {

using Kind = OperandRule::Kind;

bool op_suits(FormBuilder& b, AtomicOp op, Type type) {
  switch (op) {
    case AtomicOp::And:
    case AtomicOp::Or:
    case AtomicOp::Xor:
      return type == Type::B32 || type == Type::B64;
    case AtomicOp::Cas:
      if (type == Type::B16) {
        b.needs(70, 63);
        return true;
      }
      if (type == Type::B128) b.needs(90, 83);
      return type == Type::B32 || type == Type::B64 || type == Type::B128;
    case AtomicOp::Exch:
      if (type == Type::B128) b.needs(90, 83);
      return type == Type::B32 || type == Type::B64 || type == Type::B128;
    case AtomicOp::Inc:
    case AtomicOp::Dec:
      return type == Type::U32;
    case AtomicOp::Min:
    case AtomicOp::Max:
      return kIntegers32and64.contains(type);
    case AtomicOp::Add:
      if (kHalves.contains(type) || kBrainHalves.contains(type)) {
        if (!b.take("noftz")) return false;
        b.modifiers().noftz = true;
        if (kBrainHalves.contains(type)) {
          b.needs(90, 78);
        } else {
          b.needs(type == Type::F16 ? 70 : 60, type == Type::F16 ? 63 : 62);
        }
        return true;
      }
      if (type == Type::F64) b.needs(60, 50);
      return type == Type::U32 || type == Type::S32 || type == Type::U64 || kFloats32and64.contains(type);
    default:
      return false;
  }
}

// .v2 .v4 .v8 in global memory, each element for itself; up to 128 bits of floats.
bool vector_suits(FormBuilder& b, AtomicOp op, Type type) {
  Modifiers& m = b.modifiers();
  const bool halves = kHalves.contains(type) || kBrainHalves.contains(type);
  if (m.space == Space::Shared || m.space == Space::SharedCluster || m.vector * bit_width(type) > 128)
    return false;
  if (type == Type::F32 ? op != AtomicOp::Add : !halves) return false;
  if (op != AtomicOp::Add && op != AtomicOp::Min && op != AtomicOp::Max) return false;
  m.noftz = b.take("noftz");
  if (halves != m.noftz) return false;
  b.needs(90, 81);
  return true;
}

bool atomic(FormBuilder& b) {
  static constexpr std::pair<std::string_view, std::uint8_t> kVectors[] = {{"v2", 2}, {"v4", 4}, {"v8", 8}};
  static constexpr std::pair<std::string_view, AtomicOp> kExchanges[] = {{"cas", AtomicOp::Cas},
                                                                         {"exch", AtomicOp::Exch}};
  static constexpr std::pair<std::string_view, MemorySemantics> kSemantics[] = {
      {"relaxed", MemorySemantics::Relaxed},
      {"acquire", MemorySemantics::Acquire},
      {"release", MemorySemantics::Release},
      {"acq_rel", MemorySemantics::AcqRel}};
  Modifiers& m = b.modifiers();
  const bool returns = b.is(Opcode::Atom);
  if (!returns && b.take("async")) return reduce_async(b);
  m.semantics = b.take_one_of(kSemantics);
  if (m.semantics != MemorySemantics::None) b.needs(70, 60);
  if (!returns && (m.semantics == MemorySemantics::Acquire || m.semantics == MemorySemantics::AcqRel))
    return false;
  m.scope = take_scope(b);
  if (m.scope != Scope::None) b.needs(60, 50);
  if (take_space(b, m.space) && m.space != Space::Global && m.space != Space::Shared &&
      m.space != Space::SharedCluster)
    return false;
  const bool in_shared = m.space == Space::Shared || m.space == Space::SharedCluster;
  if (m.space == Space::SharedCluster) b.needs(90, 78);
  m.atomic_op = take_reduction_op(b);
  if (m.atomic_op == AtomicOp::None && returns) m.atomic_op = b.take_one_of(kExchanges);
  if (m.atomic_op == AtomicOp::None) return false;
  const bool cache_policy = b.take("L2::cache_hint");
  if (cache_policy) b.needs(80, 74);
  if (cache_policy && (in_shared || m.atomic_op == AtomicOp::Cas)) return false;
  const std::uint8_t vector = b.take_one_of(kVectors);
  m.vector = vector == 0 ? 1 : vector;
  const Type type = b.take_type();
  if (type == Type::None) return false;
  if (vector == 0 ? !op_suits(b, m.atomic_op, type) : !vector_suits(b, m.atomic_op, type)) return false;
  b.form.type = type;
  if (returns) b.operand({vector == 0 ? Kind::Write : Kind::WriteVector, type, false, false, m.vector});
  b.operand({Kind::Address});
  b.operand({vector == 0 ? Kind::Read : Kind::ReadVector, type, false, false, m.vector});
  if (m.atomic_op == AtomicOp::Cas) b.read(type);
  if (cache_policy) b.operand({Kind::CachePolicy, Type::B64});
  return true;
}

}  // namespace

std::span<const OpcodeForms> atomic_forms() {
  static constexpr OpcodeForms kForms[] = {{"atom", Opcode::Atom, atomic}, {"red", Opcode::Red, atomic}};
  return kForms;
}

}  // namespace doppel::ptx
