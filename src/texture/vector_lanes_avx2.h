// SPDX-License-Identifier: Apache-2.0
// Vectors as vector_lanes_avx512.h has them, in registers of AVX2 and FMA: two, or four of doubles.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace doppel::texture {
namespace {

struct Lanes {
  struct Ints {
    __m256i low, high;
  };
  struct Floats {
    __m256 low, high;
  };
  // All bits of a lane, or none.
  struct Mask {
    __m256i low, high;
  };
  struct Doubles {
    __m256d parts[4];
  };

  static __m256i load_eight(const std::uint32_t* from) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  }
  static void store_eight(std::uint32_t* to, __m256i v) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), v);
  }
  static Ints load(const std::uint32_t* from) { return {load_eight(from), load_eight(from + 8)}; }
  static void store(std::uint32_t* to, Ints v) {
    store_eight(to, v.low);
    store_eight(to + 8, v.high);
  }
  static Ints splat(std::int32_t x) { return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)}; }
  static Floats splat_float(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
  static Floats as_floats(Ints v) { return {_mm256_castsi256_ps(v.low), _mm256_castsi256_ps(v.high)}; }
  static Ints as_ints(Floats v) { return {_mm256_castps_si256(v.low), _mm256_castps_si256(v.high)}; }

  static Mask mask_of(std::uint32_t bits) {
    const __m256i of_lane = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    const auto eight = [&](std::uint32_t some) {
      const __m256i each = _mm256_set1_epi32(static_cast<std::int32_t>(some));
      return _mm256_cmpeq_epi32(_mm256_and_si256(each, of_lane), of_lane);
    };
    return {eight(bits & 255), eight(bits >> 8 & 255)};
  }
  static std::uint32_t bits_of(Mask mask) {
    const auto eight = [](__m256i v) {
      return static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(v)));
    };
    return eight(mask.low) | eight(mask.high) << 8;
  }
  static Mask both(Mask a, Mask b) {
    return {_mm256_and_si256(a.low, b.low), _mm256_and_si256(a.high, b.high)};
  }
  static Mask either(Mask a, Mask b) {
    return {_mm256_or_si256(a.low, b.low), _mm256_or_si256(a.high, b.high)};
  }
  static Ints select(Mask mask, Ints yes, Ints no) {
    return {_mm256_blendv_epi8(no.low, yes.low, mask.low), _mm256_blendv_epi8(no.high, yes.high, mask.high)};
  }
  static Floats select(Mask mask, Floats yes, Floats no) {
    return as_floats(select(mask, as_ints(yes), as_ints(no)));
  }
  static Ints or_zero(Mask mask, Ints yes) {
    return {_mm256_and_si256(mask.low, yes.low), _mm256_and_si256(mask.high, yes.high)};
  }
  static Floats or_zero(Mask mask, Floats yes) { return as_floats(or_zero(mask, as_ints(yes))); }

  static Ints add(Ints a, Ints b) {
    return {_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high)};
  }
  static Ints subtract(Ints a, Ints b) {
    return {_mm256_sub_epi32(a.low, b.low), _mm256_sub_epi32(a.high, b.high)};
  }
  static Ints multiply(Ints a, Ints b) {
    return {_mm256_mullo_epi32(a.low, b.low), _mm256_mullo_epi32(a.high, b.high)};
  }
  static Ints and_of(Ints a, Ints b) {
    return {_mm256_and_si256(a.low, b.low), _mm256_and_si256(a.high, b.high)};
  }
  static Ints or_of(Ints a, Ints b) {
    return {_mm256_or_si256(a.low, b.low), _mm256_or_si256(a.high, b.high)};
  }
  static Ints xor_of(Ints a, Ints b) {
    return {_mm256_xor_si256(a.low, b.low), _mm256_xor_si256(a.high, b.high)};
  }
  static Ints smaller(Ints a, Ints b) {
    return {_mm256_min_epi32(a.low, b.low), _mm256_min_epi32(a.high, b.high)};
  }
  static Ints larger(Ints a, Ints b) {
    return {_mm256_max_epi32(a.low, b.low), _mm256_max_epi32(a.high, b.high)};
  }
  static Mask differ(Ints a, Ints b) {
    const __m256i ones = _mm256_set1_epi32(-1);
    return {_mm256_xor_si256(_mm256_cmpeq_epi32(a.low, b.low), ones),
            _mm256_xor_si256(_mm256_cmpeq_epi32(a.high, b.high), ones)};
  }
  // Of numbers without a sign.
  static Mask is_less(Ints a, Ints b) {
    const Ints signs = splat(INT32_MIN), x = xor_of(a, signs), y = xor_of(b, signs);
    return {_mm256_cmpgt_epi32(y.low, x.low), _mm256_cmpgt_epi32(y.high, x.high)};
  }
  template <int by>
  static Ints shift_left(Ints v) {
    return {_mm256_slli_epi32(v.low, by), _mm256_slli_epi32(v.high, by)};
  }
  template <int by>
  static Ints shift_right(Ints v) {
    return {_mm256_srli_epi32(v.low, by), _mm256_srli_epi32(v.high, by)};
  }
  template <int by>
  static Ints shift_signed_right(Ints v) {
    return {_mm256_srai_epi32(v.low, by), _mm256_srai_epi32(v.high, by)};
  }
  static Ints shift_right_by(Ints v, Ints by) {
    return {_mm256_srlv_epi32(v.low, by.low), _mm256_srlv_epi32(v.high, by.high)};
  }

  // Of numbers of 16 bits.
  static Ints add_words(Ints a, Ints b) {
    return {_mm256_add_epi16(a.low, b.low), _mm256_add_epi16(a.high, b.high)};
  }
  static Ints multiply_words(Ints a, Ints b) {
    return {_mm256_mullo_epi16(a.low, b.low), _mm256_mullo_epi16(a.high, b.high)};
  }
  static Ints upper_bytes(Ints v) { return {_mm256_srli_epi16(v.low, 8), _mm256_srli_epi16(v.high, 8)}; }
  static Ints swap_words(Ints v) { return or_of(shift_left<16>(v), shift_right<16>(v)); }
  // The low words of one and the high ones of the other.
  static Ints low_and_high(Ints low, Ints high) {
    return {_mm256_blend_epi16(low.low, high.low, 0xaa), _mm256_blend_epi16(low.high, high.high, 0xaa)};
  }
  // Products with a sign, those of two neighbours added.
  static Ints multiply_add_words(Ints a, Ints b) {
    return {_mm256_madd_epi16(a.low, b.low), _mm256_madd_epi16(a.high, b.high)};
  }

  static Floats multiply(Floats a, Floats b) {
    return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)};
  }
  static Floats subtract(Floats a, Floats b) {
    return {_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)};
  }
  static Floats multiply_add(Floats a, Floats b, Floats c) {
    return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
  }
  static Floats smaller(Floats a, Floats b) {
    return {_mm256_min_ps(a.low, b.low), _mm256_min_ps(a.high, b.high)};
  }
  static Floats larger(Floats a, Floats b) {
    return {_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)};
  }
  static Floats floor(Floats v) { return {_mm256_floor_ps(v.low), _mm256_floor_ps(v.high)}; }
  template <int how>
  static Mask compare(Floats a, Floats b) {
    return {_mm256_castps_si256(_mm256_cmp_ps(a.low, b.low, how)),
            _mm256_castps_si256(_mm256_cmp_ps(a.high, b.high, how))};
  }
  static Mask is_number(Floats v) { return compare<_CMP_ORD_Q>(v, v); }
  static Mask differ(Floats a, Floats b) { return compare<_CMP_NEQ_UQ>(a, b); }
  static Ints to_ints(Floats v) { return {_mm256_cvttps_epi32(v.low), _mm256_cvttps_epi32(v.high)}; }
  static Ints nearest(Floats v) {
    constexpr int kHow = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
    return to_ints({_mm256_round_ps(v.low, kHow), _mm256_round_ps(v.high, kHow)});
  }
  static Ints floor_to_ints(Floats v) { return to_ints(floor(v)); }
  static Floats to_floats(Ints v) { return {_mm256_cvtepi32_ps(v.low), _mm256_cvtepi32_ps(v.high)}; }

  // Of each of the four parts.
  template <typename Function>
  static Doubles by_parts(const Function& function) {
    return {{function(0), function(1), function(2), function(3)}};
  }
  static Doubles splat_double(double x) {
    return by_parts([&](int) { return _mm256_set1_pd(x); });
  }
  static Doubles to_doubles(Floats v) {
    return {{_mm256_cvtps_pd(_mm256_castps256_ps128(v.low)), _mm256_cvtps_pd(_mm256_extractf128_ps(v.low, 1)),
             _mm256_cvtps_pd(_mm256_castps256_ps128(v.high)),
             _mm256_cvtps_pd(_mm256_extractf128_ps(v.high, 1))}};
  }
  static Doubles to_doubles(Ints v) {
    return {{_mm256_cvtepi32_pd(_mm256_castsi256_si128(v.low)),
             _mm256_cvtepi32_pd(_mm256_extracti128_si256(v.low, 1)),
             _mm256_cvtepi32_pd(_mm256_castsi256_si128(v.high)),
             _mm256_cvtepi32_pd(_mm256_extracti128_si256(v.high, 1))}};
  }
  static Floats to_floats(const Doubles& v) {
    const auto eight = [&](int part) {
      return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm256_cvtpd_ps(v.parts[part])),
                                  _mm256_cvtpd_ps(v.parts[part + 1]), 1);
    };
    return {eight(0), eight(2)};
  }
  static Doubles multiply(const Doubles& a, const Doubles& b) {
    return by_parts([&](int i) { return _mm256_mul_pd(a.parts[i], b.parts[i]); });
  }
  static Doubles subtract(const Doubles& a, const Doubles& b) {
    return by_parts([&](int i) { return _mm256_sub_pd(a.parts[i], b.parts[i]); });
  }
  static Doubles multiply_add(const Doubles& a, const Doubles& b, const Doubles& c) {
    return by_parts([&](int i) { return _mm256_fmadd_pd(a.parts[i], b.parts[i], c.parts[i]); });
  }
  // The 32 bits of each lane at base + index * scale bytes.
  template <int scale>
  static Ints gather(const void* base, Ints index) {
    const auto* const from = static_cast<const int*>(base);
    return {_mm256_i32gather_epi32(from, index.low, scale), _mm256_i32gather_epi32(from, index.high, scale)};
  }
  // The 64 bits there, in two halves.
  template <int scale>
  static void gather_pairs(const void* base, Ints index, Ints& first, Ints& second) {
    const auto* const from = static_cast<const long long*>(base);
    const auto eight = [&](__m256i at, __m256i& even, __m256i& odd) {
      const __m256 low = _mm256_castsi256_ps(_mm256_i32gather_epi64(from, _mm256_castsi256_si128(at), scale));
      const __m256 high =
          _mm256_castsi256_ps(_mm256_i32gather_epi64(from, _mm256_extracti128_si256(at, 1), scale));
      // Of lanes 0, 1, 4, 5, 2, 3, 6, 7.
      const __m256d firsts = _mm256_castps_pd(_mm256_shuffle_ps(low, high, 0x88));
      const __m256d seconds = _mm256_castps_pd(_mm256_shuffle_ps(low, high, 0xdd));
      even = _mm256_castpd_si256(_mm256_permute4x64_pd(firsts, 0xd8));
      odd = _mm256_castpd_si256(_mm256_permute4x64_pd(seconds, 0xd8));
    };
    eight(index.low, first.low, second.low);
    eight(index.high, first.high, second.high);
  }

  // Of eight lanes, from `first` on.
  template <typename Quad>
  [[gnu::always_inline]] static void planes_of_eight(const Quad& quad, int first, __m256* planes) {
    const auto two = [&](int lane) __attribute__((always_inline)) {
      return _mm256_insertf128_ps(_mm256_castps128_ps256(quad(first + lane)), quad(first + lane + 4), 1);
    };
    const __m256 a = two(0), b = two(1), c = two(2), d = two(3);
    const __m256d ab_low = _mm256_castps_pd(_mm256_unpacklo_ps(a, b));
    const __m256d ab_high = _mm256_castps_pd(_mm256_unpackhi_ps(a, b));
    const __m256d cd_low = _mm256_castps_pd(_mm256_unpacklo_ps(c, d));
    const __m256d cd_high = _mm256_castps_pd(_mm256_unpackhi_ps(c, d));
    planes[0] = _mm256_castpd_ps(_mm256_unpacklo_pd(ab_low, cd_low));
    planes[1] = _mm256_castpd_ps(_mm256_unpackhi_pd(ab_low, cd_low));
    planes[2] = _mm256_castpd_ps(_mm256_unpacklo_pd(ab_high, cd_high));
    planes[3] = _mm256_castpd_ps(_mm256_unpackhi_pd(ab_high, cd_high));
  }
  // The four floats that quad(lane) gives of each lane, in four parts.
  template <typename Quad>
  [[gnu::always_inline]] static void planes_of(const Quad& quad, Floats* parts) {
    __m256 low[4], high[4];
    planes_of_eight(quad, 0, low);
    planes_of_eight(quad, 8, high);
    for (int c = 0; c < 4; ++c) parts[c] = {low[c], high[c]};
  }

  // The sums over the corners of a lane's four floats, quad(corner, lane), times its weights.
  template <int kCorners, typename Quad>
  [[gnu::always_inline]] static void mix_quads(const Quad& quad, const Doubles* weights, Floats* results) {
    alignas(32) double weight[kCorners][16];
    for (int corner = 0; corner < kCorners; ++corner) {
      for (int i = 0; i < 4; ++i) _mm256_store_pd(weight[corner] + 4 * i, weights[corner].parts[i]);
    }
    planes_of(
        [&](int lane) __attribute__((always_inline)) {
          __m256d sum = _mm256_setzero_pd();
          for (int corner = 0; corner < kCorners; ++corner)
            sum = _mm256_fmadd_pd(_mm256_cvtps_pd(quad(corner, lane)), _mm256_set1_pd(weight[corner][lane]),
                                  sum);
          return _mm256_cvtpd_ps(sum);
        },
        results);
  }
};

}  // namespace
}  // namespace doppel::texture
