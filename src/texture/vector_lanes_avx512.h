// SPDX-License-Identifier: Apache-2.0
// Vectors of half a warp's lanes for vector_fetch_kernel.h, in AVX-512's registers. Included with that
// target.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace doppel::texture {
namespace {

struct Lanes {
  using Ints = __m512i;
  using Floats = __m512;
  using Mask = __mmask16;
  struct Doubles {
    __m512d low, high;  // of the first eight lanes, of the others
  };

  static Ints load(const std::uint32_t* from) { return _mm512_loadu_si512(from); }
  static void store(std::uint32_t* to, Ints v) { _mm512_storeu_si512(to, v); }
  static Ints splat(std::int32_t x) { return _mm512_set1_epi32(x); }
  static Floats splat_float(float x) { return _mm512_set1_ps(x); }
  static Floats as_floats(Ints v) { return _mm512_castsi512_ps(v); }
  static Ints as_ints(Floats v) { return _mm512_castps_si512(v); }

  static Mask mask_of(std::uint32_t bits) { return static_cast<Mask>(bits); }
  static std::uint32_t bits_of(Mask mask) { return mask; }
  static Mask both(Mask a, Mask b) { return a & b; }
  static Mask either(Mask a, Mask b) { return a | b; }
  static Ints select(Mask mask, Ints yes, Ints no) { return _mm512_mask_mov_epi32(no, mask, yes); }
  static Floats select(Mask mask, Floats yes, Floats no) { return _mm512_mask_mov_ps(no, mask, yes); }
  static Ints or_zero(Mask mask, Ints yes) { return _mm512_maskz_mov_epi32(mask, yes); }
  static Floats or_zero(Mask mask, Floats yes) { return _mm512_maskz_mov_ps(mask, yes); }

  static Ints add(Ints a, Ints b) { return _mm512_add_epi32(a, b); }
  static Ints subtract(Ints a, Ints b) { return _mm512_sub_epi32(a, b); }
  static Ints multiply(Ints a, Ints b) { return _mm512_mullo_epi32(a, b); }
  static Ints and_of(Ints a, Ints b) { return _mm512_and_si512(a, b); }
  static Ints or_of(Ints a, Ints b) { return _mm512_or_si512(a, b); }
  static Ints xor_of(Ints a, Ints b) { return _mm512_xor_si512(a, b); }
  static Ints smaller(Ints a, Ints b) { return _mm512_min_epi32(a, b); }
  static Ints larger(Ints a, Ints b) { return _mm512_max_epi32(a, b); }
  static Mask differ(Ints a, Ints b) { return _mm512_cmpneq_epi32_mask(a, b); }
  // Of numbers without a sign.
  static Mask is_less(Ints a, Ints b) { return _mm512_cmplt_epu32_mask(a, b); }
  template <int by>
  static Ints shift_left(Ints v) {
    return _mm512_slli_epi32(v, by);
  }
  template <int by>
  static Ints shift_right(Ints v) {
    return _mm512_srli_epi32(v, by);
  }
  template <int by>
  static Ints shift_signed_right(Ints v) {
    return _mm512_srai_epi32(v, by);
  }
  static Ints shift_right_by(Ints v, Ints by) { return _mm512_srlv_epi32(v, by); }

  // Of numbers of 16 bits.
  static Ints add_words(Ints a, Ints b) { return _mm512_add_epi16(a, b); }
  static Ints multiply_words(Ints a, Ints b) { return _mm512_mullo_epi16(a, b); }
  static Ints upper_bytes(Ints v) { return _mm512_srli_epi16(v, 8); }
  static Ints swap_words(Ints v) { return _mm512_rol_epi32(v, 16); }
  // The low words of one and the high ones of the other.
  static Ints low_and_high(Ints low, Ints high) { return _mm512_mask_mov_epi16(low, 0xaaaaaaaa, high); }
  // Products with a sign, those of two neighbours added.
  static Ints multiply_add_words(Ints a, Ints b) { return _mm512_madd_epi16(a, b); }

