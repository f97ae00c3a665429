// SPDX-License-Identifier: Apache-2.0
#include "frontend/ptx/print_instruction.h"

#include <fmt/format.h>

#include <string_view>

#include "frontend/ptx/form.h"
#include "frontend/ptx/special_registers.h"

namespace doppel::ptx {
namespace {

std::string immediate_text(std::uint64_t bits, Type type) {
  if (type == Type::F32) return fmt::format("0f{:08X}", static_cast<std::uint32_t>(bits));
  if (type == Type::F64) return fmt::format("0d{:016X}", bits);
  const auto value = static_cast<std::int64_t>(bits);
  // Beyond the signed range a literal is unsigned: the lowest value has no other form.
  return value == INT64_MIN ? "0x8000000000000000" : fmt::format("{}", value);
}

std::string offset_text(std::int64_t offset) {
  if (offset == 0) return {};
  if (offset == INT64_MIN) return "+0x8000000000000000";
  return offset < 0 ? fmt::format("+-{}", -offset) : fmt::format("+{}", offset);
}

// The hint's operand was dropped when the form was read, so its suffix goes too.
std::string without_cache_hint(std::string form) {
  static constexpr std::string_view kHint = ".L2::cache_hint";
  const std::size_t at = form.find(kHint);
  if (at != std::string::npos) form.erase(at, kHint.size());
  return form;
}

}  // namespace

std::string InstructionPrinter::symbol(SymbolRef symbol) const {
  switch (symbol.scope) {
    case SymbolRef::Scope::Module:
      return module_.variables[symbol.index].name;
    case SymbolRef::Scope::Function:
      return names_.variables[symbol.index];
    case SymbolRef::Scope::Parameter:
      return names_.parameters[symbol.index];
    case SymbolRef::Scope::ReturnParameter:
      break;
  }
  return names_.return_parameters[symbol.index];
}

std::string InstructionPrinter::operand(const Operand& operand, Type type) const {
  switch (operand.kind) {
    case Operand::Kind::Register:
      return fmt::format("{}{}", operand.negated ? "!" : "", names_.registers[operand.reg]);
    case Operand::Kind::Immediate:
      return immediate_text(operand.immediate, type);
    case Operand::Kind::Special:
      return special_register_text(operand.special, operand.component);
    case Operand::Kind::Symbol:
      return symbol(operand.symbol) + offset_text(operand.offset);
    case Operand::Kind::Function:
      return module_.functions[operand.function].name;
    case Operand::Kind::Label:
      return names_.labels[operand.label];
    case Operand::Kind::Address:
      switch (operand.address_base) {
        case Operand::AddressBase::None:
          return fmt::format("[{}]", operand.offset);
        case Operand::AddressBase::Register:
          return fmt::format("[{}{}]", names_.registers[operand.reg], offset_text(operand.offset));
        case Operand::AddressBase::Symbol:
          break;
      }
      return fmt::format("[{}{}]", symbol(operand.symbol), offset_text(operand.offset));
    case Operand::Kind::Vector: {
      std::string text = "{";
      for (const Operand& element : operand.elements) {
        if (text.size() > 1) text += ", ";
        text += this->operand(element, type);
      }
      return text + "}";
    }
    case Operand::Kind::Sink:
      break;
  }
  return "_";
}

std::string InstructionPrinter::call(const Instruction& instruction, const std::string& list) const {
  const Call& call = *instruction.call;
  const std::vector<Variable>* returns = nullptr;
  const std::vector<Variable>* parameters = nullptr;
  const auto use = [&](const auto& signature) {
    returns = &signature.return_parameters;
    parameters = &signature.parameters;
  };
  if (call.callee) {
    use(module_.functions[*call.callee]);
  } else if (call.prototype) {
    use(function_.prototypes[*call.prototype]);
  } else if (!call.possible_targets.empty()) {
    use(module_.functions[call.possible_targets.front()]);
  }
  const auto values = [&](const std::vector<Operand>& operands, const std::vector<Variable>* types) {
    std::string text = "(";
    for (std::size_t i = 0; i < operands.size(); ++i) {
      if (i > 0) text += ", ";
      text += operand(operands[i], types != nullptr && i < types->size() ? (*types)[i].type : Type::B64);
    }
    return text + ")";
  };
  std::string text = instruction.form + " ";
  if (!call.returns.empty()) text += values(call.returns, returns) + ", ";
  text += call.callee ? module_.functions[*call.callee].name : operand(call.target, Type::B64);
  if (!call.arguments.empty()) text += fmt::format(", {}", values(call.arguments, parameters));
  if (call.prototype) {
    text += fmt::format(", {}", names_.prototypes[*call.prototype]);
  } else if (!list.empty()) {
    text += fmt::format(", {}", list);
  }
  return text;
}

// Objects stand in brackets, with the coordinates where there are some.
std::string InstructionPrinter::texture(const Instruction& instruction) const {
  using Kind = OperandRule::Kind;
  const Form form = decode_form(instruction.form).form;
  const ir::TextureForm& has = instruction.modifiers.texture;
  std::string text = instruction.form + " ";
  std::size_t at = 0;
  const auto next = [&](Type type) { return operand(instruction.operands[at++], type); };
  for (std::size_t rule = 0; rule < form.operand_count && at < instruction.operands.size(); ++rule) {
    if (rule > 0) text += ", ";
    switch (form.operands[rule].kind) {
      case Kind::TextureObject:
      case Kind::SamplerObject:
      case Kind::SurfaceObject:
        text += fmt::format("[{}]", next(Type::B64));
        break;
      case Kind::TextureCoordinates:
        text += '[' + next(Type::B64);
        if (has.sampler) text += ", " + next(Type::B64);
        text += ", " + words(instruction.operands[at++], form.operands[rule].type, has.is_layered()) + ']';
        break;
      case Kind::TextureOptions:
        if (has.offsets) text += next(Type::S32);
        if (has.offsets && has.compare) text += ", ";
        if (has.compare) text += next(Type::F32);
        break;
      default:
        text += next(form.operands[rule].type);
    }
    if (rule == 0 && instruction.second_destination)
      text += '|' + operand(*instruction.second_destination, Type::Pred);
  }
  return text;
}

std::string InstructionPrinter::words(const Operand& vector, Type type, bool layered) const {
  std::string text = "{";
  for (const Operand& element : vector.elements) {
    const bool layer = layered && text.size() == 1;
    if (text.size() > 1) text += ", ";
    text += operand(element, layer ? Type::U32 : type);
  }
  return text + "}";
}

std::string InstructionPrinter::text(const Instruction& instruction, const std::string& list) const {
  std::string text;
  if (instruction.guard) {
    text = fmt::format("@{}{} ", instruction.guard->negated ? "!" : "",
                       names_.registers[instruction.guard->predicate]);
  }
  if (instruction.opcode == Opcode::Call && instruction.call) return text + call(instruction, list) + ";";
  if (instruction.modifiers.texture != ir::TextureForm{}) return text + texture(instruction) + ";";
  const FormResult decoded = decode_form(instruction.form);
  text += without_cache_hint(instruction.form);
  for (std::size_t i = 0, rule = 0; i < instruction.operands.size(); ++i, ++rule) {
    const Operand& value = instruction.operands[i];
    // bar.red's thread count may be missing before its predicate.
    if (rule + 1 < decoded.form.operand_count && decoded.form.operands[rule].optional &&
        decoded.form.operands[rule + 1].kind == OperandRule::Kind::ReadPredicate &&
        i + 1 == instruction.operands.size()) {
      ++rule;
    }
    text += i == 0 ? " " : ", ";
    if (rule < decoded.form.operand_count &&
        decoded.form.operands[rule].kind == OperandRule::Kind::TensorAddress) {
      text += operand(value, Type::B64);
      text.pop_back();
      text += ", " + operand(instruction.operands.at(++i), Type::B32) + ']';
      continue;
    }
    text += operand(value, rule < decoded.form.operand_count ? decoded.form.operands[rule].type : Type::B64);
    if (i == 0 && instruction.second_destination) {
      text += '|';
      text += operand(*instruction.second_destination, Type::Pred);
    } else if (i == 0 && decoded.form.pipe_required) {
      text += "|_";
    }
  }
  if (!list.empty()) text += fmt::format(", {}", list);
  return text + ";";
}

}  // namespace doppel::ptx
