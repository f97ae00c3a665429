// SPDX-License-Identifier: Apache-2.0
#include "reference/matrix_ops.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <optional>

#include "reference/float_format.h"
#include "reference/float_ops.h"

namespace doppel::reference {
namespace {

using ir::MatrixElement;
using ir::MatrixForm;

// The thread and the element of its fragment that are at row and column: groupID = lane / 4,
// threadID_in_group = lane % 4. A thread holds `run` neighbours along k, then those 4 * run further on, and
// those eight rows below between the two.
struct Place {
  int lane, element;
};
Place along_k(int row, int k, int rows, int run) {
  const int below = row >= 8 ? 1 : 0;
  const int step = k / (4 * run);
  const int runs_before = rows > 8 ? 2 * step + below : step;
  return {row % 8 * 4 + k / run % 4, runs_before * run + k % run};
}
// col = threadID_in_group * 2 + (i & 1); row = groupID, from the third element on eight more.
Place of_accumulator(int row, int column) {
  return {row % 8 * 4 + column / 2, (row >= 8 ? 2 : 0) + column % 2};
}

std::uint64_t element_at(const Fragment& fragment, Place place, int bits) {
  const int in_register = bits == 64 ? 1 : 32 / bits;
  const std::uint64_t word = fragment.at(
      static_cast<std::size_t>(place.element / in_register))[static_cast<std::size_t>(place.lane)];
  if (bits == 64) return word;
  return word >> (place.element % in_register * bits) & ((std::uint64_t{1} << bits) - 1);
}
void put(Fragment& fragment, Place place, int bits, std::uint64_t value) {
  const int in_register = bits == 64 ? 1 : 32 / bits;
  fragment.at(static_cast<std::size_t>(place.element / in_register))[static_cast<std::size_t>(place.lane)] |=
      value << (bits == 64 ? 0 : place.element % in_register * bits);
}

std::int64_t whole(std::uint64_t bits, MatrixElement element) {
  switch (element) {
    case MatrixElement::S8:
      return static_cast<std::int8_t>(bits);
    case MatrixElement::S4:
      return bits >= 8 ? static_cast<std::int64_t>(bits) - 16 : static_cast<std::int64_t>(bits);
    default:
      return static_cast<std::int64_t>(bits);
  }
}

// A number as the cards take it apart: significand * 2^exponent, where the exponent is that of a significand
// of 1, subnormals have the lowest and zero has -126.
struct Part {
  double significand = 0;
  int exponent = -126;
};
struct Number {
  double value = 0;  // also infinite, or NaN
  Part part;
};

double value_of(std::uint64_t bits, MatrixElement element) {
  const auto small = [&](int exponent_bits, int fraction_bits) {
    const int bias = (1 << (exponent_bits - 1)) - 1;
    const auto fraction = static_cast<double>(bits & ((1u << fraction_bits) - 1));
    const int field = static_cast<int>(bits >> fraction_bits) & ((1 << exponent_bits) - 1);
    const double sign = (bits >> (exponent_bits + fraction_bits) & 1) != 0 ? -1 : 1;
    const double significand = fraction / (1 << fraction_bits) + (field != 0 ? 1 : 0);
    return sign * std::ldexp(significand, (field != 0 ? field : 1) - bias);
  };
  const auto ieee = [&](int exponent_bits, int fraction_bits) {
    const std::uint64_t all = (1u << exponent_bits) - 1;
    if ((bits >> fraction_bits & all) != all) return small(exponent_bits, fraction_bits);
    if ((bits & ((1u << fraction_bits) - 1)) != 0) return std::numeric_limits<double>::quiet_NaN();
    const double infinity = std::numeric_limits<double>::infinity();
    return (bits >> (exponent_bits + fraction_bits) & 1) != 0 ? -infinity : infinity;
  };
  switch (element) {
    case MatrixElement::F16:
      return ieee(5, 10);
    case MatrixElement::BF16:
      return ieee(8, 7);
    case MatrixElement::TF32:
      bits >>= 13;
      return ieee(8, 10);
    case MatrixElement::F32:
      return ieee(8, 23);
    case MatrixElement::E5M2:
      return ieee(5, 2);
    case MatrixElement::E4M3:
      if ((bits & 0x7f) == 0x7f) return std::numeric_limits<double>::quiet_NaN();
      return small(4, 3);
    case MatrixElement::E3M2:
      return small(3, 2);
    case MatrixElement::E2M3:
      return small(2, 3);
    default:  // E2M1, in bits 2 to 5
      bits >>= 2;
      return small(2, 1);
  }
}

int lowest_exponent(MatrixElement element) {
  switch (element) {
    case MatrixElement::F16:
    case MatrixElement::E5M2:
      return -14;
    case MatrixElement::E4M3:
      return -6;
    case MatrixElement::E3M2:
      return -2;
    case MatrixElement::E2M3:
    case MatrixElement::E2M1:
      return 0;
    default:
      return -126;
  }
}

Number number(std::uint64_t bits, MatrixElement element) {
  Number n;
  n.value = value_of(bits, element);
  if (n.value == 0 || !std::isfinite(n.value)) return n;
  n.part.exponent = std::max(std::ilogb(n.value), lowest_exponent(element));
  n.part.significand = std::ldexp(n.value, -n.part.exponent);
  return n;
}

std::uint64_t rounded(double sum, MatrixElement element) {
  const bool to_half = element == MatrixElement::F16;
  Exact exact;
  exact.negative = std::signbit(sum);
  int exponent = 0;
  const double fraction = std::frexp(std::fabs(sum), &exponent);
  exact.significand = static_cast<U128>(std::ldexp(fraction, 53));
  exact.exponent = exponent - 53;
  if (!to_half && std::fabs(sum) >= std::ldexp(1.0, 128)) return exact.negative ? 0xff800000 : 0x7f800000;
  if (sum == 0) return exact.negative ? (to_half ? 0x8000 : 0x80000000) : 0;
  return round_to(to_half ? kF16 : kF32, exact, to_half ? ptx::Rounding::Rn : ptx::Rounding::Rz);
}

// One sum of a card.
std::uint64_t sum_of(const std::vector<Number>& a, const std::vector<Number>& b, const Number& c,
                     MatrixElement element, int fraction_bits) {
  double all = c.value;
  for (std::size_t i = 0; i < a.size(); ++i) all += a[i].value * b[i].value;
  const bool to_half = element == MatrixElement::F16;
  if (std::isnan(all)) return to_half ? 0x7fff : 0x7fffffff;
  if (std::isinf(all)) return to_half ? (all < 0 ? 0xfc00 : 0x7c00) : (all < 0 ? 0xff800000 : 0x7f800000);
  std::vector<Part> terms{c.part};
  for (std::size_t i = 0; i < a.size(); ++i)
    terms.push_back({a[i].part.significand * b[i].part.significand, a[i].part.exponent + b[i].part.exponent});
  const int largest = std::ranges::max_element(terms, {}, &Part::exponent)->exponent;
  double sum = 0;
  for (const Part& term : terms)
    sum += std::trunc(std::ldexp(term.significand, fraction_bits + term.exponent - largest));
  return rounded(std::ldexp(sum, largest - fraction_bits), element);
}

std::uint64_t float_element(const MatrixForm& form, const MatrixSums& sums,
                            const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b,
                            std::uint64_t c) {
  const std::size_t step =
      std::min(a.size(), static_cast<std::size_t>(sums.bits_of_sum / form.bits_of(form.a)));
  for (std::size_t begin = 0; begin < a.size(); begin += step) {
    std::vector<Number> of_a, of_b;
    for (std::size_t k = begin; k < begin + step; ++k) {
      of_a.push_back(number(a[k], form.a));
      of_b.push_back(number(b[k], form.b));
    }
    c = sum_of(of_a, of_b, number(c, form.d), form.d, sums.fraction_bits);
  }
  return c;
}

std::uint64_t whole_element(const MatrixForm& form, bool clamp, ir::AtomicOp bits,
                            const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b,
                            std::uint64_t c) {
  std::int64_t sum = static_cast<std::int32_t>(c);
  for (std::size_t k = 0; k < a.size(); ++k) {
    if (form.a == MatrixElement::B1) {
      sum += static_cast<std::int64_t>(bits == ir::AtomicOp::Xor ? a[k] ^ b[k] : a[k] & b[k]);
    } else {
      sum += whole(a[k], form.a) * whole(b[k], form.b);
    }
  }
  if (clamp)
    sum = std::clamp<std::int64_t>(sum, std::numeric_limits<std::int32_t>::min(),
                                   std::numeric_limits<std::int32_t>::max());
  return static_cast<std::uint32_t>(sum);
}

std::uint64_t double_element(const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b,
                             std::uint64_t c) {
  for (std::size_t k = 0; k < a.size(); ++k) {
    c = std::bit_cast<std::uint64_t>(
        std::fma(std::bit_cast<double>(a[k]), std::bit_cast<double>(b[k]), std::bit_cast<double>(c)));
  }
  return c;
}

}  // namespace

Fragment multiply(const MatrixForm& form, bool clamp, ir::AtomicOp bits, const MatrixSums& sums,
                  const Fragment& a, const Fragment& b, const Fragment& c) {
  Fragment d(static_cast<std::size_t>(form.d_registers()));
  const int a_bits = form.bits_of(form.a), b_bits = form.bits_of(form.b);
  const int a_run = std::max(1, 32 / a_bits), b_run = std::max(1, 32 / b_bits);
  for (int row = 0; row < form.m; ++row) {
    for (int column = 0; column < form.n; ++column) {
      std::vector<std::uint64_t> of_a, of_b;
      for (int k = 0; k < form.k; ++k) {
        of_a.push_back(element_at(a, along_k(row, k, form.m, a_run), a_bits));
        of_b.push_back(element_at(b, along_k(column, k, form.n, b_run), b_bits));
      }
      const Place place = of_accumulator(row, column);
      const std::uint64_t before = element_at(c, place, form.bits_of(form.c));
      std::uint64_t value = 0;
      if (form.a == MatrixElement::F64) {
        value = double_element(of_a, of_b, before);
      } else if (form.d == MatrixElement::S32) {
        value = whole_element(form, clamp, bits, of_a, of_b, before);
      } else {
        value = float_element(form, sums, of_a, of_b, before);
      }
      put(d, place, form.bits_of(form.d), value);
    }
  }
  return d;
}

}  // namespace doppel::reference
