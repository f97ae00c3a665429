// SPDX-License-Identifier: Apache-2.0
// Products of numbers with few bits against the reference: where the cards' rules cut nothing off, and where
// they just do. The host sums the first exactly (engine/exact_sums_kernel.h), and must know them from the
// others.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>
#include <string>

#include "matrix_product_ways.h"

namespace doppel::engine {
namespace {

using ir::MatrixElement;

struct Format {
  int exponent_bits, fraction_bits;
  int largest_exponent;
  int shift = 0;  // of its lowest bit in what holds it
  int least_exponent() const { return 2 - (1 << (exponent_bits - 1)); }
  // Of whole numbers of so many bits, times which power of two: such that this has them. With 8 bits of
  // exponent about as far as the host's vectors go.
  int least_power() const { return std::max(least_exponent() - fraction_bits, -40); }
  int largest_power(int bits) const { return std::min(largest_exponent, 49) - bits; }
};

Format format_of(MatrixElement element) {
  switch (element) {
    case MatrixElement::F16:
      return {5, 10, 15};
    case MatrixElement::BF16:
      return {8, 7, 127};
    case MatrixElement::TF32:
      return {8, 10, 127, 13};
    case MatrixElement::E4M3:
      return {4, 3, 7};  // and some of 2^8
    case MatrixElement::E5M2:
      return {5, 2, 15};
    case MatrixElement::E3M2:
      return {3, 2, 4};
    case MatrixElement::E2M3:
      return {2, 3, 2};
    case MatrixElement::E2M1:
      return {2, 1, 2, 2};
    default:
      return {8, 23, 127};
  }
}

// Of a number that the format has.
std::uint32_t encoded(double value, const Format& format) {
  const std::uint32_t sign = std::signbit(value) ? 1u << (format.exponent_bits + format.fraction_bits) : 0;
  if (value == 0) return sign << format.shift;
  const int exponent = std::max(std::ilogb(value), format.least_exponent());
  const auto units =
      static_cast<std::uint32_t>(std::ldexp(std::fabs(value), format.fraction_bits - exponent));
  const std::uint32_t field = units >> format.fraction_bits != 0
                                  ? static_cast<std::uint32_t>(exponent - format.least_exponent() + 1)
                                  : 0;
  const std::uint32_t fraction = units & ((1u << format.fraction_bits) - 1);
  return (sign | field << format.fraction_bits | fraction) << format.shift;
}

int between(Random& random, int least, int most) {
  return least + static_cast<int>(random() % static_cast<std::uint32_t>(most - least + 1));
}

// Whole numbers of `bits` bits times 2^power.
struct Numbers {
  int bits = 1, power = 0;
  bool positive = false, large = false, few = false;  // few are not zero
};

Numbers some_numbers(Random& random, const Format& format) {
  Numbers numbers;
  numbers.bits = between(random, 1, format.fraction_bits + 1);
  numbers.power = between(random, format.least_power(), format.largest_power(numbers.bits));
  // Mostly near one, where sums of other products are.
  if (random() % 4 != 0)
    numbers.power = std::clamp(-numbers.bits + between(random, -1, 3), format.least_power(),
                               format.largest_power(numbers.bits));
  numbers.positive = random() % 2 == 0;
  numbers.large = random() % 3 == 0;
  numbers.few = random() % 8 == 0;
  return numbers;
}

double number(Random& random, const Numbers& of) {
  const std::uint32_t all = (1u << of.bits) - 1;
  std::uint32_t units = of.large ? all - (random() & 1) : random() & all;
  if (random() % 8 == 0 || (of.few && random() % 16 != 0)) units = 0;
  const double value = std::ldexp(static_cast<double>(units), of.power);
  return !of.positive && random() % 2 == 0 ? -value : value;
}

// C by what products are multiples of, and by their largest exponent: zeros; multiples; what is cut off just
// behind the products' bits, or just not; about as large as products may be added to; as they come.
enum class Before { Zero, Multiple, Edge, Large, Any, All };
struct Sums {
  Before kind;
  int unit, largest, fraction_bits;
  int off;  // of an edge
  bool half;
};

double before(Random& random, const Sums& sums) {
  const Before kind = sums.kind != Before::All ? sums.kind : static_cast<Before>(random() % 5);
  switch (kind) {
    case Before::Multiple:
      return std::ldexp(static_cast<double>(random() % 0x100000), sums.unit);
    case Before::Edge:
      return std::ldexp(static_cast<double>(random() % (1u << between(random, 1, 23)) | 1),
                        sums.largest - sums.fraction_bits + sums.off % 2);
    case Before::Large:
      return std::ldexp(static_cast<double>(random() % 0x800000 | 0x800000), sums.unit + sums.off + 1);
    case Before::Any:
      return std::ldexp(static_cast<double>(random() % 0x1000000), sums.unit + between(random, -24, 2));
    default:
      return 0;
  }
}

std::uint32_t element_of_c(Random& random, const Sums& sums) {
  const double value = before(random, sums) * (random() % 2 == 0 ? 1 : -1);
  if (!sums.half) return std::bit_cast<std::uint32_t>(static_cast<float>(value));
  // The nearest below that f16 has.
  const double magnitude = std::min(std::fabs(value), 65504.0);
  const int exponent = magnitude == 0 ? -14 : std::max(std::ilogb(magnitude), -14);
  const double kept = std::ldexp(std::trunc(std::ldexp(magnitude, 10 - exponent)), exponent - 10);
  return encoded(std::copysign(kept, value), format_of(MatrixElement::F16));
}

template <typename Element>
reference::Fragment filled(int registers, int bits, const Element& element) {
  reference::Fragment made(static_cast<std::size_t>(registers));
  for (auto& reg : made) {
    for (std::uint64_t& lane : reg) {
      for (int shift = 0; shift < 32; shift += bits)
        lane |= std::uint64_t{element()} << static_cast<unsigned>(shift);
    }
  }
  return made;
}

Factors some_factors(Random& random, const MatrixForm& form, int fraction_bits) {
  const Format of_a = format_of(form.a), of_b = format_of(form.b);
  const Numbers a = some_numbers(random, of_a), b = some_numbers(random, of_b);
  Factors factors;
  const bool zero = random() % 16 == 0;  // of all of A
  factors.a = filled(form.a_registers(), form.bits_of(form.a),
                     [&] { return encoded(zero ? 0.0 : number(random, a), of_a); });
  factors.b =
      filled(form.b_registers(), form.bits_of(form.b), [&] { return encoded(number(random, b), of_b); });
  const bool half = form.d == MatrixElement::F16;
  const auto exponent = [](const Numbers& numbers, const Format& format) {
    return std::max(numbers.power + numbers.bits - 1, format.least_exponent());
  };
  const Sums sums{static_cast<Before>(random() % 6),
                  a.power + b.power,
                  exponent(a, of_a) + exponent(b, of_b),
                  fraction_bits,
                  between(random, -2, 3),
                  half};
  factors.c = filled(form.c_registers(), half ? 16 : 32, [&] { return element_of_c(random, sums); });
  if (random() % 16 == 0) factors.c[0][random() % kWarp] = half ? 0x7c00 : 0x7f800000;  // infinite
  if (random() % 16 == 0) factors.c[0][random() % kWarp] = half ? 0x7e01 : 0x7fc00001;
  if (random() % 16 == 0) factors.c[0][random() % kWarp] = 1;  // subnormal
  return factors;
}

TEST(ExactSums, AreTheReferencesBitByBit) {
  constexpr int kProducts = 64;
  Random random(1);
  std::vector<Way> ways;
  for (const VectorProducts& vectors : ways_of_host()) ways.push_back({vectors});
  for (const char* text : kForms) {
    ir::Attributes what;
    what.matrix = *ir::find_matrix_form(text);
    const MatrixForm& form = what.matrix;
    if (form.a == MatrixElement::F64 || form.d == MatrixElement::S32 || form.is_narrow()) continue;
    for (const MatrixRules& rules : {kAmpere, kBlackwell}) {
      std::vector<std::uint64_t> exact(ways.size());
      for (int i = 0; i < kProducts; ++i) {
        ASSERT_NO_FATAL_FAILURE(compare(what, rules, ways, some_factors(random, form, rules.fraction_bits),
                                        some_selectors(random, form, false), std::to_string(i)));
        for (std::size_t way = 0; way < ways.size(); ++way) {
          exact[way] += ways[way].memo->exact_sums();
          ways[way].memo->forget_tries();  // so that all are tried
        }
      }
      for (std::size_t way = 0; way < ways.size(); ++way) {
        // Of each product two with a memo.
        if (ways[way].vectors.floats == nullptr || form.is_scaled()) continue;
        EXPECT_GT(exact[way], 2 * kProducts / 8) << text << ", way " << way;
      }
    }
  }
}

// One D of f16 by numbers that are 2^power times these, of which A has the same in all rows and B in all
// columns.
void expect_half(const char* text, const MatrixRules& rules, const std::vector<double>& a,
                 const std::vector<double>& b, int power, double c) {
  ir::Attributes what;
  what.matrix = *ir::find_matrix_form(text);
  const MatrixForm& form = what.matrix;
  std::vector<Way> ways;
  for (const VectorProducts& vectors : ways_of_host()) ways.push_back({vectors});
  const Format half = format_of(MatrixElement::F16);
  // Of each row, or column, a lane has two neighbours along k, and in the next register those 8 further on.
  const auto along_k = [&](const std::vector<double>& numbers, int registers, int in_each) {
    reference::Fragment made(static_cast<std::size_t>(registers));
    for (std::size_t r = 0; r < made.size(); ++r) {
      for (std::size_t lane = 0; lane < kWarp; ++lane) {
        const std::size_t k = r / static_cast<std::size_t>(in_each) * 8 + lane % 4 * 2;
        made[r][lane] = encoded(std::ldexp(numbers.at(k), power), half) |
                        std::uint64_t{encoded(std::ldexp(numbers.at(k + 1), power), half)} << 16U;
      }
    }
    return made;
  };
  const Factors factors{
      along_k(a, form.a_registers(), 2), along_k(b, form.b_registers(), 1),
      filled(form.c_registers(), 16, [&] { return encoded(std::ldexp(c, 2 * power), half); })};
  compare(what, rules, ways, factors, {}, text);
}

// Halfway between two of f16, and a little more: what is lost before decides to which it is rounded.
TEST(ExactSums, HalvesAreRoundedOnce) {
  struct Case {
    const char* text;
    MatrixRules rules;
    std::size_t terms;
    double odd, even;
  };
  for (const Case& each : {Case{"m16n8k8_f16_f16_f16_f16", kAmpere, 8, 293, 512},
                           Case{"m16n8k16_f16_f16_f16_f16", kBlackwell, 16, 137, 256}}) {
    // In the 25th bit of a sum.
    std::vector<double> a(each.terms, each.odd), b(each.terms, 0x1p13);
    a.back() = b.back() = 1;
    expect_half(each.text, each.rules, a, b, -5, 0);
    // In C, behind 24 bits of the sum.
    std::vector<double> factor(each.terms, each.even), other(each.terms, 512);
    factor[0] += 2;
    expect_half(each.text, each.rules, factor, other, -7, 0x1p-3);
    // In a product that is cut off behind the exponent of a subnormal C.
    std::vector<double> small(each.terms), tiny(each.terms);
    small[0] = 0x1p-13, tiny[0] = 0x1p-12;
    small[1] = tiny[1] = 0x1p-20;
    expect_half(each.text, each.rules, small, tiny, 0, 0x1p-24);
  }
}

// What CUDA's samples multiply: 0, 1 and 2, to which they add some multiple of a number with all its bits.
TEST(ExactSums, AreMadeOfSmallWholeNumbers) {
  Random random(1);
  for (const char* text : kForms) {
    ir::Attributes what;
    what.matrix = *ir::find_matrix_form(text);
    const MatrixForm& form = what.matrix;
    if (form.a == MatrixElement::F64 || form.d == MatrixElement::S32 || form.is_scaled()) continue;
    const auto digits = [&](int registers, MatrixElement element) {
      return filled(registers, form.bits_of(element),
                    [&] { return encoded(random() % 3, format_of(element)); });
    };
    const bool half = form.d == MatrixElement::F16;
    for (const MatrixRules& rules : {kAmpere, kBlackwell}) {
      std::vector<Way> ways;
      for (const VectorProducts& vectors : ways_of_host()) ways.push_back({vectors});
      for (int i = 0; i < 8; ++i) {
        Factors factors{digits(form.a_registers(), form.a), digits(form.b_registers(), form.b), {}};
        factors.c = filled(form.c_registers(), half ? 16 : 32, [&] {
          if (half) return encoded(random() % 2048, format_of(MatrixElement::F16));
          return std::bit_cast<std::uint32_t>(1.2F / 1.1F * static_cast<float>(2 + random() % 8192));
        });
        ASSERT_NO_FATAL_FAILURE(
            compare(what, rules, ways, factors, some_selectors(random, form, false), "digits"));
      }
      for (const Way& way : ways) {
        EXPECT_EQ(way.memo->exact_sums(), way.vectors.floats != nullptr ? 16 : 0) << text;
      }
    }
  }
}

}  // namespace
}  // namespace doppel::engine
