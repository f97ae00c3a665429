// SPDX-License-Identifier: Apache-2.0
// Products that one call makes (src/engine/product_run.h): as if each were made by itself, in their order.
#include "engine/product_run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "engine/matrix_product.h"
#include "matrix_product_ways.h"

namespace doppel::engine {
namespace {

// Of all values alike; of near ones; whole numbers, of which sums are exact until they are large.
enum class Values { Any, Near, Whole };

template <typename Word>
void fill_with(std::span<std::byte> memory, const std::array<Word, 4>& words, Random& random) {
  for (std::size_t i = 0; i < memory.size(); i += sizeof(Word))
    std::memcpy(&memory[i], &words.at(random() % words.size()), sizeof(Word));
}

// 0, 1, -1 and 127; of what sums begin with, in half of the cases 2^22 is the largest.
void fill_whole(const MatrixForm& form, std::span<std::byte> factors, std::span<std::byte> sums,
                Random& random) {
  using Words = std::array<std::uint32_t, 4>;
  constexpr Words kFloats{0, 0x3f800000, 0xbf800000, 0x42fe0000};
  if (form.a == ir::MatrixElement::BF16) {
    fill_with<std::uint16_t>(factors, {0, 0x3f80, 0xbf80, 0x42fe}, random);
  } else if (form.a == ir::MatrixElement::TF32) {
    fill_with(factors, kFloats, random);
  } else {
    fill_with<std::uint16_t>(factors, {0, 0x3c00, 0xbc00, 0x57f0}, random);
  }
  if (form.d == ir::MatrixElement::F16) return fill_with<std::uint16_t>(sums, {0, 0x3c00, 0xbc00, 0}, random);
  fill_with(sums, random() % 2 == 0 ? kFloats : Words{0, 0x3f800000, 0xc0400000, 0x4a800000}, random);
}

void fill(std::span<std::byte> memory, Values values, Random& random) {
  for (std::size_t i = 0; i < memory.size(); i += 2) {
    auto half = static_cast<std::uint16_t>(random());
    if (values == Values::Near) half = (half & 0x83ff) | 0x3c00;
    std::memcpy(&memory[i], &half, 2);
  }
}

struct Layout {
  std::vector<std::uint32_t> a, b, c;
  std::uint32_t bytes = 0;

  explicit Layout(const MatrixForm& form) {
    const auto place = [&](std::vector<std::uint32_t>& places, int count, int registers) {
      for (int i = 0; i < count; ++i) {
        places.push_back(bytes);
        bytes += static_cast<std::uint32_t>(registers * form.register_bits() / 8) * kWarp;
      }
    };
    place(a, 5, form.a_registers());
    place(b, 7, form.b_registers());
    place(c, 6, form.c_registers());
  }
};

// Each A by each B: into where it is added to, or elsewhere; and what was made is added to again.
std::vector<ProductRun::Product> some_products(const Layout& layout, Random& random) {
  std::vector<ProductRun::Product> products;
  for (std::uint32_t i = 0; i < layout.a.size() * layout.b.size(); ++i) {
    const std::uint32_t c = layout.c[random() % layout.c.size()];
    const std::uint32_t d = random() % 4 == 0 ? layout.c[random() % layout.c.size()] : c;
    const auto of_b = static_cast<std::uint32_t>(layout.b.size());
    products.push_back({i / of_b, i % of_b, c, d});
  }
  // As generated code orders them: those that add to one place follow each other.
  if (random() % 2 == 0) {
    for (ProductRun::Product& one : products) one.d = one.c;
    std::ranges::sort(products, {},
                      [](const ProductRun::Product& one) { return std::array{one.c, one.a, one.b}; });
  }
  return products;
}

void compare_runs(const ir::Attributes& what, const MatrixRules& rules, std::vector<Way>& ways, Values values,
                  Random& random) {
  const Layout layout(what.matrix);
  std::vector<std::byte> memory(layout.bytes);
  if (values == Values::Whole) {
    const std::span<std::byte> all(memory);
    fill_whole(what.matrix, all.first(layout.c[0]), all.subspan(layout.c[0]), random);
  } else {
    fill(memory, values, random);
  }
  const auto products = some_products(layout, random);
  const MatrixProduct by_itself = matrix_product(what, rules, {});
  std::vector<std::byte> wanted = memory;
  for (const ProductRun::Product& one : products) {
    std::byte* const first = wanted.data();
    multiply_matrices(by_itself, {first + layout.a[one.a], first + layout.b[one.b], first + one.c,
                                  first + one.d, nullptr, nullptr});
  }
  for (std::size_t number = 0; number < ways.size(); ++number) {
    std::vector<std::byte> seen = memory;
    multiply_run(matrix_product(what, rules, ways[number].vectors),
                 {seen.data(), layout.a, layout.b, products}, ways[number].memo.get());
    ASSERT_NO_FATAL_FAILURE(expect_equal(what.matrix, seen.data(), wanted, "way " + std::to_string(number)));
  }
}

TEST(ProductRun, IsItsProductsOneAfterTheOther) {
  std::vector<Way> ways;
  for (const VectorProducts& vectors : ways_of_host()) ways.push_back({vectors});
  Random random(7);
  for (const char* text : kForms) {
    ir::Attributes what;
    what.matrix = *ir::find_matrix_form(text);
    if (what.matrix.a == ir::MatrixElement::B1) what.atomic_op = ir::AtomicOp::Xor;
    if (what.matrix.sparse || what.matrix.is_scaled()) continue;
    for (const MatrixRules& rules : {kAmpere, kBlackwell}) {
      for (const Values values : {Values::Any, Values::Near, Values::Whole}) {
        for (Way& way : ways) way.memo->forget_tries();
        for (int i = 0; i < 3; ++i) ASSERT_NO_FATAL_FAILURE(compare_runs(what, rules, ways, values, random));
        const bool whole = what.matrix.a == ir::MatrixElement::BF16 && values == Values::Whole;
        for (std::size_t i = 1; whole && i < ways.size(); ++i) EXPECT_GT(ways[i].memo->exact_sums(), 0);
      }
    }
  }
}

}  // namespace
}  // namespace doppel::engine