  static Floats multiply(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
  static Floats subtract(Floats a, Floats b) { return _mm512_sub_ps(a, b); }
  static Floats multiply_add(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
  static Floats smaller(Floats a, Floats b) { return _mm512_min_ps(a, b); }
  static Floats larger(Floats a, Floats b) { return _mm512_max_ps(a, b); }
  static Floats floor(Floats v) { return _mm512_floor_ps(v); }
  static Mask is_number(Floats v) { return _mm512_cmp_ps_mask(v, v, _CMP_ORD_Q); }
  static Mask differ(Floats a, Floats b) { return _mm512_cmp_ps_mask(a, b, _CMP_NEQ_UQ); }
  static Ints nearest(Floats v) {
    return _mm512_cvt_roundps_epi32(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  static Ints floor_to_ints(Floats v) {
    return _mm512_cvt_roundps_epi32(v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
  }
  static Floats to_floats(Ints v) { return _mm512_cvtepi32_ps(v); }

  static Doubles splat_double(double x) { return {_mm512_set1_pd(x), _mm512_set1_pd(x)}; }
  static Doubles to_doubles(Floats v) {
    return {_mm512_cvtps_pd(_mm512_castps512_ps256(v)), _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1))};
  }
  static Doubles to_doubles(Ints v) {
    return {_mm512_cvtepi32_pd(_mm512_castsi512_si256(v)),
            _mm512_cvtepi32_pd(_mm512_extracti32x8_epi32(v, 1))};
  }
  static Floats to_floats(Doubles v) {
    return _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(v.low)), _mm512_cvtpd_ps(v.high), 1);
  }
  static Doubles multiply(Doubles a, Doubles b) {
    return {_mm512_mul_pd(a.low, b.low), _mm512_mul_pd(a.high, b.high)};
  }
  static Doubles subtract(Doubles a, Doubles b) {
    return {_mm512_sub_pd(a.low, b.low), _mm512_sub_pd(a.high, b.high)};
  }
  static Doubles multiply_add(Doubles a, Doubles b, Doubles c) {
    return {_mm512_fmadd_pd(a.low, b.low, c.low), _mm512_fmadd_pd(a.high, b.high, c.high)};
  }

  // The 32 bits of each lane at base + index * scale bytes.
  template <int scale>
  static Ints gather(const void* base, Ints index) {
    return _mm512_i32gather_epi32(index, base, scale);
  }
  // The 64 bits there, in two halves.
  template <int scale>
  static void gather_pairs(const void* base, Ints index, Ints& first, Ints& second) {
    const __m512i low = _mm512_i32gather_epi64(_mm512_castsi512_si256(index), base, scale);
    const __m512i high = _mm512_i32gather_epi64(_mm512_extracti32x8_epi32(index, 1), base, scale);
    const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    first = _mm512_permutex2var_epi32(low, even, high);
    second = _mm512_permutex2var_epi32(low, _mm512_add_epi32(even, _mm512_set1_epi32(1)), high);
  }
  // The four floats that quad(lane) gives of each lane, in four parts.
  template <typename Quad>
  [[gnu::always_inline]] static void planes_of(const Quad& quad, Floats* parts) {
    // Of lanes i, i + 4, i + 8 and i + 12.
    const auto four = [&](int i) __attribute__((always_inline)) {
      Floats v = _mm512_castps128_ps512(quad(i));
      v = _mm512_insertf32x4(v, quad(i + 4), 1);
      v = _mm512_insertf32x4(v, quad(i + 8), 2);
      return _mm512_insertf32x4(v, quad(i + 12), 3);
    };
    transpose(four(0), four(1), four(2), four(3), parts);
  }
  // Of lanes 0, 4, 8 and 12, and those that follow them, to all first floats, all second ones and so on.
  static void transpose(Floats a, Floats b, Floats c, Floats d, Floats* parts) {
    const __m512d ab_low = _mm512_castps_pd(_mm512_unpacklo_ps(a, b));
    const __m512d ab_high = _mm512_castps_pd(_mm512_unpackhi_ps(a, b));
    const __m512d cd_low = _mm512_castps_pd(_mm512_unpacklo_ps(c, d));
    const __m512d cd_high = _mm512_castps_pd(_mm512_unpackhi_ps(c, d));
    parts[0] = _mm512_castpd_ps(_mm512_unpacklo_pd(ab_low, cd_low));
    parts[1] = _mm512_castpd_ps(_mm512_unpackhi_pd(ab_low, cd_low));
    parts[2] = _mm512_castpd_ps(_mm512_unpacklo_pd(ab_high, cd_high));
    parts[3] = _mm512_castpd_ps(_mm512_unpackhi_pd(ab_high, cd_high));
  }

  // The sums over the corners of a lane's four floats, quad(corner, lane), times its weights. Two lanes stand
  // in one register of doubles.
  template <int kCorners, typename Quad>
  [[gnu::always_inline]] static void mix_quads(const Quad& quad, const Doubles* weights, Floats* results) {
    const __m512i of_two = _mm512_setr_epi64(0, 0, 0, 0, 4, 4, 4, 4);
    // Of lanes i and i + 4.
    const auto two = [&](int i) __attribute__((always_inline)) {
      const __m512i place = _mm512_add_epi64(of_two, _mm512_set1_epi64(i % 8));
      __m512d sum = _mm512_setzero_pd();
      for (int corner = 0; corner < kCorners; ++corner) {
        const __m512d some = i < 8 ? weights[corner].low : weights[corner].high;
        const __m256 texels =
            _mm256_insertf128_ps(_mm256_castps128_ps256(quad(corner, i)), quad(corner, i + 4), 1);
        sum = _mm512_fmadd_pd(_mm512_cvtps_pd(texels), _mm512_permutexvar_pd(place, some), sum);
      }
      return _mm512_cvtpd_ps(sum);
    };
    const auto four = [&](int i) __attribute__((always_inline)) {
      return _mm512_insertf32x8(_mm512_castps256_ps512(two(i)), two(i + 8), 1);
    };
    transpose(four(0), four(1), four(2), four(3), results);
  }
};

}  // namespace
}  // namespace doppel::texture
