// SPDX-License-Identifier: Apache-2.0
// Forms that are the same as a few simpler ones, which stand in their place: later parts do not know them.
#include <algorithm>
#include <iterator>
#include <utility>

#include "frontend/ptx/function_parser.h"

namespace doppel::ptx {

// An instruction that stands where the one in work does.
Instruction FunctionParser::made_here(std::string_view form, std::vector<Operand> operands) const {
  const Form decoded = decode_form(form).form;
  Instruction made;
  made.opcode = decoded.opcode;
  made.type = decoded.type;
  made.source_type = decoded.source_type;
  made.modifiers = decoded.modifiers;
  made.form = form;
  made.text = state_.here();
  made.source = source_;
  made.operands = std::move(operands);
  return made;
}

Operand FunctionParser::fresh(Type type) {
  Operand target;
  target.kind = Operand::Kind::Register;
  target.reg = fresh_register(type);
  return target;
}

// An instruction of its own before the one in work; the fresh register that it writes. It has no guard:
// nobody else sees the register.
Operand FunctionParser::compute_before(std::string_view form, std::vector<Operand> sources) {
  const Operand target = fresh(decode_form(form).form.operands[0].type);
  sources.insert(sources.begin(), target);
  before_.push_back(made_here(form, std::move(sources)));
  return target;
}

// The same where the function begins, once however often it is asked for: of what is the same wherever it is
// computed.
Operand FunctionParser::compute_at_entry(std::string_view form, std::vector<Operand> sources) {
  const auto same = [](const Operand& a, const Operand& b) {
    return a.kind == b.kind && a.reg == b.reg && a.special == b.special && a.immediate == b.immediate;
  };
  for (const Instruction& each : entry_) {
    if (each.form == form &&
        std::equal(each.operands.begin() + 1, each.operands.end(), sources.begin(), sources.end(), same))
      return each.operands[0];
  }
  const Operand target = fresh(decode_form(form).form.operands[0].type);
  sources.insert(sources.begin(), target);
  entry_.push_back(made_here(form, std::move(sources)));
  return target;
}

// At the end of the body; before labels are bound.
void FunctionParser::put_at_entry() {
  const auto count = static_cast<std::uint32_t>(entry_.size());
  function_.instructions.insert(function_.instructions.begin(), std::make_move_iterator(entry_.begin()),
                                std::make_move_iterator(entry_.end()));
  for (std::uint32_t& label : function_.labels) label += count;
  for (LabelUse& use : label_uses_) use.instruction += count;
}

void FunctionParser::rewrite(const Form& form, Instruction& instruction) {
  if (form.video.result != Type::None) rewrite_video(form, instruction);
  if (form.wmma.part != WmmaForm::Part::None) rewrite_wmma(form, instruction);
  if (form.tensor_map.part != TensorMapForm::Part::None) rewrite_tensor_map(form, instruction);
  if (instruction.type == Type::B128) {
    rewrite_wide(instruction);
    return;
  }
  const bool sums = instruction.opcode == Opcode::Add || instruction.opcode == Opcode::Sub ||
                    instruction.opcode == Opcode::Fma;
  if (sums && instruction.source_type != Type::None) rewrite_mixed_precision(instruction);
  const bool extremum = instruction.opcode == Opcode::Min || instruction.opcode == Opcode::Max;
  if (extremum && instruction.operands.size() == 4) rewrite_three_inputs(instruction);
  if (instruction.opcode == Opcode::Mov && instruction.modifiers.vector > 1) rewrite_vector_move(instruction);
  // The mask behind the size has 16 bits; the operation's sources are words.
  if (instruction.opcode == Opcode::CpAsyncBulk && instruction.operands.size() > 3 &&
      instruction.operands.back().kind == Operand::Kind::Register &&
      bit_width(register_type(instruction.operands.back())) == 16)
    instruction.operands.back() = compute_before("cvt.u32.u16", {instruction.operands.back()});
  if (instruction.opcode == Opcode::MbarrierPendingCount) {
    // The lowest 20 bits of a state (engine/mbarrier.h).
    Operand counts;
    counts.kind = Operand::Kind::Immediate;
    counts.immediate = (1u << 20) - 1;
    const Operand low = compute_before("cvt.u32.u64", {instruction.operands[1]});
    const std::optional<Guard> guard = instruction.guard;
    instruction = made_here("and.b32", {instruction.operands[0], low, counts});
    instruction.guard = guard;
  }
  if (form.cancel_query != CancelQuery::None) rewrite_cancel_query(form.cancel_query, instruction);
  const bool unsynchronized = (instruction.opcode == Opcode::Shfl && instruction.operands.size() == 4) ||
                              (instruction.opcode == Opcode::Vote && instruction.operands.size() == 2);
  if (unsynchronized) rewrite_without_sync(instruction);
}

// The answer of clusterlaunchcontrol.try_cancel, opaque to programs: the first block's place, a word each,
// then whether its cluster has been cancelled.
void FunctionParser::rewrite_cancel_query(CancelQuery query, Instruction& instruction) {
  const std::vector<Operand> halves = std::move(instruction.operands[1].elements);
  const Operand result = std::move(instruction.operands[0]);
  const std::optional<Guard> guard = instruction.guard;
  const auto number = [](std::uint64_t value) {
    Operand made;
    made.kind = Operand::Kind::Immediate;
    made.immediate = value;
    return made;
  };
  const auto above = [&](const Operand& half) { return compute_before("shr.b64", {half, number(32)}); };
  switch (query) {
    case CancelQuery::IsCanceled:
      instruction = made_here("setp.ne.u64", {result, above(halves[1]), number(0)});
      break;
    case CancelQuery::X:
      instruction = made_here("cvt.u32.u64", {result, halves[0]});
      break;
    case CancelQuery::Y:
      instruction = made_here("cvt.u32.u64", {result, above(halves[0])});
      break;
    case CancelQuery::Z:
      instruction = made_here("cvt.u32.u64", {result, halves[1]});
      break;
    default:
      for (std::size_t i = 0; i < 2; ++i) {
        Operand parts;
        parts.kind = Operand::Kind::Vector;
        parts.elements.assign(result.elements.begin() + static_cast<std::ptrdiff_t>(2 * i),
                              result.elements.begin() + static_cast<std::ptrdiff_t>(2 * i + 2));
        instruction = made_here("mov.b64", {parts, halves[i]});
        instruction.guard = guard;
        if (i == 0) before_.push_back(instruction);
      }
      break;
  }
  instruction.guard = guard;
}

// 9.7.9.5, 9.7.13.10: shfl and vote without .sync are among the lanes that execute them together.
void FunctionParser::rewrite_without_sync(Instruction& instruction) {
  instruction.operands.push_back(compute_before("activemask.b32", {}));
  before_.back().guard = instruction.guard;
  const std::size_t word = instruction.form.find('.');
  instruction.form.insert(word, ".sync");
}

// 9.7.3.11, 9.7.3.12: the extremum of three is that of two and the third; .abs is of each input. The vendor's
// assembler makes the same two operations of it.
void FunctionParser::rewrite_three_inputs(Instruction& instruction) {
  const std::string missing = unmet({88, 100}, state_.target);
  if (!missing.empty()) fail_unsupported(instruction.text, missing + " for three inputs");
  Modifiers& m = instruction.modifiers;
  const std::string ftz = m.ftz ? ".ftz" : "";
  std::vector<Operand>& operands = instruction.operands;
  if (m.abs) {
    for (std::size_t i = 1; i < operands.size(); ++i)
      operands[i] = compute_before(fmt::format("abs{}.f32", ftz), {operands[i]});
    m.abs = false;
  }
  instruction.form = fmt::format("{}{}{}.f32", name_of(instruction.opcode), ftz, m.nan ? ".NaN" : "");
  const Operand of_two = compute_before(instruction.form, {operands[1], operands[2]});
  operands = {operands[0], of_two, operands[3]};
}

// 9.7.5.1-9.7.5.3: what is narrower is widened, which is exact; then it is the operation on .f32.
void FunctionParser::rewrite_mixed_precision(Instruction& instruction) {
  std::vector<Operand>& operands = instruction.operands;
  const std::string_view narrow = name_of(instruction.source_type);
  for (std::size_t i = 1; i + 1 < operands.size(); ++i) {
    operands[i] = compute_before(fmt::format("cvt.f32.{}", narrow), {operands[i]});
    before_.back().text = instruction.text;  // by which it is known as a part of it
  }
  instruction.source_type = Type::None;
  instruction.form.erase(instruction.form.find(narrow) - 1, narrow.size() + 1);
}

// mov.v2 {a, b}, {c, d}: all sources are read before a destination is written.
void FunctionParser::rewrite_vector_move(Instruction& instruction) {
  const std::string form = fmt::format("mov.{}", name_of(instruction.type));
  const std::vector<Operand> targets = std::move(instruction.operands[0].elements);
  std::vector<Operand> values;
  for (const Operand& element : instruction.operands[1].elements)
    values.push_back(compute_before(form, {element}));
  instruction.modifiers.vector = 1;
  instruction.form = form;
  Instruction last = instruction;
  bool any = false;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (targets[i].kind == Operand::Kind::Sink) continue;
    if (any) before_.push_back(last);
    last.operands = {targets[i], values[i]};
    any = true;
  }
  if (!any) fail_malformed(instruction.text, "a mov without a destination");
  instruction = std::move(last);
}

}  // namespace doppel::ptx
