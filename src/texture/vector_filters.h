// SPDX-License-Identifier: Apache-2.0
// Filters over half a warp's lanes, for any Lanes: the bits of fetch_lane(), by other ways to them.
//
// A sum of bytes is a whole number up to 255 * 2^16, of a volume 255 * 2^24. A product with the reciprocal in
// two parts divides it by 255: before the one rounding to a float it is wrong by less than 2^-46 of itself. A
// quotient by 255 that is no whole number is farther than 2^-33 of itself from where a rounding changes; one
// that is a whole number is a float, and comes out as that.
//
// Floats are weighted and added in double precision in fetch_lane()'s order. Their products are exact, so
// that adding them fused rounds the same. A texel of no weight counts where it is no finite number, unlike
// there: the result is then no number.
#pragma once

namespace doppel::texture {
namespace {

// 1 / 255 is 2^-8 + 2^-16 + ...: the first part has as many of these as a number holds, the second has the
// next three.
template <typename T>
struct Reciprocal {
  T high, low;
};
constexpr Reciprocal<float> kFloatOf255{0x1.0101p-8F, 0x1.0101p-32F};
constexpr Reciprocal<double> kDoubleOf255{0x1.010101010101p-8, 0x1.0101p-64};

// By 255 * 2^bits.
template <int bits>
inline Floats divided(Ints sum) {
  constexpr float kUnit = 1.0F / (1 << bits);
  const Floats whole = Lanes::to_floats(sum);
  return Lanes::multiply_add(whole, Lanes::splat_float(kFloatOf255.high * kUnit),
                             Lanes::multiply(whole, Lanes::splat_float(kFloatOf255.low * kUnit)));
}
template <int bits>
inline Floats divided(Doubles sum) {
  constexpr double kUnit = 1.0 / (1 << bits);
  return Lanes::to_floats(
      Lanes::multiply_add(sum, Lanes::splat_double(kDoubleOf255.high * kUnit),
                          Lanes::multiply(sum, Lanes::splat_double(kDoubleOf255.low * kUnit))));
}

// Bilinear sums of bytes, in 1/2^16: rows are mixed in words without a sign, columns of these in words that
// have one, 2^15 below them.
struct WholeWeights {
  Ints x0, x1, y, swapped_y;  // in both words; of the first row low, of the second low

  WholeWeights(Ints fx, Ints fy) {
    const Ints one = Lanes::splat(kFractionOne);
    x1 = Lanes::or_of(fx, Lanes::shift_left<16>(fx));
    x0 = Lanes::subtract(Lanes::splat(kFractionOne << 16 | kFractionOne), x1);
    y = Lanes::or_of(Lanes::subtract(one, fy), Lanes::shift_left<16>(fy));
    swapped_y = Lanes::swap_words(y);
  }
};

// texels: of (0, 0), (1, 0), (0, 1), (1, 1).
template <int kCount>
inline void add_bytes(const Ints* texels, const WholeWeights& weights, Ints* sums) {
  const Ints signs = Lanes::splat(static_cast<std::int32_t>(0x80008000U));
  const auto row = [&](Ints left, Ints right) {
    return Lanes::xor_of(
        Lanes::add_words(Lanes::multiply_words(left, weights.x0), Lanes::multiply_words(right, weights.x1)),
        signs);
  };
  const auto column = [&](Ints pairs, Ints by) {
    return Lanes::add(Lanes::multiply_add_words(pairs, by), Lanes::splat(1 << 23));
  };
  const Ints low_bytes = Lanes::splat(0x00ff00ff);
  const auto even = [&](Ints v) { return Lanes::and_of(v, low_bytes); };
  const Ints top = row(even(texels[0]), even(texels[1]));
  const Ints bottom = Lanes::swap_words(row(even(texels[2]), even(texels[3])));
  sums[0] = column(Lanes::low_and_high(top, bottom), weights.y);
  if constexpr (kCount > 2) sums[2] = column(Lanes::low_and_high(bottom, top), weights.swapped_y);
  if constexpr (kCount > 1) {
    const auto odd = [](Ints v) { return Lanes::upper_bytes(v); };
    const Ints above = row(odd(texels[0]), odd(texels[1]));
    const Ints below = Lanes::swap_words(row(odd(texels[2]), odd(texels[3])));
    sums[1] = column(Lanes::low_and_high(above, below), weights.y);
    if constexpr (kCount > 2) sums[3] = column(Lanes::low_and_high(below, above), weights.swapped_y);
  }
}

template <int kDimensions, int kCount>
inline void mix_bytes(const Ints* texels, const Places* places, Floats* results) {
  const WholeWeights weights(places[0].fraction, places[1].fraction);
  Ints sums[4];
  add_bytes<kCount>(texels, weights, sums);
  if constexpr (kDimensions == 2) {
    for (int c = 0; c < kCount; ++c) results[c] = divided<16>(sums[c]);
  } else {
    Ints behind[4];
    add_bytes<kCount>(texels + 4, weights, behind);
    const Doubles fz = Lanes::to_doubles(places[2].fraction);
    const Doubles rest = Lanes::subtract(Lanes::splat_double(kFractionOne), fz);
    for (int c = 0; c < kCount; ++c) {
      const Doubles sum = Lanes::multiply_add(Lanes::to_doubles(behind[c]), fz,
                                              Lanes::multiply(Lanes::to_doubles(sums[c]), rest));
      results[c] = divided<24>(sum);
    }
  }
}

template <int kCount>
inline void nearest_bytes(Ints texels, Floats* results) {
  const Ints byte = Lanes::splat(255);
  const Ints bytes[4] = {Lanes::and_of(texels, byte), Lanes::and_of(Lanes::shift_right<8>(texels), byte),
                         Lanes::and_of(Lanes::shift_right<16>(texels), byte), Lanes::shift_right<24>(texels)};
  for (int c = 0; c < kCount; ++c) results[c] = divided<0>(bytes[c]);
}

// Of the corners, the lowest bit of whose number is x; they add up to 1.
template <int kDimensions>
inline void weights_of(const Places* places, Doubles* weights) {
  Doubles parts[kDimensions][2];
  const Doubles unit = Lanes::splat_double(1.0 / kFractionOne), one = Lanes::splat_double(1);
  for (int d = 0; d < kDimensions; ++d) {
    parts[d][1] = Lanes::multiply(Lanes::to_doubles(places[d].fraction), unit);
    parts[d][0] = Lanes::subtract(one, parts[d][1]);
  }
  for (int corner = 0; corner < 1 << kDimensions; ++corner) {
    weights[corner] = Lanes::multiply(parts[0][corner & 1], parts[1][corner >> 1 & 1]);
    if constexpr (kDimensions > 2) weights[corner] = Lanes::multiply(weights[corner], parts[2][corner >> 2]);
  }
}

// One component of all corners.
template <int kCorners>
inline Floats mix_floats(const Floats* texels, const Doubles* weights) {
  Doubles sum = Lanes::splat_double(0);
  for (int corner = 0; corner < kCorners; ++corner)
    sum = Lanes::multiply_add(weights[corner], Lanes::to_doubles(texels[corner]), sum);
  return Lanes::to_floats(sum);
}

}  // namespace
}  // namespace doppel::texture
