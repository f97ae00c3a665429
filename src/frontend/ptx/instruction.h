// SPDX-License-Identifier: Apache-2.0
// One PTX instruction with its form resolved: every suffix has become a typed field, every operand a typed
// value. A field that a form does not have keeps its None value, so two forms differ in data, not in class.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "frontend/ptx/types.h"
#include "ir/operation.h"

namespace doppel::ptx {

using ir::FunctionId;
using ir::RegisterId;
using ir::SourceLocation;  // by the nearest .loc before it
using ir::SymbolRef;
using ir::TextLocation;
using LabelId = std::uint32_t;  // index in Function::labels

struct Operand {
  enum class Kind : std::uint8_t {
    Register,   // reg
    Immediate,  // immediate
    Special,    // special, component
    Symbol,     // the address of a variable: symbol, offset (as in `mov.u64 %rd1, table+8`)
    Function,   // the address of a function: function
    Label,      // label
    Address,    // [base + offset]: base is reg, symbol or nothing (an absolute address), see address_base
    Vector,     // elements, each a Register, Immediate or Sink
    Sink,       // `_`
  };
  enum class AddressBase : std::uint8_t { None, Register, Symbol };

  Kind kind = Kind::Sink;
  bool negated = false;  // `!%p` for predicates, `-` never appears (folded into immediates)
  AddressBase address_base = AddressBase::None;
  std::uint8_t component = 0;  // of a special register: 0..3 = x..w, the number of Envreg, Pm and Pm64,
                               // 0..4 = begin, end, cap, 0, 1 of ReservedSmemOffset
  SpecialRegister special = SpecialRegister::Tid;
  RegisterId reg = 0;
  LabelId label = 0;
  FunctionId function = 0;
  SymbolRef symbol;
  std::int64_t offset = 0;
  // Already in the representation of the operand's type: the IEEE bits of that type for floats, two's
  // complement sign-extended to 64 bits for integers.
  std::uint64_t immediate = 0;
  std::vector<Operand> elements;
};

enum class Opcode : std::uint16_t {
#define OPCODE(name, word) name,
#define REFUSED(word)
#include "frontend/ptx/opcodes.def"
#undef OPCODE
#undef REFUSED
};
std::string_view name_of(Opcode opcode);

using ir::AtomicOp;
using ir::BarrierMode;
using ir::BoolOp;
using ir::CacheOp;
using ir::Compare;
using ir::MatchMode;
using ir::MemorySemantics;
using ir::MulPart;
using ir::PrmtMode;
using ir::Rounding;
using ir::Scope;
using ir::ShiftDirection;
using ir::ShiftMode;
using ir::ShuffleMode;
using ir::TestpMode;
using ir::VoteMode;

// Suffixes: those that the IR's operations have as attributes, with the semantics, scope and space of
// accesses, too, and those that choose the operation, belong to an access, or have no effect.
struct Modifiers : ir::Attributes {
  CacheOp cache_op = CacheOp::None;
  Space source_space = Space::Generic;  // of a bulk copy: what it reads; `space` is what it writes
  std::uint8_t vector = 1;              // .v2 .v4 .v8
  bool approx = false;
  bool carry_out = false;  // .cc
  bool carry_in = false;   // addc, subc, madc
  bool uniform = false;    // bra.uni, call.uni
  bool to = false;         // cvta.to
  bool aligned = false;    // bar/barrier .aligned (bar is always aligned)
  bool noftz = false;      // atom.add.noftz.f16
};

using ir::Guard;

// The extra of call (9.7.12.5): everything in terms of .param variables or registers of the caller.
struct Call {
  std::optional<FunctionId> callee;        // none: indirect through `target`
  Operand target;                          // the register that holds the function's address
  std::optional<std::uint32_t> prototype;  // index in Function::prototypes, of an indirect call
  std::vector<FunctionId>
      possible_targets;  // from .calltargets; empty: every function whose address is taken
  std::vector<Operand> returns;
  std::vector<Operand> arguments;
};

struct Instruction {
  Opcode opcode = Opcode::Mov;
  Type type =
      Type::None;  // the (first) type suffix: of the result for cvt and set, of the operation otherwise
  Type source_type = Type::None;  // cvt, set, slct, dp4a, wide atomics: the second type suffix
  Modifiers modifiers;
  std::optional<Guard> guard;
  // Destinations first, in the order of the text. A second destination after `|` (setp p|q, shfl d|p, match
  // d|p) is `second_destination`, never part of `operands`.
  std::vector<Operand> operands;
  std::optional<Operand> second_destination;
  std::shared_ptr<const Call> call;     // of Opcode::Call
  std::vector<LabelId> branch_targets;  // of Opcode::BrxIdx
  TextLocation text;
  SourceLocation source;
  std::string form;  // as written, without guard and operands: "shfl.sync.bfly.b32"
};

}  // namespace doppel::ptx
