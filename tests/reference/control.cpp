// SPDX-License-Identifier: Apache-2.0
// Branches, calls and the end of a thread (PTX ISA 9.7.12, 7.1).
#include <algorithm>

#include "reference/execute.h"
#include "reference/operands.h"

namespace doppel::reference {

using ptx::Opcode;
using ptx::Operand;

namespace {

constexpr std::size_t kDeepestCall = 2000;

void jump(Thread& thread, ptx::LabelId label) {
  thread.frame().next = thread.frame().function->labels.at(label);
}

const ptx::Function& callee_of(const Block& block, const Thread& thread, const ptx::Call& call) {
  const auto& functions = block.module->functions;
  if (call.callee) return functions.at(*call.callee);
  const std::uint64_t address = read(block, thread, call.target);
  const std::uint64_t index = (address - kFunctionBase) / 16;
  if (address < kFunctionBase || address % 16 != 0 || index >= functions.size()) {
    throw Fault("an indirect call to what is no function");
  }
  return functions[index];
}

// An argument or result of the caller: a .param variable (bytes in its frame) or a register.
std::uint64_t frame_address(const Block& block, const Thread& thread, const Operand& operand) {
  return symbol_address(block, thread, operand.symbol);
}

bool is_symbol(const Operand& operand) {
  return operand.kind == Operand::Kind::Symbol ||
         (operand.kind == Operand::Kind::Address && operand.address_base == Operand::AddressBase::Symbol);
}

void call(Block& block, Thread& thread, const ptx::Call& call) {
  const ptx::Function& callee = callee_of(block, thread, call);
  if (callee.is_declaration) throw Fault("a call of " + callee.name + ", which has no body");
  if (thread.frames.size() >= kDeepestCall) throw Fault("calls nest too deeply");
  std::vector<std::vector<std::byte>> bytes(call.arguments.size());
  std::vector<std::uint64_t> values(call.arguments.size());
  for (std::size_t i = 0; i < call.arguments.size(); ++i) {
    const std::uint64_t size = callee.parameters.at(i).size;
    if (is_symbol(call.arguments[i])) {
      const auto from = local_bytes(thread, frame_address(block, thread, call.arguments[i]), size);
      bytes[i].assign(from.begin(), from.end());
    } else {
      values[i] = read(block, thread, call.arguments[i]);
      bytes[i].resize(8);
      store_bits(bytes[i].data(), values[i], 8);
      bytes[i].resize(size);
    }
  }
  enter(block, thread, callee);
  Frame& inner = thread.frame();
  for (std::size_t i = 0; i < call.arguments.size(); ++i) {
    if (callee.parameters[i].space == ptx::Space::Reg) {
      bytes[i].resize(8);
      inner.registers.at(callee.parameter_registers.at(i)) = load_bits(bytes[i].data(), 8);
    } else {
      std::ranges::copy(bytes[i], thread.local.begin() + static_cast<std::ptrdiff_t>(
                                                             inner.base + inner.layout->parameters.at(i)));
    }
  }
}

void give_back(Block& block, Thread& thread) {
  const Frame inner = std::move(thread.frames.back());
  thread.frames.pop_back();
  Frame& outer = thread.frame();
  const ptx::Call& call = *outer.function->instructions[outer.next].call;
  for (std::size_t i = 0; i < call.returns.size(); ++i) {
    const ptx::Variable& result = inner.function->return_parameters.at(i);
    std::vector<std::byte> bytes;
    if (result.space == ptx::Space::Reg) {
      bytes.resize(8);
      store_bits(bytes.data(), inner.registers.at(inner.function->return_registers.at(i)), 8);
    } else {
      const auto from = local_bytes(thread, inner.base + inner.layout->return_parameters.at(i), result.size);
      bytes.assign(from.begin(), from.end());
    }
    if (is_symbol(call.returns[i])) {
      const auto to = local_bytes(thread, frame_address(block, thread, call.returns[i]), result.size);
      std::copy_n(bytes.begin(), std::min(to.size(), bytes.size()), to.begin());
    } else {
      bytes.resize(8);
      write(thread, call.returns[i], load_bits(bytes.data(), 8));
    }
  }
  thread.local.resize(inner.base);
  ++outer.next;
}

}  // namespace

void enter(Block& block, Thread& thread, const ptx::Function& function) {
  Frame frame;
  frame.function = &function;
  frame.layout =
      &block.layout->functions.at(static_cast<std::size_t>(&function - block.module->functions.data()));
  frame.base = thread.local.size();
  frame.registers.assign(function.registers.size(), 0);
  thread.local.resize(thread.local.size() + frame.layout->frame_size);
  thread.frames.push_back(std::move(frame));
}

void exit_thread(Block& block, Thread& thread) {
  thread.exited = true;
  settle_warp(block, thread);
  settle_barriers(block);
}

void execute_control(Block& block, Thread& thread, const ptx::Instruction& in) {
  switch (in.opcode) {
    case Opcode::Bra:
      jump(thread, in.operands.at(0).label);
      break;
    case Opcode::BrxIdx: {
      const std::uint64_t index = read(block, thread, in.operands.at(0)) & 0xffffffff;
      if (index >= in.branch_targets.size()) throw Fault("brx.idx beyond its targets");
      jump(thread, in.branch_targets[index]);
      break;
    }
    case Opcode::Call:
      call(block, thread, *in.call);
      break;
    case Opcode::Ret:
      if (thread.frames.size() > 1) {
        give_back(block, thread);
        break;
      }
      [[fallthrough]];
    default:
      exit_thread(block, thread);
      break;
  }
}

}  // namespace doppel::reference
