// SPDX-License-Identifier: Apache-2.0
// mbarrier (PTX ISA 9.7.13.15). Which suffixes go together is what ptxas 13.0
// accepts.
#include "frontend/ptx/form_builder.h"
#include "frontend/ptx/form_spaces.h"

namespace doppel::ptx {
namespace {

using ir::BarrierStep;
using Kind = OperandRule::Kind;

// Generic, or of shared memory; that of the cluster only where it is asked for.
bool take_shared(FormBuilder& b, bool cluster) {
  Space& space = b.modifiers().space;
  if (!take_space(b, space) || space == Space::Shared) return true;
  if (space != Space::SharedCluster || !cluster) return false;
  b.needs(90, 80);
  return true;
}

// .release.cta, .relaxed.cluster and their like; more than what always holds needs sm_90.
bool take_order(FormBuilder& b, std::string_view usual, MemorySemantics semantics) {
  Modifiers& m = b.modifiers();
  const bool is_usual = b.take(usual);
  if (!is_usual && !b.take("relaxed")) return true;
  m.semantics = is_usual ? semantics : MemorySemantics::Relaxed;
  b.needs(is_usual ? 80 : 90, 80);
  m.scope = take_scope(b);
  return m.scope == Scope::Cta || m.scope == Scope::Cluster;
}

bool of_64_bits(FormBuilder& b) {
  b.form.type = Type::B64;
  return b.take("b64");
}

bool change(FormBuilder& b, BarrierStep step) {
  b.modifiers().barrier_step = step;
  b.operand({Kind::Address});
  if (step != BarrierStep::Invalidate) b.read(Type::B32);
  return true;
}

bool transactions(FormBuilder& b, BarrierStep step) {
  b.needs(90, 80);
  if (b.take("relaxed")) {
    b.modifiers().scope = take_scope(b);
    if (b.modifiers().scope != Scope::Cta && b.modifiers().scope != Scope::Cluster) return false;
  }
  return take_shared(b, true) && of_64_bits(b) && change(b, step);
}

bool arrive(FormBuilder& b, bool drops) {
  Modifiers& m = b.modifiers();
  const bool expects = b.take("expect_tx");
  const bool no_complete = !expects && b.take("noComplete");
  if (!take_order(b, "release", MemorySemantics::Release) || !take_shared(b, !no_complete)) return false;
  if (no_complete && (m.scope == Scope::Cluster || m.semantics == MemorySemantics::Relaxed)) return false;
  if (expects) b.needs(90, 80);
  if (!of_64_bits(b)) return false;
  if (drops) {
    m.barrier_step = expects       ? BarrierStep::DropExpectTx
                     : no_complete ? BarrierStep::DropNoComplete
                                   : BarrierStep::Drop;
  } else {
    m.barrier_step = expects       ? BarrierStep::ArriveExpectTx
                     : no_complete ? BarrierStep::ArriveNoComplete
                                   : BarrierStep::Arrive;
  }
  // Nobody learns the state of another block's.
  b.operand({m.space == Space::SharedCluster ? Kind::NoResult : Kind::Write, Type::B64});
  b.operand({Kind::Address});
  if (expects || no_complete) {
    b.read(Type::B32);
  } else {
    b.optional({Kind::ArrivalCount, Type::B32});
  }
  return true;
}

bool wait(FormBuilder& b, bool may_suspend) {
  Modifiers& m = b.modifiers();
  b.form.opcode = Opcode::MbarrierWait;
  m.wait = may_suspend;
  const bool parity = b.take("parity");
  if (may_suspend) {
    b.needs(90, 78);
  } else if (parity) {
    b.needs(80, 71);
  }
  if (!take_order(b, "acquire", MemorySemantics::Acquire) || !take_shared(b, false)) return false;
  if (!of_64_bits(b)) return false;
  b.form.source_type = parity ? Type::B32 : Type::B64;
  b.write(Type::Pred);
  b.operand({Kind::Address});
  b.read(b.form.source_type);
  if (may_suspend) b.optional({Kind::CachePolicy, Type::U32});  // for how long
  return true;
}

bool mbarrier(FormBuilder& b) {
  b.needs(80, 70);
  if (b.take("init")) return take_shared(b, false) && of_64_bits(b) && change(b, BarrierStep::Init);
  if (b.take("inval")) return take_shared(b, false) && of_64_bits(b) && change(b, BarrierStep::Invalidate);
  if (b.take("arrive")) return arrive(b, false);
  if (b.take("arrive_drop")) return arrive(b, true);
  if (b.take("expect_tx")) return transactions(b, BarrierStep::ExpectTx);
  if (b.take("complete_tx")) return transactions(b, BarrierStep::CompleteTx);
  if (b.take("test_wait")) return wait(b, false);
  if (b.take("try_wait")) return wait(b, true);
  if (!b.take("pending_count") || !of_64_bits(b)) return false;
  b.form.opcode = Opcode::MbarrierPendingCount;
  b.write(Type::B32);
  b.read(Type::B64);
  return true;
}

}  // namespace

std::span<const OpcodeForms> mbarrier_forms() {
  static constexpr OpcodeForms kForms[] = {
      {"mbarrier", Opcode::Mbarrier, mbarrier},
  };
  return kForms;
}

}  // namespace doppel::ptx
