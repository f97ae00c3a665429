// SPDX-License-Identifier: Apache-2.0
// Every form of mma against the reference, which takes one element of D at a time, by the rules of both
// cards.
#include "engine/matrix_product.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "matrix_product_ways.h"

namespace doppel::engine {
namespace {

using ir::AtomicOp;

// Of all values alike; of near ones, so that sums are long; of few, so that many are zero; of all that
// vectors multiply and somewhat beyond; of products that are as large as they get, of one sign.
enum class Spread { Any, Near, Small, Wide, Full };

// A float with its exponent in the range, or zero.
std::uint32_t wide_float(Random& random, int least, int most) {
  if (random() % 8 == 0) return random() & 0x80000000;
  const auto exponent = static_cast<std::uint32_t>(least + static_cast<int>(random() % (most - least + 1)));
  return (random() & 0x807fffff) | (exponent + 127) << 23;
}

// What the vectors' code takes, or one more: with 5 bits of exponent C is at least 2^-49.
std::uint64_t wide_value(Random& random, const MatrixForm& form, ir::MatrixElement element, bool beyond) {
  const int least = -38 - (beyond ? 1 : 0), most = 47 + (beyond ? 1 : 0);
  const bool wide = form.a == ir::MatrixElement::BF16 || form.a == ir::MatrixElement::TF32;
  const int least_sum = (form.bits_of(form.a) == 8 ? -20 : wide ? -76 : -49) - (beyond ? 1 : 0);
  const auto half = [&] {
    const std::uint32_t bits = random() & 0xffff;
    return random() % 8 == 0 ? 0 : (bits & 0x7c00) == 0x7c00 ? bits ^ 0x4000 : bits;
  };
  const auto without = [&](std::uint32_t codes) {
    std::uint32_t word = random();
    for (int shift = 0; shift < 32; shift += 8) {
      if ((word >> shift & codes) == codes) word ^= 0x40u << shift;
    }
    return word;
  };
  switch (element) {
    case ir::MatrixElement::F16:
      return half() | half() << 16;
    case ir::MatrixElement::BF16:
      return wide_float(random, least, most) >> 16 | (wide_float(random, least, most) & 0xffff0000);
    case ir::MatrixElement::TF32:
      return wide_float(random, least, most);
    case ir::MatrixElement::F32:
      return wide_float(random, least_sum, 99);
    case ir::MatrixElement::E4M3:
      return without(0x7f);
    case ir::MatrixElement::E5M2:
      return without(0x7c);
    default:
      return random() | static_cast<std::uint64_t>(random()) << 32;
  }
}

std::uint64_t value(Random& random, const MatrixForm& form, ir::MatrixElement element, Spread spread,
                    bool beyond) {
  std::uint64_t bits = random() | static_cast<std::uint64_t>(random()) << 32;
  if (spread == Spread::Any) return bits;
  if (spread == Spread::Wide) return wide_value(random, form, element, beyond);
  const std::uint64_t sign = bits & 0x80008000;
  if (spread == Spread::Full && element != ir::MatrixElement::F64) {
    const bool halves = element == ir::MatrixElement::F16 || element == ir::MatrixElement::BF16;
    const bool words = element == ir::MatrixElement::TF32 || element == ir::MatrixElement::F32;
    return words ? 0x3fffffff : halves ? 0x3fff3fff - (bits & 0x00010001) : 0x3f3f3f3f;
  }
  switch (element) {
    case ir::MatrixElement::F16:
      return (spread == Spread::Near ? 0x38003800u : 0) + (bits & 0x0fff0fff) + sign;
    case ir::MatrixElement::BF16:
      return (spread == Spread::Near ? 0x3f003f00u : 0) + (bits & 0x01ff01ff) + sign;
    case ir::MatrixElement::TF32:
    case ir::MatrixElement::F32:
      return (spread == Spread::Near ? 0x3e000000u : 0) + (bits & 0x03ffffff) + (bits & 0x80000000);
    case ir::MatrixElement::F64:
      return (spread == Spread::Near ? 0x3fe0000000000000u : 0) + (bits & 0x803fffffffffffff);
    default:
      return spread == Spread::Near
                 ? bits
                 : bits & (random() | static_cast<std::uint64_t>(random()) << 32) & 0x9f9f9f9f9f9f9f9f;
  }
}

reference::Fragment fragment(Random& random, const MatrixForm& form, int registers, ir::MatrixElement element,
                             Spread spread, bool beyond) {
  reference::Fragment made(static_cast<std::size_t>(registers));
  for (auto& reg : made) {
    for (std::uint64_t& lane : reg) {
      lane = value(random, form, element, spread, beyond);
      if (element != ir::MatrixElement::F64) lane &= 0xffffffff;
    }
  }
  return made;
}

void compare(const ir::Attributes& what, const MatrixRules& rules, std::vector<Way>& ways, Spread spread,
             Random& random) {
  const MatrixForm& form = what.matrix;
  const bool beyond = random() % 8 == 0;
  Factors factors;
  factors.a = fragment(random, form, form.a_registers(), form.a, spread, beyond);
  factors.b = fragment(random, form, form.b_registers(), form.b, spread, beyond);
  factors.c = fragment(random, form, form.c_registers(), form.c, spread, beyond);
  compare(what, rules, ways, factors, some_selectors(random, form, spread == Spread::Any),
          "spread " + std::to_string(static_cast<int>(spread)));
}

// What vectors are for is done by them: numbers that are near one, whole numbers, some of a wide spread.
void expect_taken(const MatrixForm& form, const MatrixRules& rules, const Way& way, Spread spread,
                  int products) {
  if (!matrix_product({.matrix = form}, rules, way.vectors).in_vectors()) return;
  const bool whole = form.d == ir::MatrixElement::S32;
  if (form.a == ir::MatrixElement::F64) {
    EXPECT_GT(way.taken, 0) << ir::text_of(form);
    return;
  }
  if ((spread == Spread::Near && form.bits_of(form.a) > 8) || (whole && !form.sparse)) {
    EXPECT_EQ(way.taken, products) << ir::text_of(form);
  }
  if (spread == Spread::Wide && !form.is_scaled() && form.d == ir::MatrixElement::F32) {
    EXPECT_GT(way.taken, 0) << ir::text_of(form);
  }
}

TEST(MatrixProduct, IsTheReferencesBitByBit) {
  constexpr int kProducts = 8;
  Random random(1);
  std::vector<Way> ways;
  for (const VectorProducts& vectors : ways_of_host()) ways.push_back({vectors});
  for (const char* text : kForms) {
    const auto form = ir::find_matrix_form(text);
    ASSERT_TRUE(form) << text;
    EXPECT_EQ(ir::text_of(*form), text);
    EXPECT_EQ(ir::unpacked_matrix_form(ir::packed(*form)), *form);
    const bool bits = form->a == ir::MatrixElement::B1;
    for (const MatrixRules& rules : {kAmpere, kBlackwell}) {
      for (const Spread spread : {Spread::Any, Spread::Near, Spread::Small, Spread::Wide, Spread::Full}) {
        for (Way& way : ways) way.taken = 0;
        for (int i = 0; i < kProducts; ++i) {
          constexpr std::array kRoundings{ir::Rounding::None, ir::Rounding::Rn, ir::Rounding::Rz,
                                          ir::Rounding::Rm, ir::Rounding::Rp};
          ir::Attributes what;
          what.matrix = *form;
          if (bits) what.atomic_op = i % 2 == 0 ? AtomicOp::Xor : AtomicOp::And;
          what.satfinite = form->d == ir::MatrixElement::S32 && !bits && i % 2 == 1;
          if (form->a == ir::MatrixElement::F64)
            what.rounding = kRoundings[static_cast<std::size_t>(i) % kRoundings.size()];
          ASSERT_NO_FATAL_FAILURE(compare(what, rules, ways, spread, random));
        }
        for (const Way& way : ways) expect_taken(*form, rules, way, spread, kProducts);
      }
    }
  }
}

// The places that the figures of the ISA give, of the first and the last elements.
TEST(MatrixProduct, PlacesAreThoseOfTheFigures) {
  const MatrixForm form = *ir::find_matrix_form("m16n8k16_f32_f16_f16_f32");
  const auto place = [](ir::MatrixPlace p) { return std::array{p.lane, p.reg, p.element}; };
  EXPECT_EQ(place(place_in_a(form, 0, 0)), (std::array{0, 0, 0}));
  EXPECT_EQ(place(place_in_a(form, 8, 3)), (std::array{1, 1, 1}));
  EXPECT_EQ(place(place_in_a(form, 7, 15)), (std::array{31, 2, 1}));
  EXPECT_EQ(place(place_in_a(form, 15, 8)), (std::array{28, 3, 0}));
  EXPECT_EQ(place(place_in_b(form, 9, 2)), (std::array{8, 1, 1}));
  EXPECT_EQ(place(place_in_c(form, form.c, 9, 5)), (std::array{6, 3, 0}));
  const MatrixForm halves = *ir::find_matrix_form("m16n8k16_f16_f16_f16_f16");
  EXPECT_EQ(place(place_in_c(halves, halves.c, 9, 5)), (std::array{6, 1, 1}));
}

}  // namespace
}  // namespace doppel::engine
