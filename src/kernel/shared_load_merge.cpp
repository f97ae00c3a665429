#include "kernel/shared_load_merge.h"

#include <algorithm>
#include <bit>
#include <map>
#include <optional>

#include "kernel/operands.h"

namespace doppel::kernel {
namespace {

using ptx::Instruction;
using ptx::Opcode;
using ptx::Operand;
using ptx::RegisterId;
using ptx::Space;

constexpr int kWidest = 16;  // bytes a lane

// Alignment of integer registers, as a power of two: what the last bits being zero tells.
class Alignment {
 public:
  Alignment(const ptx::Function& function, const ptx::Module& module, const ControlFlowGraph& graph)
      : function_(function), module_(module), zeros_(function.registers.size(), 64) {
    // From the most optimistic down: a register is as aligned as the least of its definitions.
    for (bool changed = true; changed;) {
      changed = false;
      for (std::uint32_t i = 0; i < function.instructions.size(); ++i) {
        if (graph.block_of(i) == kNoBlock) continue;
        const Instruction& instruction = function.instructions[i];
        for_each_definition(instruction, [&](RegisterId reg) {
          const int zeros = std::min(zeros_[reg], of(instruction));
          changed = changed || zeros != zeros_[reg];
          zeros_[reg] = zeros;
        });
      }
    }
  }

  std::uint64_t bytes(const Operand& address) const {
    int zeros = 64;
    if (address.address_base == Operand::AddressBase::Register) zeros = zeros_[address.reg];
    if (address.address_base == Operand::AddressBase::Symbol) zeros = of_symbol(address.symbol);
    return std::uint64_t{1} << std::min(zeros, 16);
  }

 private:
  int of_symbol(const ptx::SymbolRef& symbol) const {
    const ptx::Variable* variable = nullptr;
    if (symbol.scope == ptx::SymbolRef::Scope::Module) variable = &module_.variables[symbol.index];
    if (symbol.scope == ptx::SymbolRef::Scope::Function) variable = &function_.variables[symbol.index];
    if (variable == nullptr) return 0;
    // The assembler places shared variables, and may place them better aligned than they ask; dynamic ones start aligned.
    if (variable->space == Space::Shared) return std::max(4, std::countr_zero(std::uint32_t{variable->alignment}));
    return std::countr_zero(std::uint32_t{variable->alignment});
  }
  int of_operand(const Operand& operand) const {
    switch (operand.kind) {
      case Operand::Kind::Register:
        return zeros_[operand.reg];
      case Operand::Kind::Immediate:
        return operand.immediate == 0 ? 64 : std::countr_zero(operand.immediate);
      case Operand::Kind::Symbol:
        return std::min(of_symbol(operand.symbol), operand.offset == 0 ? 64 : std::countr_zero(static_cast<std::uint64_t>(operand.offset)));
      default:
        return 0;
    }
  }
  int of(const Instruction& in) const {
    if (in.guard && in.opcode != Opcode::Mov) return 0;
    const auto& o = in.operands;
    switch (in.opcode) {
      case Opcode::Mov:
      case Opcode::Cvta:
      case Opcode::Cvt:
        return ptx::is_float(in.type) || o.size() < 2 ? 0 : of_operand(o[1]);
      case Opcode::Add:
      case Opcode::Sub:
      case Opcode::Or:
      case Opcode::Xor:
        return ptx::is_float(in.type) ? 0 : std::min(of_operand(o[1]), of_operand(o[2]));
      case Opcode::And:
        return std::max(of_operand(o[1]), of_operand(o[2]));
      case Opcode::Shl:
        return o[2].kind == Operand::Kind::Immediate ? std::min<int>(64, of_operand(o[1]) + static_cast<int>(std::min<std::uint64_t>(o[2].immediate, 64))) : of_operand(o[1]);
      case Opcode::Mul:
        return ptx::is_float(in.type) || in.modifiers.mul_part == ptx::MulPart::Hi ? 0 : std::min(64, of_operand(o[1]) + of_operand(o[2]));
      case Opcode::Mad:
        return ptx::is_float(in.type) || in.modifiers.mul_part == ptx::MulPart::Hi ? 0 : std::min({64, of_operand(o[1]) + of_operand(o[2]), of_operand(o[3])});
      case Opcode::Selp:
        return std::min(of_operand(o[1]), of_operand(o[2]));
      default:
        return 0;
    }
  }

