// SPDX-License-Identifier: Apache-2.0
// Loads, stores, prefetches and cache control (PTX ISA 9.7.9.8-9.7.9.20).
#include <algorithm>

#include "frontend/ptx/form_builder.h"
#include "frontend/ptx/form_spaces.h"
#include "frontend/ptx/forms_cluster.h"
#include "frontend/ptx/forms_tensor.h"

namespace doppel::ptx {
namespace {

using Kind = OperandRule::Kind;

constexpr TypeSet kStored = {Type::B8,  Type::B16, Type::B32, Type::B64, Type::U8,
                             Type::U16, Type::U32, Type::U64, Type::S8,  Type::S16,
                             Type::S32, Type::S64, Type::F32, Type::F64, Type::B128};

// .v2 .v4 .v8 and the type; checks their total width: 128 bits, or 256 from sm_100 on in global memory.
bool take_vector_and_type(FormBuilder& b) {
  static constexpr std::pair<std::string_view, int> kVectors[] = {{"v2", 2}, {"v4", 4}, {"v8", 8}};
  Modifiers& m = b.modifiers();
  const int vector = b.take_one_of(kVectors);
  m.vector = static_cast<std::uint8_t>(vector == 0 ? 1 : vector);
  if (!b.take_type(kStored, b.form.type)) return false;
  if ((m.semantics == MemorySemantics::Mmio || b.form.type == Type::B128) && m.vector > 1) return false;
  if (b.form.type == Type::B128) b.needs(70, 83);
  const int bits = m.vector * bit_width(b.form.type);
  if (bits > 256 || (bits == 256 && m.space != Space::Global && m.space != Space::Generic)) return false;
  if (bits == 256) b.needs(100, 88);
  return true;
}

// .weak, .relaxed.scope, .acquire.scope (loads), .release.scope (stores), .volatile, .mmio.relaxed.sys
bool take_semantics(FormBuilder& b, bool is_load) {
  Modifiers& m = b.modifiers();
  if (b.take("weak")) {
    m.semantics = MemorySemantics::Weak;
    b.needs(0, 60);
  } else if (b.take("volatile")) {
    m.semantics = MemorySemantics::Volatile;
  } else if (b.take("mmio")) {
    if (!b.take("relaxed")) return false;
    m.semantics = MemorySemantics::Mmio;
    b.needs(70, 82);
  } else if (b.take("relaxed")) {
    m.semantics = MemorySemantics::Relaxed;
    b.needs(70, 60);
  } else if (b.take(is_load ? "acquire" : "release")) {
    m.semantics = is_load ? MemorySemantics::Acquire : MemorySemantics::Release;
    b.needs(70, 60);
  }
  m.scope = take_scope(b);
  const bool scoped = m.semantics == MemorySemantics::Relaxed || m.semantics == MemorySemantics::Acquire ||
                      m.semantics == MemorySemantics::Release || m.semantics == MemorySemantics::Mmio;
  if (scoped != (m.scope != Scope::None)) return false;
  if (m.semantics == MemorySemantics::Mmio &&
      (m.scope != Scope::Sys || m.space == Space::Shared || m.space == Space::SharedCluster))
    return false;
  if (scoped || m.semantics == MemorySemantics::Volatile) {
    return m.space != Space::Local && m.space != Space::Const && m.space != Space::Param;
  }
  return true;
}

// Cache operators go with weak accesses only.
bool take_cache_op(FormBuilder& b, std::span<const std::pair<std::string_view, CacheOp>> table) {
  Modifiers& m = b.modifiers();
  for (const auto& [name, op] : table) {
    if (b.take(name)) m.cache_op = op;
  }
  return m.cache_op == CacheOp::None || m.semantics == MemorySemantics::None ||
         m.semantics == MemorySemantics::Weak;
}

// Hints are for global memory: of L1 for accesses without an order of their own or a cache operator, of L2
// for those of 256 bits.
bool hints_suit(const FormBuilder& b, const CacheHints& hints) {
  const Modifiers& m = b.form.modifiers;
  if (!hints.any()) return true;
  if ((m.space != Space::Global && m.space != Space::Generic) || m.semantics == MemorySemantics::Mmio)
    return false;
  if (m.semantics == MemorySemantics::Volatile && (hints.l1_priority || hints.policy)) return false;
  if (hints.l1_priority && m.cache_op != CacheOp::None && m.cache_op != CacheOp::Nc) return false;
  return !hints.l2_priority || m.vector * bit_width(b.form.type) == 256;
}

void value_operand(FormBuilder& b, Kind scalar, Kind vector) {
  const std::uint8_t count = b.modifiers().vector;
  b.operand({count > 1 ? vector : scalar, b.form.type, /*relaxed=*/true, /*optional=*/false, count});
}

bool ld(FormBuilder& b) {
  static constexpr std::pair<std::string_view, CacheOp> kCacheOps[] = {{"ca", CacheOp::Ca},
                                                                       {"cg", CacheOp::Cg},
                                                                       {"cs", CacheOp::Cs},
                                                                       {"lu", CacheOp::Lu},
                                                                       {"cv", CacheOp::Cv}};
  Modifiers& m = b.modifiers();
  take_space(b, m.space);
  if (m.space == Space::SharedCluster) b.needs(90, 78);
  if (!take_semantics(b, true)) return false;
  if (!take_cache_op(b, kCacheOps)) return false;
  const CacheHints hints = take_hints(b);
  if (b.take("nc")) {
    if (m.space != Space::Global || m.semantics != MemorySemantics::None) return false;
    if (hints.l1_priority && m.cache_op != CacheOp::None) return false;
    m.cache_op = CacheOp::Nc;
    b.needs(32, 31);
  }
  if (!take_vector_and_type(b) || !hints_suit(b, hints)) return false;
  value_operand(b, Kind::WriteOne, Kind::WriteVector);
  b.operand({Kind::Address});
  b.optional({Kind::Unified});
  if (hints.policy) b.operand({Kind::CachePolicy, Type::B64});
  return true;
}

bool ldu(FormBuilder& b) {
  Modifiers& m = b.modifiers();
  if (take_space(b, m.space) && m.space != Space::Global) return false;
  if (!take_vector_and_type(b) || m.vector == 8 || m.vector * bit_width(b.form.type) > 128) return false;
  value_operand(b, Kind::WriteOne, Kind::WriteVector);
  b.operand({Kind::Address});
  return true;
}

bool st(FormBuilder& b) {
  static constexpr std::pair<std::string_view, CacheOp> kCacheOps[] = {
      {"wb", CacheOp::Wb}, {"cg", CacheOp::Cg}, {"cs", CacheOp::Cs}, {"wt", CacheOp::Wt}};
  Modifiers& m = b.modifiers();
  if (b.take("async")) return store_async(b);
  if (b.take("bulk")) return store_bulk(b);
  if (b.take("param::entry")) return false;  // nobody writes a kernel's parameters
  take_space(b, m.space);
  if (m.space == Space::Const) return false;
  if (m.space == Space::SharedCluster) b.needs(90, 78);
  if (!take_semantics(b, false)) return false;
  if (!take_cache_op(b, kCacheOps)) return false;
  const CacheHints hints = take_hints(b);
  if (!take_vector_and_type(b) || hints.prefetch_size || !hints_suit(b, hints)) return false;
  b.operand({Kind::Address});
  value_operand(b, Kind::ReadOne, Kind::ReadVector);
  if (hints.policy) b.operand({Kind::CachePolicy, Type::B64});
  return true;
}

bool prefetch(FormBuilder& b) {
  Modifiers& m = b.modifiers();
  if (b.take("tensormap")) return prefetch_tensor_map(b);
  if (take_space(b, m.space) && m.space != Space::Global && m.space != Space::Local) return false;
  if (b.take("L2::evict_last") || b.take("L2::evict_normal")) {
    if (m.space == Space::Local) return false;
    b.needs(80, 74);
  } else if (!b.take("L1") && !b.take("L2")) {
    return false;
  }
  b.operand({Kind::Address});
  return true;
}

bool prefetchu(FormBuilder& b) {
  if (!b.take("L1")) return false;
  b.operand({Kind::Address});
  return true;
}

bool applypriority_or_discard(FormBuilder& b) {
  Modifiers& m = b.modifiers();
  if (take_space(b, m.space) && m.space != Space::Global) return false;
  if (!b.take(b.is(Opcode::Discard) ? "L2" : "L2::evict_normal")) return false;
  b.operand({Kind::Address});
  b.operand({Kind::Immediate, Type::U32});  // the size: 128
  b.needs(80, 74);
  return true;
}

// The policy it makes is a hint's operand: opaque, and without effect on results.
bool createpolicy(FormBuilder& b) {
  static constexpr std::string_view kPriorities[] = {"L2::evict_last", "L2::evict_normal", "L2::evict_first",
                                                     "L2::evict_unchanged"};
  b.needs(80, 74);
  const bool fractional = b.take("fractional");
  const bool of_property = !fractional && b.take("cvt");
  if (of_property) {
    if (!b.take("L2")) return false;
  } else {
    if (!fractional && !b.take("range")) return false;
    if (!fractional) b.take("global");
    if (std::ranges::find(kPriorities, b.take_next()) == std::end(kPriorities)) return false;
    // A secondary priority.
    if (!b.take("L2::evict_first")) b.take("L2::evict_unchanged");
  }
  Type type;
  if (!b.take_type({Type::B64}, type)) return false;
  b.form.type = type;
  b.write(Type::B64);
  if (of_property) {
    b.read(Type::B64);
  } else if (fractional) {
    b.optional({Kind::Read, Type::F32});
  } else {
    b.operand({Kind::Address});
    b.read({Type::U32, Type::U32});
  }
  return true;
}

}  // namespace

std::span<const OpcodeForms> memory_forms() {
  static constexpr OpcodeForms kForms[] = {
      {"ld", Opcode::Ld, ld},
      {"ldu", Opcode::Ldu, ldu},
      {"st", Opcode::St, st},
      {"prefetch", Opcode::Prefetch, prefetch},
      {"prefetchu", Opcode::Prefetchu, prefetchu},
      {"applypriority", Opcode::Applypriority, applypriority_or_discard},
      {"discard", Opcode::Discard, applypriority_or_discard},
      {"createpolicy", Opcode::Createpolicy, createpolicy},
  };
  return kForms;
}

}  // namespace doppel::ptx
