// SPDX-License-Identifier: Apache-2.0
// Copies that go on behind their instruction (PTX ISA 9.7.9.25). Which suffixes go together is what
// ptxas 13.0 accepts.
#include "frontend/ptx/form_builder.h"
#include "frontend/ptx/form_spaces.h"
#include "frontend/ptx/forms_bulk.h"

namespace doppel::ptx {
namespace {

using Kind = OperandRule::Kind;

// cp.async.ca and .cg: 4, 8 or 16 bytes of each thread, only 16 past the L1.
bool copy(FormBuilder& b) {
  Modifiers& m = b.modifiers();
  static constexpr std::pair<std::string_view, CacheOp> kCaches[] = {{"ca", CacheOp::Ca},
                                                                     {"cg", CacheOp::Cg}};
  m.cache_op = b.take_one_of(kCaches);
  if (m.cache_op == CacheOp::None) return false;
  if (!b.take("shared") && !b.take("shared::cta")) return false;
  if (!b.take("global")) return false;
  for (const std::string_view hint : {"L2::64B", "L2::128B", "L2::256B"}) {
    if (b.take(hint)) b.needs(80, 74);
  }
  const bool cache_policy = b.take("L2::cache_hint");
  if (cache_policy) b.needs(80, 74);
  b.operand({Kind::Address});
  b.operand({Kind::Address});
  b.operand({Kind::CopyBytes, Type::U32});
  b.optional({Kind::SourceBytes, Type::U32});
  if (cache_policy) b.operand({Kind::CachePolicy, Type::B64});
  return true;
}

// Arrives when all copies have ended that the thread has begun before.
bool arrive(FormBuilder& b) {
  Modifiers& m = b.modifiers();
  b.form.opcode = Opcode::CpAsyncMbarrierArrive;
  b.form.type = Type::B64;
  m.barrier_step = b.take("noinc") ? ir::BarrierStep::CopiesCounted : ir::BarrierStep::Copies;
  if (take_space(b, m.space) && m.space != Space::Shared) return false;
  b.operand({Kind::Address});
  return b.take("arrive") && b.take("b64");
}

bool cp(FormBuilder& b) {
  const bool reduces = b.take("reduce");
  if (!b.take("async")) return false;
  if (b.take("bulk")) return bulk_copy(b, reduces);
  if (reduces) return false;
  b.needs(80, 70);
  if (b.take("mbarrier")) return arrive(b);
  if (b.take("commit_group")) {
    b.form.opcode = Opcode::CpAsyncCommitGroup;
    return true;
  }
  if (b.take("wait_all")) {
    b.form.opcode = Opcode::CpAsyncWaitAll;
    return true;
  }
  if (b.take("wait_group")) {
    b.form.opcode = Opcode::CpAsyncWaitGroup;
    b.operand({Kind::Immediate, Type::U32});
    return true;
  }
  return copy(b);
}

}  // namespace

std::span<const OpcodeForms> asynchronous_forms() {
  static constexpr OpcodeForms kForms[] = {
      {"cp", Opcode::CpAsync, cp},
  };
  return kForms;
}

}  // namespace doppel::ptx
