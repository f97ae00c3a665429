// SPDX-License-Identifier: Apache-2.0
// Constants and constant expressions (PTX ISA 4.5).
#include "frontend/ptx/constant.h"

#include "parse_helpers.h"

namespace doppel::ptx {
namespace {

std::uint64_t bits_of(const std::string& text, Type type) {
  Lexer lexer(text);
  const auto bits = convert(parse_constant(lexer), type);
  EXPECT_TRUE(bits.has_value()) << text;
  EXPECT_EQ(lexer.current().kind, TokenKind::End) << text;
  return bits.value_or(~std::uint64_t{0});
}

TEST(Constant, IntegersOfEveryBase) {
  EXPECT_EQ(bits_of("255", Type::U32), 255U);
  EXPECT_EQ(bits_of("0xfF", Type::U32), 255U);
  EXPECT_EQ(bits_of("0b11111111", Type::U32), 255U);
  EXPECT_EQ(bits_of("0377", Type::U32), 255U);
  EXPECT_EQ(bits_of("0", Type::U32), 0U);
  EXPECT_EQ(bits_of("255U", Type::U64), 255U);
  EXPECT_EQ(bits_of("0xFFFFFFFFFFFFFFFF", Type::U64), ~std::uint64_t{0});
}

TEST(Constant, IntegersAreTruncatedAndSignExtended) {
  EXPECT_EQ(bits_of("-1", Type::U16), ~std::uint64_t{0});
  EXPECT_EQ(bits_of("0xffff", Type::B16), ~std::uint64_t{0});
  EXPECT_EQ(bits_of("0x17fff", Type::B16), 0x7fffU);
  EXPECT_EQ(bits_of("4294967295", Type::U32), ~std::uint64_t{0});
}

TEST(Constant, Floats) {
  EXPECT_EQ(bits_of("0f3F800000", Type::F32), 0x3f800000U);
  EXPECT_EQ(bits_of("-0f3F800000", Type::F32), 0xbf800000U);
  EXPECT_EQ(bits_of("0d3FF0000000000000", Type::F32), 0x3f800000U);
  EXPECT_EQ(bits_of("0f3F800000", Type::F64), 0x3ff0000000000000U);
  EXPECT_EQ(bits_of("1.5e1", Type::F64), 0x402e000000000000U);
  EXPECT_EQ(bits_of("2.0*1.5", Type::F32), 0x40400000U);
  EXPECT_EQ(bits_of("0f3F800000", Type::B32), 0x3f800000U);
}

TEST(Constant, NoConversionBetweenIntegersAndFloats) {
  for (const auto& [text, type] :
       {std::pair{"1", Type::F32}, {"1.0", Type::U32}, {"1.0", Type::B32}, {"0f3F800000", Type::F16}}) {
    Lexer lexer(text);
    EXPECT_FALSE(convert(parse_constant(lexer), type).has_value()) << text;
  }
}

TEST(Constant, OperatorsFollowTheTableOfTheIsa) {
  EXPECT_EQ(bits_of("2+3*4", Type::U32), 14U);
  EXPECT_EQ(bits_of("(2+3)*4", Type::U32), 20U);
  EXPECT_EQ(bits_of("-7/2", Type::S64), static_cast<std::uint64_t>(-3));
  EXPECT_EQ(bits_of("1<<4|1", Type::U32), 17U);
  EXPECT_EQ(bits_of("-8>>1", Type::S64), static_cast<std::uint64_t>(-4));
  EXPECT_EQ(bits_of("(.u64)-8>>1", Type::U64), 0x7ffffffffffffffcU);
  EXPECT_EQ(bits_of("!0", Type::U32), 1U);
  EXPECT_EQ(bits_of("~0", Type::U64), ~std::uint64_t{0});
  EXPECT_EQ(bits_of("1<2 && 3!=3 || 1", Type::U32), 1U);
  EXPECT_EQ(bits_of("0?5:6", Type::U32), 6U);
  EXPECT_EQ(bits_of("-1 < 0U", Type::U32), 0U);
  EXPECT_EQ(bits_of("WARP_SZ*2", Type::U32), 64U);
}

TEST(Constant, BadOnesAreErrors) {
  for (const char* line : {"mov.u32 %r1, 09;", "mov.u32 %r1, 0x;", "mov.f32 %f1, 0f3F8;", "mov.u32 %r1, 1/0;",
                           "mov.u32 %r1, 12abc;", "mov.u64 %rd1, 99999999999999999999;",
                           "mov.f32 %f1, 1e999;", "mov.u32 %r1, (1;"}) {
    EXPECT_EQ(test::parse_badly(test::kernel_text(line)).kind, Diagnostic::Kind::Malformed) << line;
  }
}

TEST(Constant, DeepNestingIsAnErrorNotACrash) {
  const std::string deep = "mov.u32 %r1, " + std::string(100000, '(') + "1;";
  EXPECT_EQ(test::parse_badly(test::kernel_text(deep)).kind, Diagnostic::Kind::Malformed);
  const std::string minus = "mov.u32 %r1, " + std::string(100000, '-') + "1;";
  EXPECT_EQ(test::parse_badly(test::kernel_text(minus)).kind, Diagnostic::Kind::Malformed);
}

}  // namespace
}  // namespace doppel::ptx
