// SPDX-License-Identifier: Apache-2.0
#include "machine/shared_load_merge.h"

#include <algorithm>
#include <bit>
#include <map>
#include <optional>

#include "ir/operation.h"

namespace doppel::machine {
namespace {

using ir::Address;
using ir::Op;
using ir::Operand;
using ir::Operation;
using ir::RegisterId;
using ir::Space;

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
  Alignment(const ir::Function& function, const ir::Module& module, const ControlFlowGraph& graph)
      : function_(function),
        module_(module),
        low_(function.registers.size()),
        seen_(function.registers.size(), false) {
    // A register knows what all its definitions agree on. From nothing seen: each turn can only take away.
    for (bool changed = true; changed;) {
      changed = false;
      for (std::uint32_t i = 0; i < function.operations.size(); ++i) {
        if (graph.block_of(i) == kNoBlock) continue;
        const Operation& operation = function.operations[i];
        if (!known_yet(operation)) continue;
        for_each_definition(operation, [&](RegisterId reg) {
          const LowBits now = of(operation);
          const LowBits next = seen_[reg] ? agree(low_[reg], now) : now;
          changed = changed || !seen_[reg] || !(next == low_[reg]);
          low_[reg] = next;
          seen_[reg] = true;
        });
      }
    }
  }

  LowBits of_base(const Address& address) const {
    if (address.base == Address::Base::Register) return seen_[address.reg] ? low_[address.reg] : kUnknown;
    if (address.base == Address::Base::Symbol) return of_symbol(address.symbol);
    return {64, 0};
  }

 private:
  static LowBits agree(const LowBits& a, const LowBits& b) {
    int bits = std::min(a.bits, b.bits);
    const std::uint64_t differ = a.value ^ b.value;
    if (differ != 0) bits = std::min(bits, std::countr_zero(differ));
    return cut(bits, a.value);
  }
  bool known_yet(const Operation& in) const {
    bool known = false, any = false;
    for (const Operand& source : in.sources) {
      if (!source.is_register()) continue;
      any = true;
      known = known || seen_[source.reg];
    }
    return known || !any;
  }
  LowBits of_symbol(const ir::SymbolRef& symbol) const {
    const ir::Variable* variable = nullptr;
    if (symbol.scope == ir::SymbolRef::Scope::Module) variable = &module_.variables[symbol.index];
    if (symbol.scope == ir::SymbolRef::Scope::Function) variable = &function_.variables[symbol.index];
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
        const LowBits base = of_symbol(operand.symbol());
        return cut(base.bits, base.value + static_cast<std::uint64_t>(operand.offset));
      }
      default:
        return kUnknown;
    }
  }
  LowBits of(const Operation& in) const {
    if (ir::is_float(in.type) || (in.attributes.mul_part == ir::MulPart::Hi)) return kUnknown;
    const auto& o = in.sources;
    const auto low = [&](std::size_t i) { return o.size() > i ? of_operand(o[i]) : kUnknown; };
    const auto product = [](const LowBits& a, const LowBits& b) {
      return cut(std::min(a.bits + zeros(b), b.bits + zeros(a)), a.value * b.value);
    };
    switch (in.op) {
      case Op::Mov:
      case Op::ToGeneric:
      case Op::FromGeneric:
        return low(0);
      case Op::IConvert:
        return cut(std::min(low(0).bits, ir::bit_width(in.source_type)), low(0).value);
      case Op::IAdd:
        return cut(std::min(low(0).bits, low(1).bits), low(0).value + low(1).value);
      case Op::ISub:
        return cut(std::min(low(0).bits, low(1).bits), low(0).value - low(1).value);
      case Op::Or:
        return cut(std::min(low(0).bits, low(1).bits), low(0).value | low(1).value);
      case Op::Xor:
        return cut(std::min(low(0).bits, low(1).bits), low(0).value ^ low(1).value);
      case Op::And: {
        const int known = std::max({std::min(low(0).bits, low(1).bits), zeros(low(0)), zeros(low(1))});
        return cut(known, low(0).value & low(1).value);
      }
      case Op::Shl:
        return o[1].is_immediate() && o[1].immediate < 64
                   ? cut(low(0).bits + static_cast<int>(o[1].immediate), low(0).value << o[1].immediate)
                   : kUnknown;
      case Op::IMul:
        return product(low(0), low(1));
      case Op::IMad: {
        const LowBits scaled = product(low(0), low(1));
        return cut(std::min(scaled.bits, low(2).bits), scaled.value + low(2).value);
      }
      case Op::Select:
        return agree(low(0), low(1));
      default:
        return kUnknown;
    }
  }

  const ir::Function& function_;
  const ir::Module& module_;
  std::vector<LowBits> low_;
  std::vector<bool> seen_;
};

