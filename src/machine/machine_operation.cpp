// SPDX-License-Identifier: Apache-2.0
#include "machine/machine_operation.h"

#include <algorithm>

namespace doppel::machine {
namespace {

// Where something stands behind it already, the part moves to the list's end.
template <typename Item>
void append(std::vector<Item>& list, ListPart& part, const Item& item) {
  if (part.first + part.count != list.size()) {
    const auto end = static_cast<std::uint32_t>(list.size());
    for (std::uint32_t i = 0; i < part.count; ++i) list.push_back(Item(list[part.first + i]));
    part.first = end;
  }
  list.push_back(item);
  ++part.count;
}

bool contains(std::span<const ValueId> values, ValueId value) {
  return std::ranges::find(values, value) != values.end();
}

}  // namespace

bool MachineFunction::reads(const MachineOperation& operation, ValueId value) const {
  return contains(operands(operation), value);
}

bool MachineFunction::writes(const MachineOperation& operation, ValueId value) const {
  return contains(results(operation), value);
}

void MachineFunction::add_result(MachineOperation& operation, ValueId value) {
  if (value != kNoValue && !writes(operation, value)) append(value_list, operation.results, value);
}

void MachineFunction::add_operand(MachineOperation& operation, ValueId value) {
  if (value != kNoValue && !reads(operation, value)) append(value_list, operation.operands, value);
}

void MachineFunction::add_access(MachineOperation& operation, const MachineAccess& access) {
  append(access_list, operation.accesses, access);
}

std::string_view name_of(Pipe pipe) {
  switch (pipe) {
    case Pipe::Fp32:
      return "fp32";
    case Pipe::Alu:
      return "alu";
    case Pipe::IntegerMultiply:
      return "integer multiply";
    case Pipe::Fp16:
      return "fp16";
    case Pipe::Fp64:
      return "fp64";
    case Pipe::TensorF16:
      return "tensor f16";
    case Pipe::TensorF16ToF32:
      return "tensor f16 to f32";
    case Pipe::TensorBf16:
      return "tensor bf16";
    case Pipe::TensorTf32:
      return "tensor tf32";
    case Pipe::TensorInt8:
      return "tensor int8";
    case Pipe::TensorInt4:
      return "tensor int4";
    case Pipe::TensorBit:
      return "tensor b1";
    case Pipe::TensorFp8:
      return "tensor fp8";
    case Pipe::TensorFp6:
      return "tensor fp6";
    case Pipe::TensorFp4:
      return "tensor fp4";
    case Pipe::TensorScaledFp4:
      return "tensor fp4 in scaled blocks";
    case Pipe::Special:
      return "special";
    case Pipe::Convert:
      return "convert";
    case Pipe::Convert64:
      return "convert64";
    case Pipe::BitCount:
      return "bit count";
    case Pipe::Shuffle:
      return "shuffle";
    case Pipe::Vote:
      return "vote";
    case Pipe::WarpReduce:
      return "warp reduce";
    case Pipe::SpecialRegister:
      return "special register";
    case Pipe::Branch:
      return "branch";
    case Pipe::Barrier:
      return "barrier";
    case Pipe::Fence:
      return "fence";
    case Pipe::Memory:
      return "memory";
    case Pipe::Texture:
      return "texture";
    case Pipe::ConstantLoad:
      return "constant load";
    case Pipe::Nop:
      return "nop";
  }
  return "unknown";
}

std::string_view name_of(MemorySpace space) {
  switch (space) {
    case MemorySpace::None:
      return "nothing";
    case MemorySpace::Global:
      return "global";
    case MemorySpace::Local:
      return "local";
    case MemorySpace::Shared:
      return "shared";
  }
  return "unknown";
}

std::vector<bool> writing_instructions(const MachineProgram& program) {
  std::vector<bool> writes(program.instruction_base.empty() ? 0 : program.instruction_base.back(), false);
  for (std::size_t f = 0; f < program.functions.size(); ++f) {
    for (const MachineBlock& block : program.functions[f].blocks) {
      for (const MachineOperation& operation : block.operations) {
        for (const MachineAccess& access : program.functions[f].accesses(operation)) {
          if (access.rank != kNoAccess && (access.is_store || operation.is_atomic))
            writes[program.instruction_base[f] + operation.instruction] = true;
        }
      }
    }
  }
  return writes;
}

}  // namespace doppel::machine
