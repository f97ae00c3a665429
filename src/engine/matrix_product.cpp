// SPDX-License-Identifier: Apache-2.0
#include "engine/matrix_product.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>

#include "engine/eight_lanes.h"
#include "engine/matrix_fragments.h"
#include "engine/matrix_scales.h"
#include "engine/matrix_sparsity.h"
#include "engine/scaled_fp4_product.h"
#include "engine/vector_plans.h"
#include "jit/exact_float.h"

namespace doppel::engine {
namespace {

using ir::MatrixElement;
using ir::MatrixForm;

constexpr int kMostFloats = 64;  // along k
constexpr int kExponentOfZero = -126;

// ------------------------------------------------------------------------------------ whole numbers

// Elements of so many bits to numbers.
void unpack(std::uint32_t word, int bits, bool is_signed, std::int32_t* to) {
  const int count = 32 / bits;
  for (int i = 0; i < count; ++i) {
    const auto at_top = word << (32 - bits * (i + 1));
    to[i] = is_signed ? static_cast<std::int32_t>(at_top) >> (32 - bits)
                      : static_cast<std::int32_t>(at_top >> (32 - bits));
  }
}

std::int64_t product_of_bits(const std::uint32_t* a, const std::uint32_t* b, int words,
                             ir::AtomicOp operation) {
  std::int64_t sum = 0;
  for (int i = 0; i < words; ++i)
    sum += std::popcount(operation == ir::AtomicOp::Xor ? a[i] ^ b[i] : a[i] & b[i]);
  return sum;
}

std::int32_t finished(std::int64_t sum, bool clamp) {
  if (clamp)
    sum = std::clamp<std::int64_t>(sum, std::numeric_limits<std::int32_t>::min(),
                                   std::numeric_limits<std::int32_t>::max());
  return static_cast<std::int32_t>(sum);
}

void multiply_whole(const MatrixForm& form, bool clamp, ir::AtomicOp operation, const Words<std::uint32_t>& a,
                    const Words<std::uint32_t>& b, const KeptColumns& kept, const std::byte* c_fragment,
                    std::byte* d_fragment) {
  const int words = form.k * form.bits_of(form.a) / 32;
  Tile<std::int32_t> tile;
  take_c(c_fragment, form.m, tile);
  if (form.a == MatrixElement::B1) {
    for (int row = 0; row < form.m; ++row) {
      for (int column = 0; column < kColumns; ++column)
        tile.at[row][column] = finished(
            tile.at[row][column] + product_of_bits(a.at[row], b.at[column], words, operation), clamp);
    }
  } else {
    constexpr int kMost = 128;
    const int bits = form.bits_of(form.a);
    std::int32_t of_b[kMost][kColumns];
    for (int column = 0; column < kColumns; ++column) {
      std::int32_t numbers[kMost];
      for (int i = 0; i < words; ++i)
        unpack(b.at[column][i], bits, form.b == MatrixElement::S8 || form.b == MatrixElement::S4,
               numbers + i * 32 / bits);
      for (int k = 0; k < form.k; ++k) of_b[k][column] = numbers[k];
    }
    for (int row = 0; row < form.m; ++row) {
      std::int32_t numbers[kMost];
      for (int i = 0; i < form.kept_k() * bits / 32; ++i)
        unpack(a.at[row][i], bits, form.a == MatrixElement::S8 || form.a == MatrixElement::S4,
               numbers + i * 32 / bits);
      std::int32_t sums[kColumns]{};
      for (int k = 0; k < form.kept_k(); ++k) {
        const std::int32_t* const with = of_b[kept.at[row][k]];
        for (int column = 0; column < kColumns; ++column) sums[column] += numbers[k] * with[column];
      }
      for (int column = 0; column < kColumns; ++column)
        tile.at[row][column] = finished(std::int64_t{tile.at[row][column]} + sums[column], clamp);
    }
  }
  put_d(tile, form.m, d_fragment);
}

// ------------------------------------------------------------------------------------ f64

bool to_nearest(const ir::Attributes& product) {
  return product.rounding == ir::Rounding::None || product.rounding == ir::Rounding::Rn;
}

// In the order of k, each product and sum rounded once.
template <typename MultiplyAdd>
void multiply_doubles(const MatrixForm& form, const std::byte* a_fragment, const std::byte* b_fragment,
                      const std::byte* c_fragment, std::byte* d_fragment, MultiplyAdd multiply_add) {
  Words<double> a, b;
  take_rows(a_fragment, form.a_registers(), form.m, a);
  take_rows(b_fragment, form.b_registers(), form.n, b);
  Tile<double> tile;
  take_c(c_fragment, form.m, tile);
  for (int row = 0; row < form.m; ++row) {
    for (int column = 0; column < kColumns; ++column) {
      double sum = tile.at[row][column];
      for (int k = 0; k < form.k; ++k) sum = multiply_add(a.at[row][k], b.at[column][k], sum);
      tile.at[row][column] = sum;
    }
  }
  put_d(tile, form.m, d_fragment);
}

// ------------------------------------------------------------------------------------ other floats

// (-1)^sign times magnitude times 2^(exponent - fraction bits of the format).
struct Parts {
  Bits magnitude;
  Ints exponent;
  Ints sign;     // 0 or -1
  Ints special;  // the same: infinite or no number
};

enum class Specials : std::uint8_t { Ieee, NanOnly, None };
struct Format {
  int exponent_bits, fraction_bits;
  Specials specials;
  int shift = 0;  // of its lowest bit in what holds it
  int bias() const { return (1 << (exponent_bits - 1)) - 1; }
};

Format format_of(MatrixElement element) {
  switch (element) {
    case MatrixElement::F16:
      return {5, 10, Specials::Ieee};
    case MatrixElement::BF16:
      return {8, 7, Specials::Ieee};
    case MatrixElement::TF32:
      return {8, 10, Specials::Ieee, 13};  // the bits below are not read
    case MatrixElement::E4M3:
      return {4, 3, Specials::NanOnly};
    case MatrixElement::E5M2:
      return {5, 2, Specials::Ieee};
    case MatrixElement::E3M2:
      return {3, 2, Specials::None};
    case MatrixElement::E2M3:
      return {2, 3, Specials::None};
    case MatrixElement::E2M1:
      return {2, 1, Specials::None, 2};  // in the middle of its byte
    default:
      return {8, 23, Specials::Ieee};
  }
}

[[gnu::always_inline]] inline Parts parts_of(Bits bits, const Format& format) {
  bits >>= static_cast<std::uint32_t>(format.shift);
  const std::uint32_t hidden = 1u << format.fraction_bits, all = (1u << format.exponent_bits) - 1;
  const Bits fraction = bits & (hidden - 1);
  const Ints field = (Ints)((bits >> static_cast<std::uint32_t>(format.fraction_bits)) & all);
  const Ints normal = field != 0;
  Parts parts;
  parts.sign =
      -(Ints)((bits >> static_cast<std::uint32_t>(format.exponent_bits + format.fraction_bits)) & 1u);
  parts.magnitude = fraction | ((Bits)normal & hidden);
  const Ints exponent = field + (normal + 1) - format.bias();  // a field of 0 counts as 1
  const Ints zero = (Ints)(parts.magnitude == 0);
  parts.exponent = where(zero, Ints{} + kExponentOfZero, exponent);
  const Ints top = field == static_cast<std::int32_t>(all);
  switch (format.specials) {
    case Specials::Ieee:
      parts.special = top;
      break;
    case Specials::NanOnly:
      parts.special = top & (Ints)(fraction == hidden - 1);
      break;
    case Specials::None:
      parts.special = Ints{};
      break;
  }
  return parts;
}

double value_of(std::uint32_t bits, const Format& format) {
  bits >>= format.shift;
  const std::uint32_t hidden = 1u << format.fraction_bits, all = (1u << format.exponent_bits) - 1;
  const std::uint32_t fraction = bits & (hidden - 1), field = bits >> format.fraction_bits & all;
  const double sign = (bits >> (format.exponent_bits + format.fraction_bits) & 1) != 0 ? -1 : 1;
  if (field == all && format.specials == Specials::Ieee)
    return fraction != 0 ? std::numeric_limits<double>::quiet_NaN()
                         : sign * std::numeric_limits<double>::infinity();
  if (field == all && format.specials == Specials::NanOnly && fraction == hidden - 1)
    return std::numeric_limits<double>::quiet_NaN();
  const int exponent = static_cast<int>(field != 0 ? field : 1) - format.bias() - format.fraction_bits;
  return sign * std::ldexp(static_cast<double>(field != 0 ? fraction | hidden : fraction), exponent);
}

// Factors by k, those of A in eights of rows, those of B by column.
template <int Eights>
struct Factors {
  Bits raw[Eights][kMostFloats];
  Parts parts[Eights][kMostFloats];
  bool special = false;  // any
};

template <int Eights>
[[gnu::always_inline]] inline void decode(const Words<std::uint32_t>& words, int eights, int k,
                                          MatrixElement element, int bits, Factors<Eights>& to) {
  const Format format = format_of(element);
  const int in_word = 32 / bits;
  const std::uint32_t own = bits == 32 ? ~0u : (1u << bits) - 1;
  Ints special{};
  for (int eight = 0; eight < eights; ++eight) {
    for (int word = 0; word < k / in_word; ++word) {
      Bits side_by_side;
      for (int i = 0; i < kWide; ++i) side_by_side[i] = words.at[eight * kWide + i][word];
      for (int i = 0; i < in_word; ++i) {
        const Bits raw = (side_by_side >> static_cast<std::uint32_t>(i * bits)) & own;
        const Parts parts = parts_of(raw, format);
        to.raw[eight][word * in_word + i] = raw;
        to.parts[eight][word * in_word + i] = parts;
        special |= parts.special;
      }
    }
  }
  for (int i = 0; i < kWide; ++i) to.special |= special[i] != 0;
}

// Sums of the terms k in [begin, end) of a row of A and of C, for all columns: what is left of the terms,
// added up exactly, in units of 2^(largest - fraction bits).
struct RowSums {
  Doubles sum;
  Ints largest;
};

// Magnitudes as far as they reach into the sum, with their sign.
[[gnu::always_inline]] inline Ints aligned(Bits magnitude, Ints by, Ints sign) {
  const Ints left = (Ints)(magnitude >> (Bits)(by & 31)) & (by <= 31);
  return (left ^ sign) - sign;
}

// `shift`: from the products' fraction bits to those that are kept.
[[gnu::always_inline]] inline RowSums sum_row(const Factors<2>& a, const Factors<1>& b,
                                              const std::uint8_t* kept, int row, int begin, int end,
                                              int shift, const Parts& c, int c_shift) {
  RowSums sums;
  sums.largest = c.exponent;
  for (int k = begin; k < end; ++k) {
    const Ints exponent = b.parts[0][kept[k]].exponent + a.parts[row / kWide][k].exponent[row % kWide];
    sums.largest = where(exponent > sums.largest, exponent, sums.largest);
  }
  sums.sum = __builtin_convertvector(
      aligned(c.magnitude << static_cast<std::uint32_t>(c_shift), sums.largest - c.exponent, c.sign),
      Doubles);
  // Below 2^28 each: eight fit.
  for (int from = begin; from < end; from += 8) {
    Ints some{};
    for (int k = from; k < std::min(from + 8, end); ++k) {
      const Parts& of_a = a.parts[row / kWide][k];
      const Parts& of_b = b.parts[0][kept[k]];
      const Bits product = (of_b.magnitude * of_a.magnitude[row % kWide])
                           << static_cast<std::uint32_t>(shift);
      some += aligned(product, sums.largest - (of_b.exponent + of_a.exponent[row % kWide]),
                      of_b.sign ^ of_a.sign[row % kWide]);
    }
    sums.sum += __builtin_convertvector(some, Doubles);
  }
  return sums;
}

constexpr std::uint32_t kNanF32 = 0x7fffffff;
constexpr std::uint32_t kNanF16 = 0x7fff;

// To nearest, ties to even, at once from all bits.
std::uint32_t to_f16(double value) {
  const std::uint32_t sign = std::signbit(value) ? 0x8000 : 0;
  const double magnitude = std::fabs(value);
  if (magnitude >= 65520) return sign | 0x7c00;
  // In units of the last place, of which 1024 are the hidden bit.
  const int exponent = magnitude >= 0x1p-14 ? std::ilogb(magnitude) : -14;
  const auto units = static_cast<std::uint32_t>(std::nearbyint(std::ldexp(magnitude, 10 - exponent)));
  return sign | (units + (static_cast<std::uint32_t>(exponent + 14) << 10));
}

// Of a sum with infinite terms or without a number; else nothing.
std::optional<std::uint32_t> special_sum(const MatrixForm& form, const Factors<2>& a, const Factors<1>& b,
                                         const std::uint8_t* kept, int row, int column, int begin, int end,
                                         std::uint32_t c) {
  const Format of_a = format_of(form.a), of_b = format_of(form.b);
  double sum = value_of(c, format_of(form.c));
  for (int k = begin; k < end; ++k)
    sum += value_of(a.raw[row / kWide][k][row % kWide], of_a) * value_of(b.raw[0][kept[k]][column], of_b);
  const bool half = form.d == MatrixElement::F16;
  if (std::isnan(sum)) return half ? kNanF16 : kNanF32;
  if (!std::isinf(sum)) return std::nullopt;
  if (half) return sum < 0 ? 0xfc00 : 0x7c00;
  return sum < 0 ? 0xff800000 : 0x7f800000;
}

// Factors of powers of two, one for all of a row of A or a column of B, go into the exponents of the
// elements.
template <int Eights>
[[gnu::always_inline]] inline void scale(const Scale (*scales)[kMostScales], int k, Factors<Eights>& to) {
  for (int eight = 0; eight < Eights; ++eight) {
    Ints exponent;
    for (int i = 0; i < kWide; ++i) {
      const Scale& of_i = scales[eight * kWide + i][0];
      exponent[i] = of_i.exponent;
      to.special |= of_i.is_nan;
    }
    for (int i = 0; i < k; ++i) to.parts[eight][i].exponent += exponent;
  }
}

// What of A and B takes part, and how.
struct Selection {
  KeptColumns kept;
  std::optional<MatrixScales> scales;
  bool is_nan(int row, int column) const {
    return scales && (scales->a[row][0].is_nan || scales->b[column][0].is_nan);
  }
};

template <typename Sum>
[[gnu::always_inline]] inline void multiply_floats(const MatrixForm& form, const MatrixRules& rules,
                                                   const Words<std::uint32_t>& of_a,
                                                   const Words<std::uint32_t>& of_b,
                                                   const Selection& selection, const std::byte* c_fragment,
                                                   std::byte* d_fragment) {
  Factors<2> a;
  Factors<1> b;
  const int length = form.kept_k();
  decode(of_a, form.m / kWide, length, form.a, form.bits_of(form.a), a);
  decode(of_b, 1, form.k, form.b, form.bits_of(form.b), b);
  if (selection.scales) {
    scale(selection.scales->a, length, a);
    scale(selection.scales->b, form.k, b);
  }
  Tile<Sum> tile;
  take_c(c_fragment, form.m, tile);
  const Format c_format = format_of(form.c);
  const int shift = rules.fraction_bits - format_of(form.a).fraction_bits - format_of(form.b).fraction_bits;
  const int c_shift = rules.fraction_bits - c_format.fraction_bits;
  const int step = std::min<int>(length, rules.bits_of_sum / form.bits_of(form.a));
  for (int row = 0; row < form.m; ++row) {
    const std::uint8_t* const kept = selection.kept.at[row];
    Bits sum;
    for (int i = 0; i < kWide; ++i) sum[i] = tile.at[row][i];
    for (int begin = 0; begin < length; begin += step) {
      const Bits before = sum;
      const Parts c = parts_of(before, c_format);
      const RowSums sums = sum_row(a, b, kept, row, begin, begin + step, shift, c, c_shift);
      const Doubles exact = scaled(sums.sum, sums.largest - rules.fraction_bits);
      if constexpr (sizeof(Sum) == 2) {
        for (int i = 0; i < kWide; ++i) sum[i] = to_f16(exact[i]);
      } else {
        sum = to_f32(exact);
      }
      bool special = a.special || b.special;
      for (int i = 0; i < kWide; ++i) special |= c.special[i] != 0;
      for (int i = 0; special && i < kWide; ++i) {
        if (const auto of_i = special_sum(form, a, b, kept, row, i, begin, begin + step, before[i]))
          sum[i] = *of_i;
        if (selection.is_nan(row, i)) sum[i] = kNanF32;
      }
    }
    for (int i = 0; i < kWide; ++i) tile.at[row][i] = static_cast<Sum>(sum[i]);
  }
  put_d(tile, form.m, d_fragment);
}

using MultiplyFloats = void (*)(const MatrixForm&, const MatrixRules&, const Words<std::uint32_t>&,
                                const Words<std::uint32_t>&, const Selection&, const std::byte*, std::byte*);

void multiply_on_any_host(const MatrixForm& form, const MatrixRules& rules, const Words<std::uint32_t>& a,
                          const Words<std::uint32_t>& b, const Selection& selection,
                          const std::byte* c_fragment, std::byte* d_fragment) {
  if (form.d == MatrixElement::F16) {
    multiply_floats<std::uint16_t>(form, rules, a, b, selection, c_fragment, d_fragment);
  } else {
    multiply_floats<std::uint32_t>(form, rules, a, b, selection, c_fragment, d_fragment);
  }
}

#if defined(__x86_64__)
// The same on vectors that have shifts by as much as each element says.
[[gnu::target("avx2")]] void multiply_with_avx2(const MatrixForm& form, const MatrixRules& rules,
                                                const Words<std::uint32_t>& a, const Words<std::uint32_t>& b,
                                                const Selection& selection, const std::byte* c_fragment,
                                                std::byte* d_fragment) {
  if (form.d == MatrixElement::F16) {
    multiply_floats<std::uint16_t>(form, rules, a, b, selection, c_fragment, d_fragment);
  } else {
    multiply_floats<std::uint32_t>(form, rules, a, b, selection, c_fragment, d_fragment);
  }
}
#endif

MultiplyFloats chosen_for_host() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return multiply_with_avx2;
#endif
  return multiply_on_any_host;
}

const std::byte* scales_of(const MatrixForm& form, const MatrixOperands& operands) {
  return operands.selectors + form.metadata_registers() * kLanes * 4;
}

void multiply_in_general(const MatrixProduct& product, const MatrixOperands& operands) {
  const MatrixForm& form = product.what.matrix;
  const std::byte* const a_fragment = operands.a;
  const std::byte* const b_fragment = operands.b;
  const std::byte* const c_fragment = operands.c;
  std::byte* const d_fragment = operands.d;
  if (form.a == MatrixElement::F64) {
    if (to_nearest(product.what))
      return multiply_doubles(form, a_fragment, b_fragment, c_fragment, d_fragment,
                              [](double x, double y, double sum) { return std::fma(x, y, sum); });
    const jit::DirectedRounding directed(product.what.rounding);
    return multiply_doubles(form, a_fragment, b_fragment, c_fragment, d_fragment,
                            [](double x, double y, double sum) {
                              return jit::compute_in_current_rounding(jit::FloatOperation::Fma, x, y, sum);
                            });
  }
  Words<std::uint32_t> a, b;
  take_rows(a_fragment, form.a_registers(), form.m, a);
  take_rows(b_fragment, form.b_registers(), form.n, b);
  Selection selection;
  selection.kept = form.sparse ? kept_columns(form, operands.selectors) : all_columns(form);
  if (form.d == MatrixElement::S32)
    return multiply_whole(form, product.what.satfinite, product.what.atomic_op, a, b, selection.kept,
                          c_fragment, d_fragment);
  if (form.is_scaled()) selection.scales = matrix_scales(form, scales_of(form, operands));
  if (form.is_narrow()) {
    multiply_scaled_fp4(form, product.rules.fp4_fraction_bits, a, b, selection.kept, *selection.scales,
                        c_fragment, d_fragment);
    return;
  }
  static const MultiplyFloats multiply = chosen_for_host();
  multiply(form, product.rules, a, b, selection, c_fragment, d_fragment);
}

}  // namespace

