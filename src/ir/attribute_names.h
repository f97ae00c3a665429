// SPDX-License-Identifier: Apache-2.0
// The words of the IR's text for attributes and accesses: one list for the printer, the parser and the
// verifier.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "ir/attributes.h"
#include "ir/operation_table.h"

namespace doppel::ir {

using Words = std::span<const std::string_view>;  // by the enumeration's value; empty: nothing is written

inline constexpr std::string_view kRoundingWords[] = {"",    "rn",  "rz",  "rm",  "rp",
                                                      "rna", "rni", "rzi", "rmi", "rpi"};
inline constexpr std::string_view kCompareWords[] = {"",    "eq",  "ne",  "lt",  "le",  "gt",  "ge",
                                                     "lo",  "ls",  "hi",  "hs",  "equ", "neu", "ltu",
                                                     "leu", "gtu", "geu", "num", "nan"};
inline constexpr std::string_view kBoolOpWords[] = {"", "and", "or", "xor"};
inline constexpr std::string_view kMulPartWords[] = {"", "lo", "hi", "wide"};
inline constexpr std::string_view kCacheWords[] = {"", "ca", "cg", "cs", "lu", "cv", "wb", "wt", "nc"};
inline constexpr std::string_view kSemanticsWords[] = {"",        "weak",    "relaxed",  "acquire", "release",
                                                       "acq_rel", "seq_cst", "volatile", "mmio"};
inline constexpr std::string_view kScopeWords[] = {"", "cta", "cluster", "gpu", "sys"};
inline constexpr std::string_view kAtomicWords[] = {"",    "and", "or",  "xor", "cas", "exch",
                                                    "add", "inc", "dec", "min", "max", "popc"};
inline constexpr std::string_view kShuffleWords[] = {"", "up", "down", "bfly", "idx"};
inline constexpr std::string_view kVoteWords[] = {"", "all", "any", "uni", "ballot"};
inline constexpr std::string_view kMatchWords[] = {"", "any", "all"};
inline constexpr std::string_view kBarrierWords[] = {"", "sync", "arrive", "popc", "and", "or"};
inline constexpr std::string_view kShiftWords[] = {"", "clamp", "wrap"};
inline constexpr std::string_view kDirectionWords[] = {"", "left", "right"};
inline constexpr std::string_view kPrmtWords[] = {"", "f4e", "b4e", "rc8", "ecl", "ecr", "rc16"};
inline constexpr std::string_view kTestpWords[] = {"",           "finite", "infinite", "number",
                                                   "notanumber", "normal", "subnormal"};
inline constexpr std::string_view kOpaqueWords[] = {"", "texture", "sampler", "surface"};
inline constexpr std::string_view kMatrixLayoutWords[] = {
    "",        "rows",         "rows_of_6_bits",    "rows_of_4_bits",
    "columns", "byte_columns", "columns_of_6_bits", "columns_of_4_bits"};
inline constexpr std::string_view kBarrierStepWords[] = {"",
                                                         "init",
                                                         "invalidate",
                                                         "expect_tx",
                                                         "complete_tx",
                                                         "arrive",
                                                         "arrive_expect_tx",
                                                         "arrive_no_complete",
                                                         "drop",
                                                         "drop_expect_tx",
                                                         "drop_no_complete",
                                                         "copies",
                                                         "copies_counted"};
inline constexpr std::string_view kTensorWords[] = {"",       "tile",     "gather4",
                                                    "im2col", "im2col_w", "im2col_no_offsets"};
inline constexpr std::string_view kCompletionWords[] = {"", "group", "bulk_group", "mbarrier"};
inline constexpr std::string_view kSpaceWords[] = {"generic", "reg",    "const",          "global",
                                                   "local",   "shared", "shared_cluster", "param"};
inline constexpr std::string_view kLinkageWords[] = {"internal", "extern", "visible", "weak", "common"};
inline constexpr std::string_view kFtzWords[] = {"", "ftz"};
inline constexpr std::string_view kSatWords[] = {"", "sat"};
inline constexpr std::string_view kSatFiniteWords[] = {"", "satfinite"};
inline constexpr std::string_view kReluWords[] = {"", "relu"};
inline constexpr std::string_view kFullWords[] = {"", "full"};
inline constexpr std::string_view kXorSignWords[] = {"", "xorsign"};
inline constexpr std::string_view kAbsWords[] = {"", "abs"};
inline constexpr std::string_view kNanWords[] = {"", "nan"};
inline constexpr std::string_view kShiftAmountWords[] = {"", "shiftamt"};
inline constexpr std::string_view kWaitWords[] = {"", "wait"};

// visit(AttributeSet which, field&, Words): every attribute but lut and matrix, in the order in which they
// are written.
template <typename SomeAttributes, typename Visit>
void for_each_attribute(SomeAttributes& a, Visit&& visit) {
  visit(kShuffle, a.shuffle, Words(kShuffleWords));
  visit(kVote, a.vote, Words(kVoteWords));
  visit(kMatch, a.match, Words(kMatchWords));
  visit(kBarrier, a.barrier, Words(kBarrierWords));
  visit(kAtomicOp, a.atomic_op, Words(kAtomicWords));
  visit(kCompare, a.compare, Words(kCompareWords));
  visit(kBoolOp, a.bool_op, Words(kBoolOpWords));
  visit(kMulPart, a.mul_part, Words(kMulPartWords));
  visit(kDirection, a.direction, Words(kDirectionWords));
  visit(kShift, a.shift, Words(kShiftWords));
  visit(kPrmt, a.prmt, Words(kPrmtWords));
  visit(kTestp, a.testp, Words(kTestpWords));
  visit(kMatrixLayout, a.layout, Words(kMatrixLayoutWords));
  visit(kBarrierStep, a.barrier_step, Words(kBarrierStepWords));
  visit(kTensor, a.tensor, Words(kTensorWords));
  visit(kSpace, a.space, Words(kSpaceWords));
  visit(kSemantics, a.semantics, Words(kSemanticsWords));
  visit(kScope, a.scope, Words(kScopeWords));
  visit(kRounding, a.rounding, Words(kRoundingWords));
  visit(kFull, a.full, Words(kFullWords));
  visit(kFtz, a.ftz, Words(kFtzWords));
  visit(kSat, a.sat, Words(kSatWords));
  visit(kRelu, a.relu, Words(kReluWords));
  visit(kSatFinite, a.satfinite, Words(kSatFiniteWords));
  visit(kNan, a.nan, Words(kNanWords));
  visit(kXorSign, a.xorsign, Words(kXorSignWords));
  visit(kAbs, a.abs, Words(kAbsWords));
  visit(kShiftAmount, a.shiftamt, Words(kShiftAmountWords));
  visit(kWait, a.wait, Words(kWaitWords));
}

template <typename Value>
std::string_view word_of(Words words, Value value) {
  return words[static_cast<std::size_t>(value)];
}

// The value of a word; none for what is no word of the list.
template <typename Value>
std::optional<Value> value_of(Words words, std::string_view word) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (!words[i].empty() && words[i] == word) return static_cast<Value>(i);
  }
  return std::nullopt;
}

// "f32"; none for what is no type.
std::optional<Type> find_type(std::string_view word);
// "%tid.x", "%envreg.2"; a component of 0 of a register that has none is not written.
std::optional<SpecialRegister> find_special(std::string_view name);
bool has_components(SpecialRegister special);

}  // namespace doppel::ir
