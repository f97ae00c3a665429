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

// The low bits of an integer, as far as they are known: value modulo 2 to the power `bits`.
struct LowBits {
  int bits = 64;
  std::uint64_t value = 0;
  bool operator==(const LowBits&) const = default;
};
constexpr LowBits kUnknown{0, 0};

LowBits cut(int bits, std::uint64_t value) {
  bits = std::clamp(bits, 0, 64);
  return {bits, bits == 64 ? value : value & ((std::uint64_t{1} << bits) - 1)};
}
int zeros(const LowBits& low) { return low.value == 0 ? low.bits : std::countr_zero(low.value); }

// What is known of the low bits of each integer register: enough to see that an address is aligned.
class Alignment {
 public:
  Alignment(const ptx::Function& function, const ptx::Module& module, const ControlFlowGraph& graph)
      : function_(function),
        module_(module),
        low_(function.registers.size()),
        seen_(function.registers.size(), false) {
    // A register knows what all its definitions agree on. From nothing seen: each turn can only take away.
    for (bool changed = true; changed;) {
      changed = false;
      for (std::uint32_t i = 0; i < function.instructions.size(); ++i) {
        if (graph.block_of(i) == kNoBlock) continue;
        const Instruction& instruction = function.instructions[i];
        if (!known_yet(instruction)) continue;
        for_each_definition(instruction, [&](RegisterId reg) {
          const LowBits now = of(instruction);
          const LowBits next = seen_[reg] ? agree(low_[reg], now) : now;
          changed = changed || !seen_[reg] || !(next == low_[reg]);
          low_[reg] = next;
          seen_[reg] = true;
        });
      }
    }
  }

  LowBits of_base(const Operand& address) const {
    if (address.address_base == Operand::AddressBase::Register)
      return seen_[address.reg] ? low_[address.reg] : kUnknown;
    if (address.address_base == Operand::AddressBase::Symbol) return of_symbol(address.symbol);
    return {64, 0};
  }

 private:
  static LowBits agree(const LowBits& a, const LowBits& b) {
    int bits = std::min(a.bits, b.bits);
    const std::uint64_t differ = a.value ^ b.value;
    if (differ != 0) bits = std::min(bits, std::countr_zero(differ));
    return cut(bits, a.value);
  }
  bool known_yet(const Instruction& in) const {
    bool known = false, any = false;
    for (const Operand& operand : in.operands) {
      if (&operand == in.operands.data() || operand.kind != Operand::Kind::Register) continue;
      any = true;
      known = known || seen_[operand.reg];
    }
    return known || !any;
  }
  LowBits of_symbol(const ptx::SymbolRef& symbol) const {
    const ptx::Variable* variable = nullptr;
    if (symbol.scope == ptx::SymbolRef::Scope::Module) variable = &module_.variables[symbol.index];
    if (symbol.scope == ptx::SymbolRef::Scope::Function) variable = &function_.variables[symbol.index];
    if (variable == nullptr) return kUnknown;
    // The assembler places shared variables, and may place them better aligned than they ask; dynamic ones
    // start aligned.
    const int asked = std::countr_zero(std::uint32_t{variable->alignment});
    return cut(variable->space == Space::Shared ? std::max(4, asked) : asked, 0);
  }
  LowBits of_operand(const Operand& operand) const {
    switch (operand.kind) {
      case Operand::Kind::Register:
        return seen_[operand.reg] ? low_[operand.reg] : LowBits{};
      case Operand::Kind::Immediate:
        return {64, operand.immediate};
      case Operand::Kind::Symbol: {
        const LowBits base = of_symbol(operand.symbol);
        return cut(base.bits, base.value + static_cast<std::uint64_t>(operand.offset));
      }
      default:
        return kUnknown;
    }
  }
  LowBits of(const Instruction& in) const {
    if (ptx::is_float(in.type) || (in.modifiers.mul_part == ptx::MulPart::Hi)) return kUnknown;
    const auto& o = in.operands;
    const auto low = [&](std::size_t i) { return o.size() > i ? of_operand(o[i]) : kUnknown; };
    const auto product = [](const LowBits& a, const LowBits& b) {
      return cut(std::min(a.bits + zeros(b), b.bits + zeros(a)), a.value * b.value);
    };
    switch (in.opcode) {
      case Opcode::Mov:
      case Opcode::Cvta:
        return low(1);
      case Opcode::Cvt:
        return ptx::is_float(in.source_type)
                   ? kUnknown
                   : cut(std::min(low(1).bits, ptx::bit_width(in.source_type)), low(1).value);
      case Opcode::Add:
        return cut(std::min(low(1).bits, low(2).bits), low(1).value + low(2).value);
      case Opcode::Sub:
        return cut(std::min(low(1).bits, low(2).bits), low(1).value - low(2).value);
      case Opcode::Or:
        return cut(std::min(low(1).bits, low(2).bits), low(1).value | low(2).value);
      case Opcode::Xor:
        return cut(std::min(low(1).bits, low(2).bits), low(1).value ^ low(2).value);
      case Opcode::And: {
        const int known = std::max({std::min(low(1).bits, low(2).bits), zeros(low(1)), zeros(low(2))});
        return cut(known, low(1).value & low(2).value);
      }
      case Opcode::Shl:
        return o[2].kind == Operand::Kind::Immediate && o[2].immediate < 64
                   ? cut(low(1).bits + static_cast<int>(o[2].immediate), low(1).value << o[2].immediate)
                   : kUnknown;
      case Opcode::Mul:
        return product(low(1), low(2));
      case Opcode::Mad: {
        const LowBits scaled = product(low(1), low(2));
        return cut(std::min(scaled.bits, low(3).bits), scaled.value + low(3).value);
      }
      case Opcode::Selp:
        return agree(low(1), low(2));
      default:
        return kUnknown;
    }
  }

  const ptx::Function& function_;
  const ptx::Module& module_;
  std::vector<LowBits> low_;
  std::vector<bool> seen_;
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
  if (in.opcode != Opcode::Ld || in.modifiers.space != Space::Shared || in.guard || in.modifiers.vector != 1)
    return false;
  if (in.modifiers.semantics != ptx::MemorySemantics::None &&
      in.modifiers.semantics != ptx::MemorySemantics::Weak)
    return false;
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

MergedLoads merge_shared_loads(const ptx::Function& function, const ptx::Module& module,
                               const ControlFlowGraph& graph, RegisterRoles& roles) {
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
      std::ranges::sort(places, [](const Place& a, const Place& b) {
        return a.offset != b.offset ? a.offset < b.offset : a.instruction < b.instruction;
      });
      for (std::size_t i = 0; i < places.size();) {
        const Instruction& first = function.instructions[places[i].instruction];
        const int size = ptx::byte_size(first.type);
        const LowBits known = alignment.of_base(first.operands[1]);
        const std::uint64_t address = known.value + static_cast<std::uint64_t>(places[i].offset);
        // The widest aligned run from here.
        std::size_t count = 1;
        for (int width = kWidest; width > size; width /= 2) {
          const auto wanted = static_cast<std::size_t>(width / size);
          const auto mask = static_cast<std::uint64_t>(width) - 1;
          if ((known.bits < 64 && (std::uint64_t{1} << known.bits) <= mask) || (address & mask) != 0 ||
              i + wanted > places.size())
            continue;
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
          if (k > 0)
            roles.join(function.instructions[places[i].instruction].operands[0].reg,
                       function.instructions[places[i + k].instruction].operands[0].reg, true);
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
