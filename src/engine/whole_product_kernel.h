// SPDX-License-Identifier: Apache-2.0
// The products of whole_product.h, written for any WideLanes, in the order that fragments have: a vector of C
// or D has four rows, one in each quarter, and every other column.
#pragma once

namespace doppel::engine {
namespace {

constexpr int kMostRowBytes = 64;

// Sixteen bytes of each quarter to numbers of 16 bits, two vectors; of nibbles to four.
inline int widen_whole(Vector bytes, bool nibbles, bool is_signed, Vector* to) {
  const Vector zero = WideLanes::splat32(0);
  const auto put = [&](Vector numbers, Vector* place) {
    if (!is_signed) {
      place[0] = WideLanes::unpack_low8(numbers, zero);
      place[1] = WideLanes::unpack_high8(numbers, zero);
      return;
    }
    place[0] = WideLanes::unpack_low8(zero, numbers);
    place[1] = WideLanes::unpack_high8(zero, numbers);
    for (int i = 0; i < 2; ++i) {
      place[i] = nibbles ? WideLanes::shift_signed_right16<12>(WideLanes::shift_left16<4>(place[i]))
                         : WideLanes::shift_signed_right16<8>(place[i]);
    }
  };
  if (!nibbles) {
    put(bytes, to);
    return 2;
  }
  const Vector low_bits = WideLanes::splat8(15);
  const Vector even = WideLanes::and_of(bytes, low_bits);
  const Vector odd = WideLanes::and_of(WideLanes::shift_right16<4>(bytes), low_bits);
  put(WideLanes::unpack_low8(even, odd), to);
  put(WideLanes::unpack_high8(even, odd), to + 2);
  return 4;
}

// Of B, by vector of 16 bits along k: pairs of numbers of the even columns, each four in a quarter, then of
// the odd ones.
struct PairsOfB {
  alignas(kVector) std::byte at[kMostRowBytes / 16 * 4][2][kVector];
};

inline void take_pairs(const WholePlan& plan, const std::byte* b, PairsOfB& to) {
  int count = 0;
  for (int byte = 0; byte < plan.row_bytes; byte += kQuarter) {
    Vector halves[2][4];
    int widened = 0;
    for (int half = 0; half < 2; ++half) {
      widened = widen_whole(WideLanes::load(b + byte * kColumns + half * kVector), plan.nibbles,
                            plan.b_signed, halves[half]);
    }
    for (int i = 0; i < widened; ++i) {
      const Vector left = WideLanes::across(halves[0][i]), right = WideLanes::across(halves[1][i]);
      WideLanes::store(to.at[count][0], WideLanes::even_words(left, right));
      WideLanes::store(to.at[count][1], WideLanes::odd_words(left, right));
      ++count;
    }
  }
}

// Sums of two columns' parity.
struct TwoSums {
  Vector even, odd;
};

template <int pair>
void add_pair(Vector a, const PairsOfB& b, int index, TwoSums& sums) {
  const Vector of_a = WideLanes::repeat_word<pair>(a);
  const auto times = [&](int parity) {
    return WideLanes::multiply_add16(of_a, WideLanes::load_quarter(b.at[index][parity] + pair * kQuarter));
  };
  sums.even = WideLanes::add32(sums.even, times(0));
  sums.odd = WideLanes::add32(sums.odd, times(1));
}

// Clamped where both have one sign and their sum has the other.
inline Vector whole_sum(Vector c, Vector products, bool clamp) {
  const Vector sum = WideLanes::add32(c, products);
  if (!clamp) return sum;
  const Vector beyond = WideLanes::shift_signed_right32<31>(
      WideLanes::and_of(WideLanes::xor_of(c, sum), WideLanes::xor_of(products, sum)));
  const Vector limit =
      WideLanes::xor_of(WideLanes::shift_signed_right32<31>(c), WideLanes::splat32(INT32_MAX));
  return WideLanes::xor_of(sum, WideLanes::and_of(beyond, WideLanes::xor_of(sum, limit)));
}

inline void multiply_whole_in_vectors(const WholePlan& plan, const std::byte* a, const std::byte* b,
                                      const std::byte* c, std::byte* d) {
  PairsOfB pairs;
  take_pairs(plan, b, pairs);
  constexpr int kMostFours = kMostRows / 4;
  TwoSums all[kMostFours];
  const int fours = plan.rows / 4;
  for (int four = 0; four < fours; ++four) {
    TwoSums sums{WideLanes::splat32(0), WideLanes::splat32(0)};
    int index = 0;
    for (int byte = 0; byte < plan.row_bytes; byte += kQuarter) {
      Vector numbers[4];
      const int widened = widen_whole(WideLanes::load(a + byte * plan.rows + four * kVector), plan.nibbles,
                                      plan.a_signed, numbers);
      for (int i = 0; i < widened; ++i, ++index) {
        add_pair<0>(numbers[i], pairs, index, sums);
        add_pair<1>(numbers[i], pairs, index, sums);
        add_pair<2>(numbers[i], pairs, index, sums);
        add_pair<3>(numbers[i], pairs, index, sums);
      }
    }
    all[four] = {whole_sum(WideLanes::load(c + place_in_fragment(0, four)), sums.even, plan.clamp),
                 whole_sum(WideLanes::load(c + place_in_fragment(1, four)), sums.odd, plan.clamp)};
  }
  for (int four = 0; four < fours; ++four) {
    WideLanes::store(d + place_in_fragment(0, four), all[four].even);
    WideLanes::store(d + place_in_fragment(1, four), all[four].odd);
  }
}

}  // namespace
}  // namespace doppel::engine
