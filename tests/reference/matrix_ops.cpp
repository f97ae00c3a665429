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

double value_of(std::uint64_t bits, MatrixElement element) {  // of e2m1 in the middle of a byte
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

std::uint64_t cut_off_sum(const std::vector<Part>& terms, MatrixElement element, int fraction_bits) {
  const int largest = std::ranges::max_element(terms, {}, &Part::exponent)->exponent;
  double sum = 0;
  for (const Part& term : terms)
    sum += std::trunc(std::ldexp(term.significand, fraction_bits + term.exponent - largest));
  return rounded(std::ldexp(sum, largest - fraction_bits), element);
}

// One sum of a card. `scaled_by`: the power of two that all products have.
std::uint64_t sum_of(const std::vector<Number>& a, const std::vector<Number>& b, const Number& c,
                     MatrixElement element, int fraction_bits, int scaled_by) {
  double all = c.value;
  for (std::size_t i = 0; i < a.size(); ++i) all += a[i].value * b[i].value;
  const bool to_half = element == MatrixElement::F16;
  if (std::isnan(all)) return to_half ? 0x7fff : 0x7fffffff;
  if (std::isinf(all)) return to_half ? (all < 0 ? 0xfc00 : 0x7c00) : (all < 0 ? 0xff800000 : 0x7f800000);
  std::vector<Part> terms{c.part};
  for (std::size_t i = 0; i < a.size(); ++i)
    terms.push_back(
        {a[i].part.significand * b[i].part.significand, a[i].part.exponent + b[i].part.exponent + scaled_by});
  return cut_off_sum(terms, element, fraction_bits);
}

std::uint64_t float_element(const MatrixForm& form, const MatrixSums& sums,
                            const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b,
                            int scaled_by, std::uint64_t c) {
  const std::size_t step =
      std::min(a.size(), static_cast<std::size_t>(sums.bits_of_sum / form.bits_of(form.a)));
  for (std::size_t begin = 0; begin < a.size(); begin += step) {
    std::vector<Number> of_a, of_b;
    for (std::size_t k = begin; k < begin + step; ++k) {
      of_a.push_back(number(a[k], form.a));
      of_b.push_back(number(b[k], form.b));
    }
    c = sum_of(of_a, of_b, number(c, form.d), form.d, sums.fraction_bits, scaled_by);
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
                             std::uint64_t c, ptx::Rounding rounding) {
  FloatMode mode;
  mode.rounding = rounding == ptx::Rounding::None ? ptx::Rounding::Rn : rounding;
  for (std::size_t k = 0; k < a.size(); ++k) c = float_fma(kF64, a[k], b[k], c, mode);
  return c;
}

// Which of the k columns of A are there in a row, in their order in the registers: 9.7.14.6.1.
std::vector<int> columns_of(const MatrixForm& form, const MatrixSelectors& selectors, int row) {
  std::vector<int> columns;
  if (!form.sparse) {
    for (int k = 0; k < form.k; ++k) columns.push_back(k);
    return columns;
  }
  const int bits = form.bits_of(form.a), wide = bits == 32 ? 2 : bits == 4 ? 8 : 4;
  // Of two rows, with eight chunks in the 32 bits of a thread: so many of four threads contribute.
  const int threads = 2 * form.k / wide / 8;
  const int first = static_cast<int>(selectors.selector) % (4 / threads) * threads;
  for (int begin = 0; begin < form.k; begin += wide) {
    const int chunk = begin / wide;
    int thread = 0, at = 0;
    if (bits >= 16) {  // chunks 0 to 3 of both rows in the first thread, 4 to 7 in the second
      thread = chunk / 4;
      at = row / 8 * 16 + chunk % 4 * 4;
    } else {  // chunks 0 to 7 of the row in the first, of the row below in the second, and so on
      thread = chunk / 8 * 2 + row / 8;
      at = chunk % 8 * 4;
    }
    const auto lane = static_cast<std::size_t>(row % 8 * 4 + first + thread);
    const auto code = static_cast<int>(selectors.metadata.at(lane) >> at & 15);
    for (const int index : {code % 4, code / 4}) {
      if (wide == 4) columns.push_back(begin + index);
      if (wide == 8) columns.insert(columns.end(), {begin + 2 * index, begin + 2 * index + 1});
    }
    if (wide == 2) columns.push_back(begin + code % 4 / 2);  // 0b0100 is the first, 0b1110 the second
  }
  return columns;
}

// The factors of a row of A or a column of B, along k; not a number where the code says so.
std::vector<double> factors_of(const MatrixForm& form, const MatrixSelectors::Scales& scales,
                               std::size_t lane) {
  std::vector<double> factors;
  for (int i = 0; i < form.scales; ++i) {
    const std::uint64_t code =
        scales.data.at(lane) >> (scales.byte + static_cast<std::uint64_t>(i)) % 4 * 8 & 255;
    if (form.scale == ir::MatrixScale::Ue8m0) {
      factors.push_back(code == 255 ? std::numeric_limits<double>::quiet_NaN()
                                    : std::ldexp(1.0, static_cast<int>(code) - 127));
    } else {
      factors.push_back(value_of(code & 127, MatrixElement::E4M3));
    }
  }
  return factors;
}
std::vector<double> factors_of_a(const MatrixForm& form, const MatrixSelectors& selectors, int row) {
  const auto lane = static_cast<std::size_t>(row % 8 * 4 + row / 8) + selectors.a.thread % 2 * 2;
  return factors_of(form, selectors.a, lane);
}
std::vector<double> factors_of_b(const MatrixForm& form, const MatrixSelectors& selectors, int column) {
  return factors_of(form, selectors.b, static_cast<std::size_t>(column * 4) + selectors.b.thread % 4);
}

Part part_of_factor(const MatrixForm& form, double factor) {
  if (factor == 0) return {};
  Part part;
  part.exponent = std::max(std::ilogb(factor), form.scale == ir::MatrixScale::Ue8m0 ? -127 : -6);
  part.significand = std::ldexp(factor, -part.exponent);
  return part;
}

// Of .kind::mxf4 and .kind::mxf4nvf4.
std::uint64_t fp4_element(const MatrixForm& form, const MatrixSums& sums, const std::vector<std::uint64_t>& a,
                          const std::vector<std::uint64_t>& b, const std::vector<double>& factors_a,
                          const std::vector<double>& factors_b, std::uint64_t c) {
  const Number before = number(c, form.d);
  if (std::isnan(before.value)) return 0x7fffffff;
  if (std::isinf(before.value)) return c;
  std::vector<Part> terms{before.part};
  const std::size_t block = a.size() / factors_a.size();
  for (std::size_t begin = 0; begin < a.size(); begin += 16) {
    double sum = 0;
    for (std::size_t k = begin; k < begin + 16; ++k)
      sum += value_of(a[k] << 2, MatrixElement::E2M1) * value_of(b[k] << 2, MatrixElement::E2M1);
    const Part of_a = part_of_factor(form, factors_a[begin / block]),
               of_b = part_of_factor(form, factors_b[begin / block]);
    terms.push_back({sum * of_a.significand * of_b.significand, of_a.exponent + of_b.exponent});
  }
  return cut_off_sum(terms, form.d, sums.fp4_fraction_bits);
}

std::uint64_t scaled_element(const MatrixForm& form, const MatrixSums& sums,
                             const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b,
                             const std::vector<double>& factors_a, const std::vector<double>& factors_b,
                             std::uint64_t c) {
  for (std::size_t i = 0; i < factors_a.size(); ++i) {
    if (std::isnan(factors_a[i]) || std::isnan(factors_b[i])) return 0x7fffffff;
  }
  if (form.scales > 1) return fp4_element(form, sums, a, b, factors_a, factors_b, c);
  return float_element(form, sums, a, b, std::ilogb(factors_a[0]) + std::ilogb(factors_b[0]), c);
}

}  // namespace

Fragment multiply(const ir::Attributes& product, const MatrixSums& sums, const Fragment& a, const Fragment& b,
                  const Fragment& c, const MatrixSelectors& selectors) {
  const MatrixForm& form = product.matrix;
  Fragment d(static_cast<std::size_t>(form.d_registers()));
  const int a_bits = form.bits_of(form.a), b_bits = form.bits_of(form.b);
  const int a_run = std::max(1, 32 / a_bits), b_run = std::max(1, 32 / b_bits);
  for (int row = 0; row < form.m; ++row) {
    const std::vector<int> columns = columns_of(form, selectors, row);
    for (int column = 0; column < form.n; ++column) {
      std::vector<std::uint64_t> of_a, of_b;
      for (std::size_t i = 0; i < columns.size(); ++i) {
        of_a.push_back(element_at(a, along_k(row, static_cast<int>(i), form.m, a_run), a_bits));
        of_b.push_back(element_at(b, along_k(column, columns[i], form.n, b_run), b_bits));
      }
      const Place place = of_accumulator(row, column);
      const std::uint64_t before = element_at(c, place, form.bits_of(form.c));
      std::uint64_t value = 0;
      if (form.a == MatrixElement::F64) {
        value = double_element(of_a, of_b, before, product.rounding);
      } else if (form.d == MatrixElement::S32) {
        value = whole_element(form, product.satfinite, product.atomic_op, of_a, of_b, before);
      } else if (form.is_scaled()) {
        value = scaled_element(form, sums, of_a, of_b, factors_of_a(form, selectors, row),
                               factors_of_b(form, selectors, column), before);
      } else {
        value = float_element(form, sums, of_a, of_b, 0, before);
      }
      put(d, place, form.bits_of(form.d), value);
    }
  }
  return d;
}

}  // namespace doppel::reference
