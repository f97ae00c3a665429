// SPDX-License-Identifier: Apache-2.0
// Of thread block clusters: mapa and getctarank (PTX ISA 9.7.9.23, 9.7.9.24), stores and reductions to other
// blocks that go on behind their instruction (9.7.9.12, 9.7.13.7), st.bulk (9.7.9.13), setmaxnreg (9.7.19.5),
// clusterlaunchcontrol (9.7.13.17). Which suffixes go together is what ptxas 13.0 accepts.
#include "frontend/ptx/forms_cluster.h"

#include <algorithm>

#include "frontend/ptx/form_spaces.h"

namespace doppel::ptx {
namespace {

using Kind = OperandRule::Kind;

// Generic, or of the cluster.
bool take_cluster_or_generic(FormBuilder& b) {
  return !take_space(b, b.modifiers().space) || b.modifiers().space == Space::SharedCluster;
}

bool mapa(FormBuilder& b) {
  b.needs(90, 78);
  Type type;
  if (!take_cluster_or_generic(b) || !b.take_type({Type::U32, Type::S32, Type::U64}, type)) return false;
  b.form.type = type;
  b.write(type);
  b.operand({Kind::AddressOrSymbol, type});
  b.read(Type::U32);
  return true;
}

bool getctarank(FormBuilder& b) {
  b.needs(90, 78);
  Type type;
  if (!take_cluster_or_generic(b) || !b.take_type({Type::U32, Type::S32, Type::U64}, type)) return false;
  b.form.type = Type::U32;
  b.form.source_type = type;
  b.write(Type::U32);
  b.operand({Kind::AddressOrSymbol, type});
  return true;
}

bool setmaxnreg(FormBuilder& b) {
  b.needs(90, 80);
  b.form.requirement.specific = true;
  if (!b.take("inc") && !b.take("dec")) return false;
  if (!b.take("sync") || !b.take("aligned")) return false;
  Type type;
  if (!b.take_type({Type::U32}, type)) return false;
  b.form.type = type;
  b.operand({Kind::RegisterCount, type});
  return true;
}

bool try_cancel(FormBuilder& b) {
  b.form.opcode = Opcode::ClusterlaunchcontrolTryCancel;
  Modifiers& m = b.modifiers();
  if (!b.take("async") || !b.take("mbarrier::complete_tx::bytes")) return false;
  if (b.take("shared::cta")) m.space = Space::Shared;
  if (b.take("multicast::cluster::all")) m.scope = Scope::Cluster;
  Type type;
  if (!b.take_type({Type::B128}, type)) return false;
  b.form.type = Type::B64;
  m.vector = 2;
  b.operand({Kind::Address});
  b.operand({Kind::Address});
  return true;
}

bool clusterlaunchcontrol(FormBuilder& b) {
  b.needs(100, 86);
  if (b.take("try_cancel")) return try_cancel(b);
  if (!b.take("query_cancel")) return false;
  static constexpr std::pair<std::string_view, CancelQuery> kQueries[] = {
      {"is_canceled", CancelQuery::IsCanceled},
      {"get_first_ctaid", CancelQuery::All},
      {"get_first_ctaid::x", CancelQuery::X},
      {"get_first_ctaid::y", CancelQuery::Y},
      {"get_first_ctaid::z", CancelQuery::Z}};
  b.form.cancel_query = b.take_one_of(kQueries);
  Type type;
  switch (b.form.cancel_query) {
    case CancelQuery::None:
      return false;
    case CancelQuery::IsCanceled:
      if (!b.take_type({Type::Pred}, type)) return false;
      b.write(type);
      break;
    case CancelQuery::All:
      if (!b.take("v4") || !b.take_type({Type::B32}, type)) return false;
      b.operand({Kind::WriteVector, type, false, false, 4});
      break;
    default:
      if (!b.take_type({Type::B32}, type)) return false;
      b.write(type);
      break;
  }
  if (!b.take_type({Type::B128}, type)) return false;
  b.read(type);
  return true;
}

constexpr TypeSet kStored = {Type::B32, Type::B64, Type::U32, Type::U64,
                             Type::S32, Type::S64, Type::F32, Type::F64};
constexpr TypeSet kStoredAtOnce = kStored | TypeSet{Type::B16, Type::U16, Type::S16};

bool take_barrier(FormBuilder& b) { return b.take("mbarrier::complete_tx::bytes"); }

// Without a barrier nothing tells of the end of such a store: it is one like others. Of global memory: in the
// scope of a card or the system.
bool take_order(FormBuilder& b, MemorySemantics semantics) {
  Modifiers& m = b.modifiers();
  m.semantics = semantics;
  m.scope = take_scope(b);
  b.needs(100, 87);
  return (m.scope == Scope::Gpu || m.scope == Scope::Sys) &&
         (!take_space(b, m.space) || m.space == Space::Global);
}

bool take_release(FormBuilder& b) {
  const bool io = b.take("mmio");
  return b.take("release") ? take_order(b, MemorySemantics::Release) : !io;
}

bool reduces(AtomicOp op, Type type) {
  switch (op) {
    case AtomicOp::And:
    case AtomicOp::Or:
    case AtomicOp::Xor:
      return type == Type::B32;
    case AtomicOp::Inc:
    case AtomicOp::Dec:
      return type == Type::U32;
    case AtomicOp::Min:
    case AtomicOp::Max:
      return kIntegers32.contains(type);
    case AtomicOp::Add:
      return kIntegers32and64.contains(type);
    default:
      return false;
  }
}

}  // namespace

bool store_async(FormBuilder& b) {
  static constexpr std::pair<std::string_view, std::uint8_t> kVectors[] = {{"v2", 2}, {"v4", 4}};
  Modifiers& m = b.modifiers();
  const bool by_barrier = take_barrier(b);
  Type type;
  if (by_barrier) {
    b.form.opcode = Opcode::StAsync;
    b.needs(90, 81);
    if (b.take("weak")) b.needs(90, 84);
    if (take_space(b, m.space) && m.space != Space::Shared && m.space != Space::SharedCluster) return false;
    m.vector = std::max<std::uint8_t>(b.take_one_of(kVectors), 1);
  } else {
    b.needs(100, 87);
    if (!take_release(b)) return false;
    if (m.semantics == MemorySemantics::None) {
      b.take("weak");
      if (take_space(b, m.space) && m.space != Space::Global && m.space != Space::Shared) return false;
    }
  }
  if (!b.take_type(by_barrier ? kStored : kStoredAtOnce, type) || m.vector * bit_width(type) > 128)
    return false;
  b.form.type = type;
  b.operand({Kind::Address});
  b.operand({m.vector > 1 ? Kind::ReadVector : Kind::Read, type, false, false, m.vector});
  if (by_barrier) b.operand({Kind::Address});
  return true;
}

bool reduce_async(FormBuilder& b) {
  Modifiers& m = b.modifiers();
  const bool by_barrier = take_barrier(b);
  if (by_barrier) {
    b.form.opcode = Opcode::RedAsync;
    b.needs(90, 81);
    if (!b.take("relaxed") || take_scope(b) != Scope::Cluster || !take_cluster_or_generic(b)) return false;
  } else if (b.take("relaxed") ? !take_order(b, MemorySemantics::Relaxed)
                               : !take_release(b) || m.semantics == MemorySemantics::None) {
    return false;
  }
  m.atomic_op = take_reduction_op(b);
  const Type type = b.take_type();
  if (!reduces(m.atomic_op, type)) return false;
  b.form.type = type;
  b.operand({Kind::Address});
  b.read(type);
  if (by_barrier) b.operand({Kind::Address});
  return true;
}

bool store_bulk(FormBuilder& b) {
  b.form.opcode = Opcode::StBulk;
  b.needs(100, 86);
  b.take("weak");
  if (b.take("shared::cta")) b.modifiers().space = Space::Shared;
  b.operand({Kind::Address});
  b.read(Type::U64);
  b.operand({Kind::Zero, Type::U64});
  return true;
}

std::span<const OpcodeForms> cluster_forms() {
  static constexpr OpcodeForms kForms[] = {
      {"mapa", Opcode::Mapa, mapa},
      {"getctarank", Opcode::Getctarank, getctarank},
      {"setmaxnreg", Opcode::Setmaxnreg, setmaxnreg},
      {"clusterlaunchcontrol", Opcode::ClusterlaunchcontrolQueryCancel, clusterlaunchcontrol},
  };
  return kForms;
}

}  // namespace doppel::ptx
