// SPDX-License-Identifier: Apache-2.0
// cp.async.bulk and cp.reduce.async.bulk (PTX ISA 9.7.9.25.4), and their groups. Which suffixes go together
// is what ptxas 13.0 accepts.
#include "frontend/ptx/forms_bulk.h"

#include "frontend/ptx/form_spaces.h"
#include "frontend/ptx/forms_tensor.h"

namespace doppel::ptx {
namespace {

using Kind = OperandRule::Kind;

bool is_reduced(AtomicOp op, Type type, bool to_global) {
  if (!to_global) {
    switch (op) {
      case AtomicOp::And:
      case AtomicOp::Or:
      case AtomicOp::Xor:
        return type == Type::B32;
      case AtomicOp::Inc:
      case AtomicOp::Dec:
        return type == Type::U32;
      case AtomicOp::Add:
        return TypeSet{Type::U32, Type::S32, Type::U64}.contains(type);
      default:
        return kIntegers32.contains(type);
    }
  }
  switch (op) {
    case AtomicOp::And:
    case AtomicOp::Or:
    case AtomicOp::Xor:
      return TypeSet{Type::B32, Type::B64}.contains(type);
    case AtomicOp::Inc:
    case AtomicOp::Dec:
      return type == Type::U32;
    case AtomicOp::Add:
      return TypeSet{Type::U32, Type::S32, Type::U64, Type::F32, Type::F64, Type::F16, Type::BF16}.contains(
          type);
    default:
      return TypeSet{Type::U32, Type::S32, Type::U64, Type::S64, Type::F16, Type::BF16}.contains(type);
  }
}

// Their order says which is which.
bool take_spaces(FormBuilder& b) {
  Modifiers& m = b.modifiers();
  const auto space = [&] {
    const std::string_view name = b.take_next();
    if (name == "global") return Space::Global;
    if (name == "shared::cta") return Space::Shared;
    return name == "shared::cluster" ? Space::SharedCluster : Space::Generic;
  };
  m.space = space();
  m.source_space = space();
  return m.space != Space::Generic && m.source_space != Space::Generic;
}

bool take_reduction(FormBuilder& b) {
  Modifiers& m = b.modifiers();
  m.atomic_op = take_reduction_op(b);
  m.noftz = b.take("noftz");
  b.form.type = b.take_type();
  const bool halves = b.form.type == Type::F16 || b.form.type == Type::BF16;
  return m.atomic_op != AtomicOp::None && m.noftz == (halves && m.atomic_op == AtomicOp::Add);
}

bool copy(FormBuilder& b, bool reduces) {
  Modifiers& m = b.modifiers();
  const bool by_barrier = b.take("mbarrier::complete_tx::bytes");
  if (!by_barrier && !b.take("bulk_group")) return false;
  const bool multicast = b.take("multicast::cluster"), cache_policy = b.take("L2::cache_hint"),
             byte_mask = b.take("cp_mask");
  if (reduces && !take_reduction(b)) return false;
  if (!take_spaces(b)) return false;
  const bool to_global = m.space == Space::Global;
  if (to_global ? m.source_space != Space::Shared
                : m.source_space != Space::Global &&
                      (m.source_space != Space::Shared || m.space != Space::SharedCluster))
    return false;
  if (by_barrier == to_global || (byte_mask && (!to_global || reduces))) return false;
  if (multicast && (m.space != Space::SharedCluster || m.source_space != Space::Global || reduces))
    return false;
  // A policy is of what is in the L2.
  if (cache_policy && !to_global && m.source_space != Space::Global) return false;
  if (reduces && ((m.source_space == Space::Global) || !is_reduced(m.atomic_op, b.form.type, to_global)))
    return false;
  if (m.space == Space::Shared) b.needs(90, 86);
  if (byte_mask) {
    b.needs(100, 86);
  }
  b.operand({Kind::Address});
  b.operand({Kind::Address});
  b.read(Type::U32);
  if (by_barrier) b.operand({Kind::Address});
  if (multicast) b.operand({Kind::Read, Type::B16, /*relaxed=*/true});
  if (cache_policy) b.operand({Kind::CachePolicy, Type::B64});
  if (byte_mask) b.operand({Kind::Read, Type::B16, /*relaxed=*/true});
  return true;
}

}  // namespace

bool bulk_copy(FormBuilder& b, bool reduces) {
  b.needs(90, 80);
  b.form.opcode = Opcode::CpAsyncBulk;
  if (b.take("tensor")) return tensor_copy(b, reduces);
  if (reduces) return copy(b, true);
  if (b.take("commit_group")) {
    b.form.opcode = Opcode::CpAsyncBulkCommitGroup;
    return true;
  }
  if (b.take("wait_group")) {
    b.form.opcode = Opcode::CpAsyncBulkWaitGroup;
    b.take("read");  // that the sources may be written: here they have been copied then
    b.operand({Kind::Immediate, Type::U32});
    return true;
  }
  if (b.take("prefetch")) {
    b.form.opcode = Opcode::CpAsyncBulkPrefetch;
    b.modifiers().space = Space::Global;
    if (!b.take("L2") || !b.take("global")) return false;
    const bool cache_policy = b.take("L2::cache_hint");
    b.operand({Kind::Address});
    b.read(Type::U32);
    if (cache_policy) b.operand({Kind::CachePolicy, Type::B64});
    return true;
  }
  return copy(b, false);
}

}  // namespace doppel::ptx
