// SPDX-License-Identifier: Apache-2.0
#include "reference/operands.h"

#include "reference/integer_ops.h"
#include "reference/special_registers.h"

namespace doppel::reference {

using ptx::Operand;
using ptx::Space;
using ptx::SymbolRef;

namespace {

struct Place {
  Space space;
  std::uint64_t address;
};

// Parameters and .param variables of functions live in the frame, which is local memory; a kernel's have
// their own block.
Space symbol_space(const Block& block, const Thread& thread, const SymbolRef& s) {
  switch (s.scope) {
    case SymbolRef::Scope::Module:
      return block.module->variables.at(s.index).space;
    case SymbolRef::Scope::Function: {
      const Space space = thread.frame().function->variables.at(s.index).space;
      return space == Space::Param ? Space::Local : space;
    }
    case SymbolRef::Scope::Parameter:
      return thread.frame().function->is_kernel ? Space::Param : Space::Local;
    default:
      return Space::Local;
  }
}

Place place_of(const Block& block, const Thread& thread, Space space, const Operand& operand) {
  switch (operand.address_base) {
    case Operand::AddressBase::Symbol:
      return {symbol_space(block, thread, operand.symbol),
              symbol_address(block, thread, operand.symbol) + static_cast<std::uint64_t>(operand.offset)};
    case Operand::AddressBase::Register: {
      if (space == Space::Param && !thread.frame().function->is_kernel) space = Space::Local;
      const std::uint64_t base = thread.frame().registers.at(operand.reg);
      const int width = ptx::bit_width(thread.frame().function->registers.at(operand.reg).type);
      std::uint64_t address = base + static_cast<std::uint64_t>(operand.offset);
      if (width == 32) address = low_bits(address, 32);
      return {space, address};
    }
    default:
      return {space, static_cast<std::uint64_t>(operand.offset)};
  }
}

bool inside(std::uint64_t address, std::uint64_t window) {
  return address >= window && address < window + kWindowSize;
}

std::span<std::byte> part(std::span<std::byte> all, std::uint64_t offset, std::uint64_t size) {
  if (offset > all.size() || size > all.size() - offset) return {};
  return all.subspan(offset, size);
}

}  // namespace

std::uint64_t symbol_address(const Block& block, const Thread& thread, const SymbolRef& s) {
  const Frame& frame = thread.frame();
  switch (s.scope) {
    case SymbolRef::Scope::Module:
      return block.layout->variables.at(s.index);
    case SymbolRef::Scope::Function: {
      const Space space = frame.function->variables.at(s.index).space;
      const bool in_frame = space == Space::Local || space == Space::Param;
      return frame.layout->variables.at(s.index) + (in_frame ? frame.base : 0);
    }
    case SymbolRef::Scope::Parameter:
      return frame.layout->parameters.at(s.index) + (frame.function->is_kernel ? 0 : frame.base);
    default:
      return frame.layout->return_parameters.at(s.index) + frame.base;
  }
}

std::uint64_t read(const Block& block, const Thread& thread, const Operand& operand) {
  switch (operand.kind) {
    case Operand::Kind::Register: {
      const std::uint64_t value = thread.frame().registers[operand.reg];
      return operand.negated ? value ^ 1 : value;
    }
    case Operand::Kind::Immediate:
      return operand.negated ? operand.immediate ^ 1 : operand.immediate;
    case Operand::Kind::Special:
      return special_register(block, thread, operand);
    case Operand::Kind::Symbol:
      return symbol_address(block, thread, operand.symbol) + static_cast<std::uint64_t>(operand.offset);
    case Operand::Kind::Function:
      return kFunctionBase + 16ull * operand.function;
    case Operand::Kind::Address:
      // An address used as a value: `call` through a symbol, `cvta` of a variable.
      return place_of(block, thread, Space::Generic, operand).address;
    default:
      throw Fault("an operand that has no value");
  }
}

void write(Thread& thread, const Operand& operand, std::uint64_t value) {
  if (operand.kind == Operand::Kind::Sink) return;
  if (operand.kind != Operand::Kind::Register) throw Fault("a destination that is no register");
  Frame& frame = thread.frame();
  frame.registers[operand.reg] = low_bits(value, ptx::bit_width(frame.function->registers[operand.reg].type));
}

void write_extended(Thread& thread, const Operand& operand, std::uint64_t value, ptx::Type type) {
  write(thread, operand, extend(value, type));
}

std::span<std::byte> local_bytes(Thread& thread, std::uint64_t address, std::uint64_t size) {
  return part(thread.local, address, size);
}

std::uint64_t shared_offset(const Block& block, const Thread& thread, Space space, const Operand& operand) {
  const Place place = place_of(block, thread, space, operand);
  if (place.space != Space::Generic) return place.address;
  if (!inside(place.address, kSharedWindow)) throw Fault("an address that is not of shared memory");
  return place.address - kSharedWindow;
}

std::span<std::byte> resolve(Block& block, Thread& thread, Space space, const Operand& operand, int size,
                             int alignment, bool* is_shared) {
  Place place = place_of(block, thread, space, operand);
  const auto bytes = static_cast<std::uint64_t>(size);
  if (place.space == Space::Generic) {
    for (const auto& [window, inner] :
         {std::pair(kSharedWindow, Space::Shared), std::pair(kLocalWindow, Space::Local),
          std::pair(kParamWindow, Space::Param)}) {
      if (inside(place.address, window)) {
        place = {inner, place.address - window};
        break;
      }
    }
  }
  if (place.address % static_cast<std::uint64_t>(alignment) != 0) throw Fault("a misaligned access");
  if (is_shared != nullptr) *is_shared = place.space == Space::Shared || place.space == Space::SharedCluster;
  std::span<std::byte> found;
  switch (place.space) {
    case Space::Shared:
    case Space::SharedCluster: {
      Block* of = &block;
      if (const std::uint64_t unit = place.address / kRankUnit; unit != 0) {
        if (unit > block.cluster->blocks.size()) throw Fault("an address in no block of the cluster");
        of = block.cluster->blocks[unit - 1].get();
      }
      found = part(of->shared, place.address % kRankUnit, bytes);
      break;
    }
    case Space::Local:
      found = local_bytes(thread, place.address, bytes);
      break;
    case Space::Param: {
      // Only read; the constness of the launch's copy is given up for one type of result.
      const std::span<const std::byte> all = block.launch->parameters;
      found = part({const_cast<std::byte*>(all.data()), all.size()}, place.address, bytes);
      break;
    }
    default:
      found = block.memory->find(place.address, bytes);
      break;
  }
  if (found.empty()) throw Fault("an access outside of every allocation");
  return found;
}

}  // namespace doppel::reference
