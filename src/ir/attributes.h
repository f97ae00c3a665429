// SPDX-License-Identifier: Apache-2.0
// What an operation says beside its operands: roundings, comparisons, modes. An operation has those that its
// row of operations.def lists; the others keep their None.
#pragma once

#include <cstdint>

#include "ir/matrix_form.h"
#include "ir/texture_form.h"
#include "ir/types.h"

namespace doppel::ir {

// Rni, Rzi, Rmi, Rpi round to an integral value, Rna to nearest with ties away from zero.
enum class Rounding : std::uint8_t { None, Rn, Rz, Rm, Rp, Rna, Rni, Rzi, Rmi, Rpi };
enum class Compare : std::uint8_t {
  None,
  Eq,
  Ne,
  Lt,
  Le,
  Gt,
  Ge,
  Lo,
  Ls,
  Hi,
  Hs,
  Equ,
  Neu,
  Ltu,
  Leu,
  Gtu,
  Geu,
  Num,
  Nan,
};
enum class BoolOp : std::uint8_t { None, And, Or, Xor };
enum class MulPart : std::uint8_t { None, Lo, Hi, Wide };
enum class CacheOp : std::uint8_t { None, Ca, Cg, Cs, Lu, Cv, Wb, Wt, Nc };
enum class MemorySemantics : std::uint8_t {
  None,
  Weak,
  Relaxed,
  Acquire,
  Release,
  AcqRel,
  SeqCst,
  Volatile,
  Mmio
};
enum class Scope : std::uint8_t { None, Cta, Cluster, Gpu, Sys };
// Of atomics, and of reductions over a warp.
enum class AtomicOp : std::uint8_t { None, And, Or, Xor, Cas, Exch, Add, Inc, Dec, Min, Max, Popc };
enum class ShuffleMode : std::uint8_t { None, Up, Down, Bfly, Idx };
enum class VoteMode : std::uint8_t { None, All, Any, Uni, Ballot };
enum class MatchMode : std::uint8_t { None, Any, All };
enum class BarrierMode : std::uint8_t { None, Sync, Arrive, RedPopc, RedAnd, RedOr };
enum class ShiftMode : std::uint8_t { None, Clamp, Wrap };
enum class ShiftDirection : std::uint8_t { None, Left, Right };
enum class PrmtMode : std::uint8_t { None, F4e, B4e, Rc8, Ecl, Ecr, Rc16 };
// How it is known that an access that goes on behind its operation has ended (PTX ISA 9.7.9.25.2): with the
// thread's open group, with its open bulk group, or by a phase of an mbarrier.
enum class Completion : std::uint8_t { None, Group, BulkGroup, Mbarrier };
// How the rows of matrices in memory, 16 bytes each, and fragments in registers go together (PTX ISA
// 9.7.14.5.15, 9.7.14.5.16). Rows: four lanes hold a row. Columns: four lanes hold a column, of elements of
// 16 bits. ByteColumns: the same of bytes, of 16 rows that are loaded, or of eight that are stored. Of6Bits,
// Of4Bits: memory has 16 elements of so many bits in a row, and what is left of it is not read; each becomes
// a byte.
enum class MatrixLayout : std::uint8_t {
  None,
  Rows,
  RowsOf6Bits,
  RowsOf4Bits,
  Columns,
  ByteColumns,
  ColumnsOf6Bits,
  ColumnsOf4Bits
};
// What is done to an mbarrier (PTX ISA 9.7.13.15). Copies: it arrives where the thread's copies end that it
// has begun before, one arrival more than those that the barrier expects; CopiesCounted: one of these.
enum class BarrierStep : std::uint8_t {
  None,
  Init,
  Invalidate,
  ExpectTx,
  CompleteTx,
  Arrive,
  ArriveExpectTx,
  ArriveNoComplete,
  Drop,
  DropExpectTx,
  DropNoComplete,
  Copies,
  CopiesCounted
};
// How a tensor copy goes through its tensor (PTX ISA 5.5.2).
enum class TensorMode : std::uint8_t { None, Tile, Gather4, Im2col, Im2colW, Im2colNoOffsets };
enum class TestpMode : std::uint8_t { None, Finite, Infinite, Number, NotANumber, Normal, Subnormal };

struct Attributes {
  Rounding rounding = Rounding::None;
  Compare compare = Compare::None;
  BoolOp bool_op = BoolOp::None;
  MulPart mul_part = MulPart::None;
  AtomicOp atomic_op = AtomicOp::None;
  ShuffleMode shuffle = ShuffleMode::None;
  VoteMode vote = VoteMode::None;
  MatchMode match = MatchMode::None;
  BarrierMode barrier = BarrierMode::None;
  ShiftMode shift = ShiftMode::None;
  ShiftDirection direction = ShiftDirection::None;
  PrmtMode prmt = PrmtMode::None;
  TestpMode testp = TestpMode::None;
  MatrixLayout layout = MatrixLayout::None;
  BarrierStep barrier_step = BarrierStep::None;
  TensorMode tensor = TensorMode::None;
  // Of operations on addresses and of fences; an access to memory has its own.
  Space space = Space::Generic;
  MemorySemantics semantics = MemorySemantics::None;
  Scope scope = Scope::None;
  bool ftz = false;        // subnormal inputs and results become zeros of their sign
  bool sat = false;        // of integers: to the type's range; of floats: to [0, 1]
  bool satfinite = false;  // infinity becomes the largest number
  bool relu = false;       // negative results and NaN become 0
  bool full = false;       // of fdiv_approx: the whole range of divisors
  bool xorsign = false;    // the sign is that of the product
  bool abs = false;        // of the operands
  bool nan = false;        // a NaN operand gives NaN
  bool shiftamt = false;   // bfind: the shift that brings the bit to the top, not its place
  bool wait = false;       // grid_dependency: waits for the grids before, else lets those behind begin;
                           // of an mbarrier's test: others may run until it holds
  std::uint8_t lut = 0;    // lop3: the function's table
  MatrixForm matrix;       // of matrix products
  TextureForm texture;     // of textures and surfaces
  bool operator==(const Attributes&) const = default;
};

}  // namespace doppel::ir
