#include "jit/lower.h"

#include "kernel/lane_transfer.h"
#include "kernel/operands.h"

namespace doppel::jit {

using llvm::Value;
using ptx::Instruction;
using ptx::Opcode;
using ptx::Operand;

Sources::Sources(FunctionEmitter& emitter, const Instruction& instruction, bool force_vector)
    : emitter_(emitter), instruction_(instruction), uniform_(!force_vector) {
  for (std::size_t i = kernel::destination_count(instruction); i < instruction.operands.size(); ++i) {
    uniform_ &= emitter.analysis().operand_pattern(instruction.operands[i], 32).is_uniform();
  }
}

Value* Sources::operator()(std::size_t i, ptx::Type type) const {
  const Lanes lanes = emitter_.read(instruction_.operands[i], type);
  Value* value = uniform_ ? lanes.parts[0] : emitter_.materialize(lanes);
  const int bits = ptx::bit_width(type);
  // A relaxed operand may be wider than the form's type (PTX ISA 9.4.1): its low bits count.
  if (static_cast<int>(value->getType()->getScalarSizeInBits()) != bits)
    value = emitter_.resize(value, bits, false);
  return value;
}

bool ends_block(const Instruction& instruction) {
  switch (instruction.opcode) {
    case Opcode::Bra:
    case Opcode::BrxIdx:
    case Opcode::Ret:
    case Opcode::Exit:
    case Opcode::Trap:
      return true;
    default:
      return false;
  }
}

bool lower_pattern(FunctionEmitter& emitter, const Instruction& instruction) {
  if (instruction.operands.empty() || instruction.operands[0].kind != Operand::Kind::Register) return false;
  switch (instruction.opcode) {
    case Opcode::Mov:
    case Opcode::Add:
    case Opcode::Sub:
    case Opcode::Neg:
    case Opcode::Mul:
    case Opcode::Mad:
    case Opcode::Shl:
    case Opcode::Shr:
    case Opcode::And:
    case Opcode::Or:
    case Opcode::Cvt:
    case Opcode::Cvta:
      break;
    default:
      return false;
  }
  if (!kernel::has_plain_integer_form(instruction)) return false;
  const kernel::LanePattern& target = emitter.analysis().pattern(instruction.operands[0].reg);
  const int bits =
      ptx::bit_width(instruction.opcode == Opcode::Cvt ? instruction.source_type : instruction.type);
  for (std::size_t i = 1; i < instruction.operands.size(); ++i) {
    if (instruction.operands[i].kind == Operand::Kind::Vector) return false;
    if (!emitter.analysis().operand_pattern(instruction.operands[i], bits).is_parts()) return false;
  }
  const auto operand = [&](std::size_t i) {
    ptx::Type type = instruction.opcode == Opcode::Cvt ? instruction.source_type : instruction.type;
    if (instruction.opcode == Opcode::Mad && i == 3 && instruction.modifiers.mul_part == ptx::MulPart::Wide) {
      type = bits == 32 ? ptx::Type::B64 : ptx::Type::B32;
    }
    return emitter.read(instruction.operands[i], type);
  };
  const auto window = [&](ptx::Space space) { return emitter.window_base(space); };
  std::optional<Lanes> result = kernel::transfer_pattern(emitter.scalars(), instruction, operand, window);
  if (!result || result->pattern.bits != target.bits) return false;
  if (target.is_parts() && !result->pattern.same_shape(target)) return false;
  emitter.write(instruction.operands[0], std::move(*result));
  return true;
}

void lower(FunctionEmitter& emitter, const Instruction& instruction) {
  using Lowering = bool (*)(FunctionEmitter&, const Instruction&);
  constexpr Lowering kGroups[] = {lower_move,           lower_integer, lower_bits,    lower_float,
                                  lower_transcendental, lower_compare, lower_convert, lower_memory,
                                  lower_atomic,         lower_warp,    lower_call};
  for (Lowering group : kGroups) {
    if (group(emitter, instruction)) return;
  }
  emitter.unsupported(instruction);
}

}  // namespace doppel::jit