MatrixProduct matrix_product(const ir::Attributes& what, const MatrixRules& rules,
                             const VectorProducts& vectors) {
  MatrixProduct product;
  product.what = what;
  product.rules = rules;
  if (const auto plan = float_plan(what.matrix, rules)) {
    product.float_plan = *plan;
    product.vectors.floats = vectors.floats;
    product.vectors.float_run = what.matrix.sparse || what.matrix.is_scaled() ? nullptr : vectors.float_run;
  } else if (const auto of_whole = whole_plan(what)) {
    product.whole_plan = *of_whole;
    product.vectors.whole = vectors.whole;
  } else if (what.matrix.a == MatrixElement::F64 && to_nearest(what)) {
    product.vectors.doubles = vectors.doubles;
    product.vectors.double_run = vectors.double_run;
  }
  return product;
}

bool multiply_in_vectors(const MatrixProduct& product, const MatrixOperands& operands) {
  const MatrixForm& form = product.what.matrix;
  const std::byte* a = operands.a;
  if (product.vectors.doubles != nullptr) {
    product.vectors.doubles(form.m, form.k, a, operands.b, operands.c, operands.d);
    return true;
  }
  alignas(64) std::byte dense[kMostRows * kMostDenseBytes];
  if (form.sparse) {
    if (!expand_sparse(form, a, operands.selectors, dense)) return false;
    a = dense;
  }
  if (product.vectors.whole != nullptr) {
    product.vectors.whole(product.whole_plan, a, operands.b, operands.c, operands.d);
    return true;
  }
  std::optional<FloatFactors> factors;
  if (form.is_scaled()) {
    factors = float_factors(product.float_plan, matrix_scales(form, scales_of(form, operands)));
    if (!factors) return false;
  }
  return product.vectors.floats(product.float_plan, a, operands.b, factors ? &*factors : nullptr,
                                operands.memo, operands.c, operands.d);
}

void multiply_matrices(const MatrixProduct& product, const MatrixOperands& operands) {
  if (product.in_vectors() && multiply_in_vectors(product, operands)) return;
  multiply_in_general(product, operands);
}

void multiply_run(const MatrixProduct& product, const ProductRun& run, FloatMemo* memo) {
  const auto multiply_one = [&](const ProductRun::Product& one) {
    multiply_matrices(product, {run.fragments + run.a[one.a], run.fragments + run.b[one.b],
                                run.fragments + one.c, run.fragments + one.d, nullptr, memo});
  };
  const MatrixForm& form = product.what.matrix;
  if (product.vectors.double_run != nullptr) return product.vectors.double_run(form.m, form.k, run);
  if (product.vectors.float_run == nullptr || memo == nullptr) {
    for (const ProductRun::Product& one : run.products) multiply_one(one);
    return;
  }
  for (std::size_t i = 0; i < run.products.size(); ++i) {
    i = product.vectors.float_run(product.float_plan, run, i, *memo);
    if (i < run.products.size()) multiply_one(run.products[i]);
  }
}

}  // namespace doppel::engine
