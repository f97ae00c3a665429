// SPDX-License-Identifier: Apache-2.0
// What changes tensor maps: the object is memory of a layout of our own (ir/tensor_map.h), so these are plain
// stores, and copies with a fence behind them.
#include "frontend/ptx/function_parser.h"
#include "ir/attribute_names.h"
#include "ir/tensor_map.h"

namespace doppel::ptx {

void FunctionParser::rewrite_tensor_map(const Form& form, Instruction& instruction) {
  if (form.tensor_map.part == TensorMapForm::Part::Field ||
      form.tensor_map.part == TensorMapForm::Part::Elements) {
    replace_field(form, instruction);
    return;
  }
  if (form.tensor_map.part == TensorMapForm::Part::Copy) copy_tensor_map(instruction);
  // Maps are read as other memory is.
  const std::optional<Guard> guard = instruction.guard;
  instruction = made_here(
      fmt::format("fence.acq_rel.{}", ir::word_of(ir::Words(ir::kScopeWords), instruction.modifiers.scope)),
      {});
  instruction.guard = guard;
}

// 9.7.9.28. Types that came later than the instruction are of later targets.
void FunctionParser::replace_field(const Form& form, Instruction& instruction) {
  Operand address = instruction.operands.front(), value = instruction.operands.back();
  const Type type = form.tensor_map.type;
  address.offset += form.tensor_map.offset;
  if (form.tensor_map.part == TensorMapForm::Part::Elements)
    address.offset += static_cast<std::int64_t>(instruction.operands.at(1).immediate) * byte_size(type);
  const bool is_type = form.tensor_map.offset == offsetof(ir::TensorMap, type);
  constexpr auto kLastOfSm90 = static_cast<std::uint64_t>(ir::TensorType::Tf32Ftz);
  if (is_type && value.immediate > kLastOfSm90) {
    const std::string missing = unmet({87, 100}, state_.target);
    if (!missing.empty()) fail_unsupported(instruction.text, missing + " for elements of 4 and 6 bits");
  }
  const Space space = instruction.modifiers.space;
  const std::string_view where = space == Space::Global ? ".global" : space == Space::Shared ? ".shared" : "";
  const std::optional<Guard> guard = instruction.guard;
  instruction = made_here(fmt::format("st{}.{}", where, name_of(type)), {address, value});
  instruction.guard = guard;
}

// 9.7.13.16. Each of the warp's threads writes the same.
void FunctionParser::copy_tensor_map(Instruction& instruction) {
  constexpr std::int64_t kPart = 16;
  Operand to = instruction.operands.at(0), from = instruction.operands.at(1);
  for (std::int64_t at = 0; at < static_cast<std::int64_t>(sizeof(ir::TensorMap)); at += kPart) {
    Operand words;
    words.kind = Operand::Kind::Vector;
    words.elements = {fresh(Type::B64), fresh(Type::B64)};
    append_before("ld.shared.v2.b64", {words, from}, instruction.guard);
    append_before("st.global.v2.b64", {to, words}, instruction.guard);
    to.offset += kPart;
    from.offset += kPart;
  }
}

}  // namespace doppel::ptx