  const ptx::Function& function_;
  const ptx::Module& module_;
  std::vector<int> zeros_;
};

struct Place {
  std::int64_t offset;
  std::uint32_t instruction;
};
// What an address is relative to.
struct Base {
  Operand::AddressBase kind;
  std::uint32_t id;
  int scope;
  auto operator<=>(const Base&) const = default;
};

bool loads_shared_word(const Instruction& in, const RegisterRoles& roles) {
  if (in.opcode != Opcode::Ld || in.modifiers.space != Space::Shared || in.guard || in.modifiers.vector != 1) return false;
  if (in.modifiers.semantics != ptx::MemorySemantics::None && in.modifiers.semantics != ptx::MemorySemantics::Weak) return false;
  if (ptx::byte_size(in.type) != 4 && ptx::byte_size(in.type) != 8) return false;
  const Operand& to = in.operands[0];
  return to.kind == Operand::Kind::Register && roles[to.reg].definitions == 1;
}

bool ends_run(const Instruction& in) {
  switch (in.opcode) {
    case Opcode::St:
    case Opcode::Atom:
    case Opcode::Red:
      return in.modifiers.space == Space::Shared || in.modifiers.space == Space::Generic;
    case Opcode::Bar:
    case Opcode::BarWarpSync:
    case Opcode::Membar:
    case Opcode::Call:
      return true;
    default:
      return false;
  }
}

}  // namespace

MergedLoads merge_shared_loads(const ptx::Function& function, const ptx::Module& module, const ControlFlowGraph& graph,
                               RegisterRoles& roles) {
  MergedLoads merged;
  merged.leader.resize(function.instructions.size());
  merged.bytes.resize(function.instructions.size(), 0);
  for (std::uint32_t i = 0; i < merged.leader.size(); ++i) merged.leader[i] = i;
  bool any = false;
  for (const Instruction& in : function.instructions) any = any || loads_shared_word(in, roles);
  if (!any) return merged;
  const Alignment alignment(function, module, graph);

  std::map<Base, std::vector<Place>> open;
  const auto close = [&]() {
    for (auto& [base, places] : open) {
      std::ranges::stable_sort(places, {}, &Place::offset);
      for (std::size_t i = 0; i < places.size();) {
        const Instruction& first = function.instructions[places[i].instruction];
        const int size = ptx::byte_size(first.type);
        const std::uint64_t known = alignment.bytes(first.operands[1]);
        // The widest aligned run from here.
        std::size_t count = 1;
        for (int width = kWidest; width > size; width /= 2) {
          const auto wanted = static_cast<std::size_t>(width / size);
          if (known < static_cast<std::uint64_t>(width) || places[i].offset % width != 0 || i + wanted > places.size()) continue;
          bool run = true;
          for (std::size_t k = 1; k < wanted; ++k) {
            run = run && places[i + k].offset == places[i].offset + static_cast<std::int64_t>(k) * size &&
                  ptx::byte_size(function.instructions[places[i + k].instruction].type) == size;
          }
          if (run) {
            count = wanted;
            break;
          }
        }
        std::uint32_t leader = places[i].instruction;
        for (std::size_t k = 0; k < count; ++k) leader = std::min(leader, places[i + k].instruction);
        merged.bytes[leader] = static_cast<std::uint8_t>(size * static_cast<int>(count));
        for (std::size_t k = 0; k < count; ++k) {
          merged.leader[places[i + k].instruction] = leader;
          if (k > 0) roles.join(function.instructions[places[i].instruction].operands[0].reg, function.instructions[places[i + k].instruction].operands[0].reg, true);
        }
        i += count;
      }
    }
    open.clear();
  };
  for (const BasicBlock& block : graph.blocks()) {
    for (std::uint32_t i = block.first; i < block.last; ++i) {
      const Instruction& in = function.instructions[i];
      if (ends_run(in)) close();
      // A base that changes is another base.
      for_each_definition(in, [&](RegisterId reg) {
        if (roles[reg].definitions > 1 && open.contains({Operand::AddressBase::Register, reg, 0})) close();
      });
      if (!loads_shared_word(in, roles)) continue;
      const Operand& address = in.operands[1];
      Base base{address.address_base, 0, 0};
      std::int64_t offset = address.offset;
      if (address.address_base == Operand::AddressBase::Register) {
        base.id = address.reg;
      } else if (address.address_base == Operand::AddressBase::Symbol) {
        base.id = address.symbol.index;
        base.scope = static_cast<int>(address.symbol.scope);
      }
      open[base].push_back({offset, i});
    }
    close();
  }
  return merged;
}

}  // namespace doppel::kernel
