// SPDX-License-Identifier: Apache-2.0
// One operation of the IR with its operands. What is true of all operations of its kind stands in its row
// (operation_table.h).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "ir/attributes.h"
#include "ir/operation_table.h"
#include "ir/symbols.h"
#include "ir/types.h"

namespace doppel::ir {

using BlockId = std::uint32_t;  // index in Function::blocks
inline constexpr BlockId kNoBlock = UINT32_MAX;

struct Operand {
  enum class Kind : std::uint8_t {
    Sink,       // of results only: nobody wants it
    Register,   // reg
    Immediate,  // immediate
    Special,    // special, component
    Symbol,     // the address of a variable, in its own space: symbol, offset
    Function,   // the address of a function: function
  };

  Kind kind = Kind::Sink;
  bool negated = false;        // of a predicate
  std::uint8_t component = 0;  // of a special register: 0..3 = x..w, the number of Envreg, Pm and Pm64,
                               // 0..4 = begin, end, cap, 0, 1 of ReservedSmemOffset
  SpecialRegister special = SpecialRegister::Tid;
  SymbolRef::Scope scope = SymbolRef::Scope::Module;
  union {
    RegisterId reg = 0;
    FunctionId function;
    std::uint32_t symbol_index;
  };
  union {
    // In the representation of the operand's type: the IEEE bits of that type for floats, two's complement
    // sign-extended to 64 bits for integers.
    std::uint64_t immediate = 0;
    std::int64_t offset;
  };

  static Operand of_register(RegisterId id, bool negated = false);
  static Operand of_immediate(std::uint64_t bits);
  static Operand of_special(SpecialRegister special, std::uint8_t component);
  static Operand of_symbol(SymbolRef symbol, std::int64_t offset);
  static Operand of_function(FunctionId id);
  SymbolRef symbol() const { return {scope, symbol_index}; }
  bool is_register() const { return kind == Kind::Register; }
  bool is_immediate() const { return kind == Kind::Immediate; }
  bool operator==(const Operand& other) const;
};

// base + offset: the base is a register, a variable, or nothing (an absolute address).
struct Address {
  enum class Base : std::uint8_t { None, Register, Symbol };
  Base base = Base::None;
  RegisterId reg = 0;
  SymbolRef symbol;
  std::int64_t offset = 0;
  bool operator==(const Address&) const = default;
};

// One access to memory, of each lane.
struct Access {
  Space space = Space::Generic;
  Type type = Type::B32;    // of an element
  std::uint8_t vector = 1;  // elements side by side
  MemorySemantics semantics = MemorySemantics::None;
  Scope scope = Scope::None;
  CacheOp cache = CacheOp::None;
  Address address;
  Completion completion = Completion::None;  // not None: asynchronous, and no register has its value
  Address barrier;                           // the mbarrier's, in shared memory

  std::uint32_t bytes() const { return static_cast<std::uint32_t>(byte_size(type)) * vector; }
  // Ordered with other threads' accesses, or seen by them at once.
  bool is_strong() const { return semantics != MemorySemantics::None && semantics != MemorySemantics::Weak; }
  bool operator==(const Access&) const = default;
};

// The operation takes effect in the lanes in which the predicate holds.
struct Guard {
  RegisterId predicate = 0;
  bool negated = false;
  bool operator==(const Guard&) const = default;
};

// Whom a call may reach. What it passes stands in the operation's operands: registers, constants, or
// variables of the function in the space Param.
struct Callee {
  std::optional<FunctionId> function;      // none: the first source holds its address
  std::optional<std::uint32_t> prototype;  // index in Function::prototypes, of an indirect call
  std::vector<FunctionId>
      possible_targets;  // of an indirect call; empty: every function whose address is taken
  bool operator==(const Callee&) const = default;
};

// Where an operation comes from: for faults, counters and reports.
struct Origin {
  std::uint32_t index = 0;  // of the front end's instruction in its function
  std::uint32_t form = 0;   // what it was called there: index in Function::forms
  TextLocation text;
  SourceLocation source;
};

struct Operation {
  Op op = Op::Mov;
  Type type = Type::None;
  Type source_type = Type::None;
  Attributes attributes;
  std::optional<Guard> guard;
  std::vector<Operand> results;
  std::vector<Operand> sources;
  std::vector<Access> accesses;          // as many as the row says
  std::vector<BlockId> targets;          // of branches
  std::shared_ptr<const Callee> callee;  // of calls
  Origin origin;
};

inline const OperationRow& row(const Operation& operation) { return row(operation.op); }
inline bool ends_block(const Operation& operation) { return ends_block(operation.op); }

// Calls visit(RegisterId) for every register that is read: the guard, the bases of addresses, the sources.
// May repeat a register.
template <typename Visit>
void for_each_use(const Operation& operation, Visit&& visit) {
  if (operation.guard) visit(operation.guard->predicate);
  for (const Access& access : operation.accesses) {
    if (access.address.base == Address::Base::Register) visit(access.address.reg);
    if (access.barrier.base == Address::Base::Register) visit(access.barrier.reg);
  }
  for (const Operand& source : operation.sources) {
    if (source.is_register()) visit(source.reg);
  }
}

// Calls visit(RegisterId) for every register that is written.
template <typename Visit>
void for_each_definition(const Operation& operation, Visit&& visit) {
  for (const Operand& result : operation.results) {
    if (result.is_register()) visit(result.reg);
  }
}

}  // namespace doppel::ir
