// SPDX-License-Identifier: Apache-2.0
// Barriers, fences and warp-wide operations (PTX ISA 9.7.13).
#include "frontend/ptx/form_builder.h"
#include "frontend/ptx/form_spaces.h"
#include "frontend/ptx/forms_tensor.h"

namespace doppel::ptx {
namespace {

using Kind = OperandRule::Kind;

bool barrier(FormBuilder& b, bool aligned) {
  Modifiers& m = b.modifiers();
  m.aligned = aligned;
  if (b.take("cta")) b.needs(30, 78);
  if (b.take("sync")) {
    m.barrier = BarrierMode::Sync;
    b.read(Type::U32);
    b.optional({Kind::Read, Type::U32});
    return true;
  }
  if (b.take("arrive")) {
    m.barrier = BarrierMode::Arrive;
    b.read({Type::U32, Type::U32});
    return true;
  }
  if (!b.take("red")) return false;
  static constexpr std::pair<std::string_view, BarrierMode> kReductions[] = {
      {"popc", BarrierMode::RedPopc}, {"and", BarrierMode::RedAnd}, {"or", BarrierMode::RedOr}};
  m.barrier = b.take_one_of(kReductions);
  if (m.barrier == BarrierMode::None) return false;
  Type type;
  if (!b.take_type(m.barrier == BarrierMode::RedPopc ? TypeSet{Type::U32} : TypeSet{Type::Pred}, type))
    return false;
  b.form.type = type;
  b.write(type);
  b.read(Type::U32);
  b.optional({Kind::Read, Type::U32});
  b.operand({Kind::ReadPredicate, Type::Pred});
  return true;
}

bool bar(FormBuilder& b) {
  if (b.take("warp")) {
    if (!b.take("sync")) return false;
    b.form.opcode = Opcode::BarWarpSync;
    b.read(Type::B32);
    b.needs(30, 60);
    return true;
  }
  return barrier(b, true);
}

// 9.7.13.16: the order is what always holds here, where it is not relaxed.
bool cluster_barrier(FormBuilder& b) {
  Modifiers& m = b.modifiers();
  b.needs(90, 78);
  b.form.opcode = Opcode::BarrierCluster;
  m.barrier = b.take("arrive") ? BarrierMode::Arrive : BarrierMode::Sync;
  if (m.barrier == BarrierMode::Arrive) {
    if (b.take("relaxed")) {
      m.semantics = MemorySemantics::Relaxed;
      b.needs(90, 80);
    } else if (b.take("release")) {
      b.needs(90, 80);
    }
  } else if (!b.take("wait")) {
    return false;
  } else if (b.take("acquire")) {
    b.needs(90, 80);
  }
  m.aligned = b.take("aligned");
  return true;
}

bool barrier_word(FormBuilder& b) {
  if (b.take("cluster")) return cluster_barrier(b);
  b.needs(30, 60);
  return barrier(b, b.take("aligned"));
}

bool membar(FormBuilder& b) {
  // 9.7.13.4: membar.{cta,gl,sys} is fence.sc.{cta,gpu,sys}.
  static constexpr std::pair<std::string_view, Scope> kLevels[] = {
      {"cta", Scope::Cta}, {"gl", Scope::Gpu}, {"sys", Scope::Sys}};
  Modifiers& m = b.modifiers();
  m.scope = b.take_one_of(kLevels);
  m.semantics = MemorySemantics::SeqCst;
  return m.scope != Scope::None;
}

// .acquire of what other blocks did to this one's shared memory, .release of what this one did to theirs.
bool take_restricted(FormBuilder& b, bool in_cluster) {
  Modifiers& m = b.modifiers();
  b.needs(90, 86);
  m.semantics = in_cluster ? MemorySemantics::Acquire : MemorySemantics::Release;
  m.scope = Scope::Cluster;
  return b.take(in_cluster ? "acquire" : "release") && take_scope(b) == Scope::Cluster;
}

// Copies that go on behind their instruction read and write memory by another way ("proxy") than loads and
// stores do; here it is one way, so that all of these order like fence.acq_rel.sys.
bool proxy_fence(FormBuilder& b) {
  Modifiers& m = b.modifiers();
  m.semantics = MemorySemantics::AcqRel;
  m.scope = Scope::Sys;
  if (b.take("tensormap::generic")) return fence_tensor_map(b);
  if (b.take("alias")) {
    b.needs(70, 75);
    return true;
  }
  if (b.take("async")) {
    b.needs(90, 80);
    if (!b.take("global") && !b.take("shared::cta")) b.take("shared::cluster");
    return true;
  }
  if (!b.take("async::generic")) return false;
  const bool in_cluster = b.take("sync_restrict::shared::cluster");
  return (in_cluster || b.take("sync_restrict::shared::cta")) && take_restricted(b, in_cluster);
}

bool fence(FormBuilder& b) {
  Modifiers& m = b.modifiers();
  b.needs(70, 60);
  if (b.take("proxy")) return proxy_fence(b);
  if (b.take("mbarrier_init")) {
    b.needs(90, 80);
    m.semantics = MemorySemantics::Release;
    return b.take("release") && (m.scope = take_scope(b)) == Scope::Cluster;
  }
  static constexpr std::pair<std::string_view, MemorySemantics> kSemantics[] = {
      {"sc", MemorySemantics::SeqCst},
      {"acq_rel", MemorySemantics::AcqRel},
      {"acquire", MemorySemantics::Acquire},
      {"release", MemorySemantics::Release}};
  if (b.take("sync_restrict::shared::cluster")) return take_restricted(b, true);
  if (b.take("sync_restrict::shared::cta")) return take_restricted(b, false);
  m.semantics = b.take_one_of(kSemantics);
  if (m.semantics == MemorySemantics::None) m.semantics = MemorySemantics::AcqRel;
  m.scope = take_scope(b);
  return m.scope != Scope::None;
}

bool vote(FormBuilder& b) {
  static constexpr std::pair<std::string_view, VoteMode> kModes[] = {
      {"all", VoteMode::All}, {"any", VoteMode::Any}, {"uni", VoteMode::Uni}, {"ballot", VoteMode::Ballot}};
  const bool sync = b.take("sync");  // without: as of shfl
  Modifiers& m = b.modifiers();
  m.vote = b.take_one_of(kModes);
  Type type;
  if (m.vote == VoteMode::None) return false;
  if (!b.take_type(m.vote == VoteMode::Ballot ? TypeSet{Type::B32} : TypeSet{Type::Pred}, type)) return false;
  b.form.type = type;
  b.write(type);
  b.operand({Kind::ReadPredicate, Type::Pred});
  if (sync) {
    b.read(Type::B32);
    b.needs(30, 60);
  } else {
    b.needs(m.vote == VoteMode::Ballot ? 20 : 12, 12);
    b.was_given_up(69, 64);
  }
  return true;
}

bool match(FormBuilder& b) {
  static constexpr std::pair<std::string_view, MatchMode> kModes[] = {{"any", MatchMode::Any},
                                                                      {"all", MatchMode::All}};
  Modifiers& m = b.modifiers();
  m.match = b.take_one_of(kModes);
  Type type;
  if (m.match == MatchMode::None || !b.take("sync") || !b.take_type({Type::B32, Type::B64}, type))
    return false;
  b.form.type = type;
  b.write(Type::B32);
  if (m.match == MatchMode::All) b.form.pipe_type = Type::Pred;
  b.read({type, Type::B32});
  b.needs(70, 60);
  return true;
}

bool activemask(FormBuilder& b) {
  Type type;
  if (!b.take_type({Type::B32}, type)) return false;
  b.form.type = type;
  b.write(type);
  b.needs(30, 62);
  return true;
}

bool redux(FormBuilder& b) {
  static constexpr std::pair<std::string_view, AtomicOp> kOps[] = {
      {"add", AtomicOp::Add}, {"min", AtomicOp::Min}, {"max", AtomicOp::Max},
      {"and", AtomicOp::And}, {"or", AtomicOp::Or},   {"xor", AtomicOp::Xor}};
  Modifiers& m = b.modifiers();
  if (!b.take("sync")) return false;
  m.atomic_op = b.take_one_of(kOps);
  const bool bitwise =
      m.atomic_op == AtomicOp::And || m.atomic_op == AtomicOp::Or || m.atomic_op == AtomicOp::Xor;
  Type type;
  if (m.atomic_op == AtomicOp::None || !b.take_type(bitwise ? TypeSet{Type::B32} : kIntegers32, type))
    return false;
  b.form.type = type;
  b.write(type);
  b.read({type, Type::B32});
  b.needs(80, 70);
  return true;
}

bool elect(FormBuilder& b) {
  if (!b.take("sync")) return false;
  b.write(Type::B32);
  b.form.pipe_type = Type::Pred;
  b.form.pipe_required = true;
  b.read(Type::B32);
  b.needs(90, 80);
  return true;
}

bool movmatrix(FormBuilder& b) {
  for (const std::string_view word : {"sync", "aligned", "m8n8", "trans"}) {
    if (!b.take(word)) return false;
  }
  Type type;
  if (!b.take_type({Type::B16}, type)) return false;
  b.write(Type::B32);
  b.read(Type::B32);
  b.needs(75, 78);
  return true;
}

}  // namespace

std::span<const OpcodeForms> synchronisation_forms() {
  static constexpr OpcodeForms kForms[] = {
      {"bar", Opcode::Bar, bar},
      {"barrier", Opcode::Bar, barrier_word},
      {"membar", Opcode::Membar, membar},
      {"fence", Opcode::Membar, fence},
      {"vote", Opcode::Vote, vote},
      {"match", Opcode::Match, match},
      {"activemask", Opcode::Activemask, activemask},
      {"redux", Opcode::Redux, redux},
      {"elect", Opcode::Elect, elect},
      {"movmatrix", Opcode::Movmatrix, movmatrix},
  };
  return kForms;
}

}  // namespace doppel::ptx
