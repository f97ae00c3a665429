// SPDX-License-Identifier: Apache-2.0
// The reference's arithmetic against the host's IEEE unit: two ways that share nothing.
#include "reference/float_ops.h"

#include <gtest/gtest.h>

#include <bit>
#include <cfenv>
#include <cmath>
#include <random>
#include <vector>

namespace doppel::reference {
namespace {

using ptx::Rounding;

struct Mode {
  Rounding ptx;
  int host;
};
constexpr Mode kModes[] = {{Rounding::Rn, FE_TONEAREST},
                           {Rounding::Rz, FE_TOWARDZERO},
                           {Rounding::Rm, FE_DOWNWARD},
                           {Rounding::Rp, FE_UPWARD}};

template <typename Float>
struct Traits;
template <>
struct Traits<float> {
  using Word = std::uint32_t;
  static constexpr Format format = kF32;
};
template <>
struct Traits<double> {
  using Word = std::uint64_t;
  static constexpr Format format = kF64;
};

// Edge values, and values whose exponents lie close enough together that roundings and cancellations happen.
template <typename Float>
std::vector<Bits> values() {
  const Format& f = Traits<Float>::format;
  std::vector<Bits> list = {0,
                            1,
                            2,
                            f.infinity(),
                            f.infinity() - 1,
                            f.one(),
                            f.one() + 1,
                            f.one() - 1,
                            Bits{1} << f.mantissa_bits,
                            (Bits{1} << f.mantissa_bits) - 1,
                            f.nan};
  std::mt19937_64 random(1);
  for (int i = 0; i < 60; ++i) {
    const Bits mantissa = random() & ((Bits{1} << f.mantissa_bits) - 1);
    const auto exponent = static_cast<Bits>(f.bias() + static_cast<int>(random() % 60) - 30);
    list.push_back(exponent << f.mantissa_bits | (i % 3 == 0 ? mantissa & ~Bits{0xfff} : mantissa));
  }
  for (int i = 0; i < 40; ++i) list.push_back(random() & f.magnitude_mask());
  const std::size_t count = list.size();
  for (std::size_t i = 0; i < count; ++i) list.push_back(list[i] | f.sign_bit());
  return list;
}

template <typename Float>
Float host(Bits bits) {
  return std::bit_cast<Float>(static_cast<typename Traits<Float>::Word>(bits));
}

template <typename Float, typename Operation>
Bits on_host(int mode, Operation operation) {
  std::fesetround(mode);
  volatile Float result = operation();
  std::fesetround(FE_TONEAREST);
  const Float value = result;
  return std::bit_cast<typename Traits<Float>::Word>(value);
}

template <typename Float>
void check_all() {
  const Format& f = Traits<Float>::format;
  const std::vector<Bits> list = values<Float>();
  const auto same = [&](Bits got, Bits want) { return got == want || (is_nan(f, got) && is_nan(f, want)); };
  std::size_t c_index = 0;
  for (const Mode& mode : kModes) {
    const FloatMode m{mode.ptx};
    for (const Bits a : list) {
      volatile Float x = host<Float>(a);
      EXPECT_TRUE(same(float_sqrt(f, a, m), on_host<Float>(mode.host, [&] { return std::sqrt(Float{x}); })))
          << std::hex << a;
      for (const Bits b : list) {
        volatile Float y = host<Float>(b);
        c_index = (c_index + 7) % list.size();
        const Bits c = list[c_index];
        volatile Float z = host<Float>(c);
        const auto at = [&] { return ::testing::Message() << std::hex << a << ' ' << b << ' ' << c; };
        ASSERT_TRUE(same(float_add(f, a, b, m), on_host<Float>(mode.host, [&] { return x + y; }))) << at();
        ASSERT_TRUE(same(float_sub(f, a, b, m), on_host<Float>(mode.host, [&] { return x - y; }))) << at();
        ASSERT_TRUE(same(float_mul(f, a, b, m), on_host<Float>(mode.host, [&] { return x * y; }))) << at();
        ASSERT_TRUE(same(float_div(f, a, b, m), on_host<Float>(mode.host, [&] { return x / y; }))) << at();
        ASSERT_TRUE(
            same(float_fma(f, a, b, c, m), on_host<Float>(mode.host, [&] { return std::fma(x, y, z); })))
            << at();
      }
    }
  }
}

TEST(ReferenceFloat, BinaryThirtyTwoAgreesWithTheHost) { check_all<float>(); }
TEST(ReferenceFloat, BinarySixtyFourAgreesWithTheHost) { check_all<double>(); }

TEST(ReferenceFloat, RoundsHalfPrecisionAsDoubleThenHalfDoes) {
  // A product of two halves is exact in binary64, so one rounding of that is the truth.
  std::mt19937 random(2);
  for (int i = 0; i < 20000; ++i) {
    const Bits a = random() & 0xffff;
    const Bits b = random() & 0xffff;
    if (is_nan(kF16, a) || is_nan(kF16, b) || is_infinity(kF16, a) || is_infinity(kF16, b)) continue;
    const Exact x = unpack(kF16, a);
    const Exact y = unpack(kF16, b);
    const Exact product{x.negative != y.negative, x.exponent + y.exponent, x.significand * y.significand};
    EXPECT_EQ(float_mul(kF16, a, b, {}), round_to(kF16, product, Rounding::Rn));
  }
}

TEST(ReferenceFloat, FlushesAndClamps) {
  EXPECT_EQ(float_add(kF32, 1, 0x80000000, {.ftz = true}), 0u);
  EXPECT_EQ(float_mul(kF32, 0x80800000, 0x3f000000, {.ftz = true}), 0x80000000u);
  EXPECT_EQ(float_add(kF32, kF32.nan, 0, {.sat = true}), 0u);
  EXPECT_EQ(float_add(kF32, 0x40000000, 0, {.sat = true}), kF32.one());
  EXPECT_EQ(float_fma(kF16, 0xbc00, 0x3c00, 0, {.relu = true}), 0u);
}

}  // namespace
}  // namespace doppel::reference