struct Place {
  std::int64_t offset;
  std::uint32_t operation;
};
// What an address is relative to.
struct Base {
  Address::Base kind;
  std::uint32_t id;
  int scope;
  auto operator<=>(const Base&) const = default;
};

bool loads_shared_word(const Operation& in, const RegisterRoles& roles) {
  if (in.op != Op::Load || in.guard) return false;
  const ir::Access& access = in.accesses[0];
  if (access.space != Space::Shared || access.vector != 1 || access.is_strong()) return false;
  if (access.bytes() != 4 && access.bytes() != 8) return false;
  const Operand& to = in.results[0];
  return to.is_register() && roles[to.reg].definitions == 1;
}

bool ends_run(const Operation& in) {
  switch (ir::row(in).memory) {
    case ir::MemoryEffect::Store:
    case ir::MemoryEffect::Atomic:
    case ir::MemoryEffect::Reduce:
      return std::ranges::any_of(in.accesses, [](const ir::Access& access) {
        return access.space == Space::Shared || access.space == Space::Generic;
      });
    case ir::MemoryEffect::Fence:
    case ir::MemoryEffect::Call:
      return true;
    case ir::MemoryEffect::None:
    case ir::MemoryEffect::Load:
    case ir::MemoryEffect::Hint:
    case ir::MemoryEffect::TextureLoad:
    case ir::MemoryEffect::SurfaceWrite:
      break;
  }
  return in.op == Op::Barrier || in.op == Op::BarrierArrive || in.op == Op::BarrierReduce ||
         in.op == Op::WarpSync || in.op == Op::ClusterArrive || in.op == Op::ClusterWait;
}

}  // namespace

MergedLoads merge_shared_loads(const ir::Function& function, const ir::Module& module,
                               const ControlFlowGraph& graph, RegisterRoles& roles) {
  MergedLoads merged;
  merged.leader.resize(function.operations.size());
  merged.bytes.resize(function.operations.size(), 0);
  for (std::uint32_t i = 0; i < merged.leader.size(); ++i) merged.leader[i] = i;
  bool any = false;
  for (const Operation& in : function.operations) any = any || loads_shared_word(in, roles);
  if (!any) return merged;
  const Alignment alignment(function, module, graph);

  std::map<Base, std::vector<Place>> open;
  const auto close = [&]() {
    for (auto& [base, places] : open) {
      std::ranges::sort(places, [](const Place& a, const Place& b) {
        return a.offset != b.offset ? a.offset < b.offset : a.operation < b.operation;
      });
      for (std::size_t i = 0; i < places.size();) {
        const Operation& first = function.operations[places[i].operation];
        const int size = ir::byte_size(first.type);
        const LowBits known = alignment.of_base(first.accesses[0].address);
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
                  ir::byte_size(function.operations[places[i + k].operation].type) == size;
          }
          if (run) {
            count = wanted;
            break;
          }
        }
        std::uint32_t leader = places[i].operation;
        for (std::size_t k = 0; k < count; ++k) leader = std::min(leader, places[i + k].operation);
        merged.bytes[leader] = static_cast<std::uint32_t>(size) * static_cast<std::uint32_t>(count);
        for (std::size_t k = 0; k < count; ++k) {
          merged.leader[places[i + k].operation] = leader;
          if (k > 0)
            roles.join(function.operations[places[i].operation].results[0].reg,
                       function.operations[places[i + k].operation].results[0].reg, true);
        }
        i += count;
      }
    }
    open.clear();
  };
  for (const BasicBlock& block : graph.blocks()) {
    for (std::uint32_t i = block.first; i < block.last; ++i) {
      const Operation& in = function.operations[i];
      if (ends_run(in)) close();
      // A base that changes is another base.
      for_each_definition(in, [&](RegisterId reg) {
        if (roles[reg].definitions > 1 && open.contains({Address::Base::Register, reg, 0})) close();
      });
      if (!loads_shared_word(in, roles)) continue;
      const Address& address = in.accesses[0].address;
      Base base{address.base, 0, 0};
      if (address.base == Address::Base::Register) {
        base.id = address.reg;
      } else if (address.base == Address::Base::Symbol) {
        base.id = address.symbol.index;
        base.scope = static_cast<int>(address.symbol.scope);
      }
      open[base].push_back({address.offset, i});
    }
    close();
  }
  return merged;
}

}  // namespace doppel::machine
