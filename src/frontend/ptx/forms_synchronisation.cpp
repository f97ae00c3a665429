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

bool barrier_word(FormBuilder& b) {
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

bool fence(FormBuilder& b) {
  Modifiers& m = b.modifiers();
  b.needs(70, 60);
  if (b.take("proxy")) {
    if (b.take("tensormap::generic")) return fence_tensor_map(b);
    // Copies that go on behind their instruction are made by the thread that makes the block's other
    // accesses.
    if (b.take("async")) {
      Space space;
      if (take_space(b, space) && space != Space::Global && space != Space::Shared &&
          space != Space::SharedCluster)
        return false;
      m.semantics = MemorySemantics::AcqRel;
      m.scope = Scope::Cta;
      b.needs(90, 80);
      return true;
    }
    // Virtual aliases of one memory are one memory here, so it orders like fence.acq_rel.sys.
    if (!b.take("alias")) return false;
    m.semantics = MemorySemantics::AcqRel;
    m.scope = Scope::Sys;
    b.needs(70, 75);
    return true;
  }
  static constexpr std::pair<std::string_view, MemorySemantics> kSemantics[] = {
      {"sc", MemorySemantics::SeqCst},
      {"acq_rel", MemorySemantics::AcqRel},
      {"acquire", MemorySemantics::Acquire},
      {"release", MemorySemantics::Release}};
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

constexpr OpcodeForms kForms[] = {
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

}  // namespace

std::span<const OpcodeForms> synchronisation_forms() { return kForms; }

}  // namespace doppel::ptx
