// SPDX-License-Identifier: Apache-2.0
// The list of operations, and what is known of each (operations.def).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace doppel::ir {

enum class Op : std::uint8_t {
#define OPERATION(name, ...) name,
#include "ir/operations.def"
#undef OPERATION
};

// Which attributes an operation may have.
using AttributeSet = std::uint32_t;
inline constexpr AttributeSet kNothing = 0;
inline constexpr AttributeSet kRounding = 1u << 0;
inline constexpr AttributeSet kCompare = 1u << 1;
inline constexpr AttributeSet kBoolOp = 1u << 2;
inline constexpr AttributeSet kMulPart = 1u << 3;
inline constexpr AttributeSet kAtomicOp = 1u << 4;
inline constexpr AttributeSet kShuffle = 1u << 5;
inline constexpr AttributeSet kVote = 1u << 6;
inline constexpr AttributeSet kMatch = 1u << 7;
inline constexpr AttributeSet kBarrier = 1u << 8;
inline constexpr AttributeSet kShift = 1u << 9;
inline constexpr AttributeSet kDirection = 1u << 10;
inline constexpr AttributeSet kPrmt = 1u << 11;
inline constexpr AttributeSet kTestp = 1u << 12;
inline constexpr AttributeSet kSpace = 1u << 13;
inline constexpr AttributeSet kSemantics = 1u << 14;
inline constexpr AttributeSet kScope = 1u << 15;
inline constexpr AttributeSet kFtz = 1u << 16;
inline constexpr AttributeSet kSat = 1u << 17;
inline constexpr AttributeSet kSatFinite = 1u << 18;
inline constexpr AttributeSet kRelu = 1u << 19;
inline constexpr AttributeSet kFull = 1u << 20;
inline constexpr AttributeSet kXorSign = 1u << 21;
inline constexpr AttributeSet kAbs = 1u << 22;
inline constexpr AttributeSet kNan = 1u << 23;
inline constexpr AttributeSet kShiftAmount = 1u << 24;
inline constexpr AttributeSet kWait = 1u << 25;
inline constexpr AttributeSet kLut = 1u << 26;
inline constexpr AttributeSet kMatrix = 1u << 27;
inline constexpr AttributeSet kMatrixLayout = 1u << 28;
inline constexpr AttributeSet kBarrierStep = 1u << 30;
inline constexpr AttributeSet kTexture = 1u << 29;
inline constexpr AttributeSet kTensor = 1u << 31;

// How wide an operand or a result is.
struct OperandRole {
  enum class Width : std::uint8_t { Type, SourceType, Product, Word, Long, Predicate, Any };
  Width width = Width::Any;
  bool relaxed = false;   // a wider register may stand there
  bool optional = false;  // it may be missing
  bool many = false;      // any number of them
};
struct OperandRoles {
  std::array<OperandRole, 5> roles{};
  std::uint8_t count = 0;
  std::span<const OperandRole> all() const { return {roles.data(), count}; }
};

enum class LaneEffect : std::uint8_t {
  Nothing,  // it has no result
  Uniform,  // uniform sources give uniform results
  Pattern,  // the same, and patterns of the lane give patterns (lane_transfer.h says which)
  Varying,  // each lane has its own
  Members,  // one result for the members of the mask, the last source
  Shared,   // one result for the warp
  Memory,   // a uniform address gives a uniform value, but in spaces that each thread has for itself
};
enum class Wait : std::uint8_t {
  Never,
  Holders,  // the lanes of a barrier of lanes: the order of blocks sees to it, or the function is refused
            // (analysis/convergence.h)
  Warp,     // members of its mask
  Block,
};
enum class Flow : std::uint8_t {
  Next,     // to the operation behind it
  Targets,  // to its targets; with a guard, of the other lanes, to the one behind it
  Leaves,   // the function or the thread ends
};
enum class Clock : std::uint8_t {
  None,
  WhereRead,  // where its source is a special register that tells the time
  Spends,
};
enum class MemoryEffect : std::uint8_t {
  None,
  Load,
  Store,
  Atomic,
  Reduce,
  Hint,
  Fence,
  Call,
  TextureLoad,   // of what a texture or surface stands for: the operation has no access of its own
  SurfaceWrite,  // the same, written
};
// Of operations on .f32, by the type of the sources (PTX ISA 9.7.3).
enum class NanRule : std::uint8_t {
  Bits,       // the payload can be seen in the result
  Ignored,    // every NaN gives the same result
  Canonical,  // the same, and a result that is NaN is the one canonical NaN
};
enum class IssueRules : std::uint8_t { Move, Integer, Float, Memory, Texture, Warp, Matrix, Control };

struct OperationRow {
  Op op;
  std::string_view name;
  OperandRoles results;
  OperandRoles sources;
  std::uint8_t accesses;
  AttributeSet attributes;
  LaneEffect lanes;
  Wait wait;
  Flow flow;
  Clock clock;
  MemoryEffect memory;
  NanRule nan;
  IssueRules issue;
  std::uint8_t flops;
  std::string_view summary;
};

const OperationRow& row(Op op);
std::span<const OperationRow> all_operations();
std::optional<Op> find_operation(std::string_view name);
inline std::string_view name_of(Op op) { return row(op).name; }

inline bool ends_block(Op op) { return row(op).flow != Flow::Next; }
inline bool leaves(Op op) { return row(op).flow == Flow::Leaves; }

}  // namespace doppel::ir
