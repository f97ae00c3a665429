// SPDX-License-Identifier: Apache-2.0
// Where fragments lie (src/jit/fragment_places.h): none that is needed shares its place with another.
#include "jit/fragment_places.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "frontend/ptx/parse.h"
#include "frontend/ptx/to_ir.h"
#include "ir/operation.h"

namespace doppel::jit::fragment_places {
namespace {

// Rounds of a loop that is unrolled: each loads a new A and B, and adds to what the round before it made.
ir::Function unrolled(int rounds) {
  std::string text = R"(
.version 7.8
.target sm_86
.address_size 64
.visible .entry k(.param .u64 in)
{
  .reg .u64 %at;
  .reg .f64 %a<200>, %b<200>, %c<200>, %d<200>;
  ld.param.u64 %at, [in];
  ld.global.f64 %c0, [%at];
  ld.global.f64 %d0, [%at];
)";
  for (int i = 0; i < rounds; ++i) {
    const std::string now = std::to_string(i), next = std::to_string(i + 1);
    text += "ld.global.f64 %a" + now + ", [%at];\nld.global.f64 %b" + now + ", [%at];\n";
    text += "mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%c" + next + ", %d" + next + "}, {%a" + now +
            "}, {%b" + now + "}, {%c" + now + ", %d" + now + "};\n";
  }
  const std::string last = std::to_string(rounds);
  text += "st.global.f64 [%at], %c" + last + ";\nst.global.f64 [%at+8], %d" + last + ";\nret; }\n";
  auto parsed = ptx::parse(text);
  EXPECT_TRUE(parsed);
  return std::move(ptx::to_ir(std::move(*parsed)).functions[0]);
}

FragmentPlaces places_of(const ir::Function& function, bool of_block) {
  return {function, std::vector<bool>(function.registers.size(), of_block),
          [](const ir::Operand& operand) { return operand.is_register(); }};
}

std::vector<const ir::Operation*> products(const ir::Function& function) {
  std::vector<const ir::Operation*> all;
  for (const ir::Operation& operation : function.operations) {
    if (operation.op == ir::Op::MatrixMultiply) all.push_back(&operation);
  }
  return all;
}

constexpr std::uint64_t kRegister = 256;

TEST(FragmentPlaces, OfManyRoundsTakeNoMoreThanOfSome) {
  const auto some = places_of(unrolled(40), true), many = places_of(unrolled(190), true);
  EXPECT_EQ(some.bytes(), many.bytes());
  EXPECT_LT(many.bytes(), 64 * kRegister);
}

TEST(FragmentPlaces, ThatOtherBlocksNeedAreTheirOwn) {
  const auto places = places_of(unrolled(40), false);
  EXPECT_EQ(places.bytes(), (40 * 2 + 41 * 2) * kRegister);
}

TEST(FragmentPlaces, ASumTakesThePlaceOfWhatItIsAddedTo) {
  const ir::Function function = unrolled(10);
  const auto places = places_of(function, true);
  const auto first = [&](ir::RegisterId reg) { return places.places().at(reg).offset; };
  for (const ir::Operation* product : products(function)) {
    EXPECT_EQ(first(product->results[0].reg), first(product->sources[2].reg));
    EXPECT_EQ(first(product->results[1].reg), first(product->results[0].reg) + kRegister);
  }
}

TEST(FragmentPlaces, AProductsOperandsLieApart) {
  const ir::Function function = unrolled(190);
  const auto places = places_of(function, true);
  for (const ir::Operation* product : products(function)) {
    std::vector<std::uint64_t> offsets;
    for (const ir::Operand& source : product->sources) {
      if (!source.is_register()) continue;  // the member mask
      offsets.push_back(places.places().at(source.reg).offset);
    }
    std::ranges::sort(offsets);
    EXPECT_EQ(std::ranges::adjacent_find(offsets), offsets.end());
  }
}

// The next products' factors do not lie where those of a run are, which is made later.
TEST(FragmentPlaces, APlaceIsLeftAloneForAWhile) {
  const ir::Function function = unrolled(190);
  const auto places = places_of(function, true);
  const auto all = products(function);
  for (std::size_t i = 0; i + 8 < all.size(); ++i) {
    for (std::size_t j = i + 1; j < i + 8; ++j)
      EXPECT_NE(places.places().at(all[i]->sources[0].reg).offset,
                places.places().at(all[j]->sources[0].reg).offset);
  }
}

}  // namespace
}  // namespace doppel::jit::fragment_places
