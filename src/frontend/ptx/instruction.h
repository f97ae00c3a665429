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
  std::uint8_t component = 0;  // of a special register: 0..3 = x..w, the number of Envreg and Pm,
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

// Base opcodes. One enumerator is one page of PTX ISA 9.7; `bar` and `barrier` are one, as are `membar` and
// `fence`.
enum class Opcode : std::uint16_t {
  // integer arithmetic (9.7.1); add..fma serve every number type
  Add,
  Sub,
  Mul,
  Mad,
  Mul24,
  Mad24,
  Sad,
  Div,
  Rem,
  Abs,
  Neg,
  Min,
  Max,
  Popc,
  Clz,
  Bfind,
  Fns,
  Brev,
  Bfe,
  Bfi,
  Szext,
  Bmsk,
  Dp4a,
  Dp2a,
  AddC,
  SubC,
  MadC,
  // floating point (9.7.3-9.7.5)
  Testp,
  Copysign,
  Fma,
  Rcp,
  Sqrt,
  Rsqrt,
  Sin,
  Cos,
  Lg2,
  Ex2,
  Tanh,
  // comparison and selection (9.7.6, 9.7.7)
  Set,
  Setp,
  Selp,
  Slct,
  // logic and shift (9.7.8)
  And,
  Or,
  Xor,
  Not,
  Cnot,
  Lop3,
  Shf,
  Shl,
  Shr,
  // data movement and conversion (9.7.9)
  Mov,
  Shfl,
  Prmt,
  Ld,
  Ldu,
  St,
  Prefetch,
  Prefetchu,
  Applypriority,
  Discard,
  Createpolicy,
  Isspacep,
  Cvta,
  Cvt,
  CvtPack,
  // control flow (9.7.12)
  Bra,
  BrxIdx,
  Call,
  Ret,
  Exit,
  // parallel synchronisation and communication (9.7.13)
  Bar,
  BarWarpSync,
  Membar,
  Atom,
  Red,
  Vote,
  Match,
  Activemask,
  Redux,
  Nanosleep,
  Elect,
  Griddepcontrol,
  // video (9.7.17): the scalar and SIMD forms, kept together by name
  Vadd,
  Vsub,
  Vabsdiff,
  Vmin,
  Vmax,
  Vset,
  Vshl,
  Vshr,
  Vmad,
  Vadd2,
  Vsub2,
  Vavrg2,
  Vabsdiff2,
  Vmin2,
  Vmax2,
  Vset2,
  Vadd4,
  Vsub4,
  Vavrg4,
  Vabsdiff4,
  Vmin4,
  Vmax4,
  Vset4,
  // miscellaneous (9.7.19)
  Pmevent,
  Trap,
  // Later parts of the ISA add their pages here: mma, wmma, ldmatrix, cp.async, mbarrier, tex, ...
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

struct Modifiers {
  Rounding rounding = Rounding::None;
  Compare compare = Compare::None;
  BoolOp bool_op = BoolOp::None;
  MulPart mul_part = MulPart::None;
  CacheOp cache_op = CacheOp::None;
  MemorySemantics semantics = MemorySemantics::None;
  Scope scope = Scope::None;
  AtomicOp atomic_op = AtomicOp::None;
  ShuffleMode shuffle = ShuffleMode::None;
  VoteMode vote = VoteMode::None;
  MatchMode match = MatchMode::None;
  BarrierMode barrier = BarrierMode::None;
  ShiftMode shift = ShiftMode::None;
  ShiftDirection direction = ShiftDirection::None;
  PrmtMode prmt = PrmtMode::None;
  TestpMode testp = TestpMode::None;
  Space space = Space::Generic;  // of ld, st, atom, red, prefetch, cvta, isspacep
  std::uint8_t vector = 1;       // .v2 .v4 .v8
  bool ftz = false;
  bool sat = false;
  bool satfinite = false;
  bool relu = false;
  bool approx = false;
  bool full = false;
  bool carry_out = false;  // .cc
  bool carry_in = false;   // addc, subc, madc
  bool uniform = false;    // bra.uni, call.uni
  bool to = false;         // cvta.to
  bool aligned = false;    // bar/barrier .aligned (bar is always aligned)
  bool noftz = false;      // atom.add.noftz.f16
  bool xorsign = false;    // min/max .xorsign.abs
  bool abs = false;
  bool nan = false;       // min/max .NaN
  bool shiftamt = false;  // bfind.shiftamt
  bool wait = false;      // griddepcontrol.wait (else .launch_dependents)
  std::uint8_t lut = 0;   // of lop3, also its last operand
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
