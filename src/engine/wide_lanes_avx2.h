// SPDX-License-Identifier: Apache-2.0
// Vectors of 64 bytes as wide_lanes_avx512.h has them, in two registers of AVX2 each.
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>

namespace doppel::engine {
namespace {

struct WideLanes {
  struct Vector {
    __m256i low, high;
  };
  struct Floats {
    __m256 low, high;
  };

  static __m256i load_half(const void* from) { return _mm256_loadu_si256(static_cast<const __m256i*>(from)); }
  static __m128i load_16(const void* from) { return _mm_loadu_si128(static_cast<const __m128i*>(from)); }
  static const char* behind(const void* from, int bytes) { return static_cast<const char*>(from) + bytes; }
  static char* behind(void* to, int bytes) { return static_cast<char*>(to) + bytes; }
  static void store_half(void* to, __m256i v) { _mm256_storeu_si256(static_cast<__m256i*>(to), v); }
  static void store_16(void* to, __m128i v) { _mm_storeu_si128(static_cast<__m128i*>(to), v); }

  static Vector load(const void* from) { return {load_half(from), load_half(behind(from, 32))}; }
  static void store(void* to, Vector v) {
    store_half(to, v.low);
    store_half(behind(to, 32), v.high);
  }
  static Vector load_quarter(const void* from) {
    const __m256i both = _mm256_broadcastsi128_si256(load_16(from));
    return {both, both};
  }
  static Vector load_word(const void* from) {
    std::int32_t word = 0;
    std::memcpy(&word, from, sizeof word);
    return splat32(word);
  }
  static Vector load_bytes(const void* from) {
    return {_mm256_cvtepu8_epi32(load_16(from)), _mm256_cvtepu8_epi32(_mm_srli_si128(load_16(from), 8))};
  }
  static Floats load_halves(const void* from) {
    return {_mm256_cvtph_ps(load_16(from)), _mm256_cvtph_ps(load_16(behind(from, 16)))};
  }
  static Vector load_upper_halves(const void* from) {
    return {_mm256_slli_epi32(_mm256_cvtepu16_epi32(load_16(from)), 16),
            _mm256_slli_epi32(_mm256_cvtepu16_epi32(load_16(behind(from, 16))), 16)};
  }
  static void store_halves(void* to, Floats v) {
    store_16(to, _mm256_cvtps_ph(v.low, _MM_FROUND_TO_NEAREST_INT));
    store_16(behind(to, 16), _mm256_cvtps_ph(v.high, _MM_FROUND_TO_NEAREST_INT));
  }
  static Floats rounded_to_half(Floats v) {
    return {_mm256_cvtph_ps(_mm256_cvtps_ph(v.low, _MM_FROUND_TO_NEAREST_INT)),
            _mm256_cvtph_ps(_mm256_cvtps_ph(v.high, _MM_FROUND_TO_NEAREST_INT))};
  }
  static Vector by_half(Vector v) {
    const __m256i low = _mm256_permute4x64_epi64(v.low, 0xd8), high = _mm256_permute4x64_epi64(v.high, 0xd8);
    return {_mm256_permute2x128_si256(low, high, 0x20), _mm256_permute2x128_si256(low, high, 0x31)};
  }
  static Vector across(Vector v) {
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    const __m256i low = _mm256_permutevar8x32_epi32(v.low, order);
    const __m256i high = _mm256_permutevar8x32_epi32(v.high, order);
    const __m256i even = _mm256_unpacklo_epi64(low, high), odd = _mm256_unpackhi_epi64(low, high);
    return {_mm256_permute2x128_si256(even, odd, 0x20), _mm256_permute2x128_si256(even, odd, 0x31)};
  }
  static Vector from_by_half(Vector v) {
    return {_mm256_permute4x64_epi64(_mm256_permute2x128_si256(v.low, v.high, 0x20), 0xd8),
            _mm256_permute4x64_epi64(_mm256_permute2x128_si256(v.low, v.high, 0x31), 0xd8)};
  }

  static Vector both(__m256i v) { return {v, v}; }
  static Vector splat8(std::int8_t x) { return both(_mm256_set1_epi8(x)); }
  static Vector splat16(std::int16_t x) { return both(_mm256_set1_epi16(x)); }
  static Vector splat32(std::int32_t x) { return both(_mm256_set1_epi32(x)); }
  static Floats splat(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }

  static Vector unpack_low8(Vector a, Vector b) {
    return {_mm256_unpacklo_epi8(a.low, b.low), _mm256_unpacklo_epi8(a.high, b.high)};
  }
  static Vector unpack_high8(Vector a, Vector b) {
    return {_mm256_unpackhi_epi8(a.low, b.low), _mm256_unpackhi_epi8(a.high, b.high)};
  }
  static Vector unpack_low16(Vector a, Vector b) {
    return {_mm256_unpacklo_epi16(a.low, b.low), _mm256_unpacklo_epi16(a.high, b.high)};
  }
  static Vector unpack_high16(Vector a, Vector b) {
    return {_mm256_unpackhi_epi16(a.low, b.low), _mm256_unpackhi_epi16(a.high, b.high)};
  }
  static Vector unpack_low32(Vector a, Vector b) {
    return {_mm256_unpacklo_epi32(a.low, b.low), _mm256_unpacklo_epi32(a.high, b.high)};
  }
  static Vector unpack_high32(Vector a, Vector b) {
    return {_mm256_unpackhi_epi32(a.low, b.low), _mm256_unpackhi_epi32(a.high, b.high)};
  }
  static Vector unpack_low64(Vector a, Vector b) {
    return {_mm256_unpacklo_epi64(a.low, b.low), _mm256_unpacklo_epi64(a.high, b.high)};
  }
  static Vector unpack_high64(Vector a, Vector b) {
    return {_mm256_unpackhi_epi64(a.low, b.low), _mm256_unpackhi_epi64(a.high, b.high)};
  }
  static Vector shuffle8(Vector v, Vector control) {
    return {_mm256_shuffle_epi8(v.low, control.low), _mm256_shuffle_epi8(v.high, control.high)};
  }
  static Vector pack16(Vector a, Vector b) {
    return {_mm256_packs_epi16(a.low, b.low), _mm256_packs_epi16(a.high, b.high)};
  }
  static Vector pack32(Vector a, Vector b) {
    return {_mm256_packs_epi32(a.low, b.low), _mm256_packs_epi32(a.high, b.high)};
  }

  static Vector and_of(Vector a, Vector b) {
    return {_mm256_and_si256(a.low, b.low), _mm256_and_si256(a.high, b.high)};
  }
  static Vector or_of(Vector a, Vector b) {
    return {_mm256_or_si256(a.low, b.low), _mm256_or_si256(a.high, b.high)};
  }
  static Vector xor_of(Vector a, Vector b) {
    return {_mm256_xor_si256(a.low, b.low), _mm256_xor_si256(a.high, b.high)};
  }
  static bool any(Vector v) {
    const __m256i all = _mm256_or_si256(v.low, v.high);
    return _mm256_testz_si256(all, all) == 0;
  }
  static Vector is_zero32(Vector v) {
    const __m256i zero = _mm256_setzero_si256();
    return {_mm256_cmpeq_epi32(v.low, zero), _mm256_cmpeq_epi32(v.high, zero)};
  }

  static Vector add8_saturated(Vector a, Vector b) {
    return {_mm256_adds_epi8(a.low, b.low), _mm256_adds_epi8(a.high, b.high)};
  }
  static Vector add8(Vector a, Vector b) {
    return {_mm256_add_epi8(a.low, b.low), _mm256_add_epi8(a.high, b.high)};
  }
  static Vector max8(Vector a, Vector b) {
    return {_mm256_max_epi8(a.low, b.low), _mm256_max_epi8(a.high, b.high)};
  }
  static Vector add16(Vector a, Vector b) {
    return {_mm256_add_epi16(a.low, b.low), _mm256_add_epi16(a.high, b.high)};
  }
  static Vector multiply16(Vector a, Vector b) {
    return {_mm256_mullo_epi16(a.low, b.low), _mm256_mullo_epi16(a.high, b.high)};
  }
  static Vector max16(Vector a, Vector b) {
    return {_mm256_max_epu16(a.low, b.low), _mm256_max_epu16(a.high, b.high)};
  }
  static Vector min16(Vector a, Vector b) {
    return {_mm256_min_epu16(a.low, b.low), _mm256_min_epu16(a.high, b.high)};
  }
  template <int by>
  static Vector shift_right16(Vector v) {
    return {_mm256_srli_epi16(v.low, by), _mm256_srli_epi16(v.high, by)};
  }
  template <int by>
  static Vector shift_left16(Vector v) {
    return {_mm256_slli_epi16(v.low, by), _mm256_slli_epi16(v.high, by)};
  }
  template <int by>
  static Vector shift_signed_right16(Vector v) {
    return {_mm256_srai_epi16(v.low, by), _mm256_srai_epi16(v.high, by)};
  }
  static Vector add32(Vector a, Vector b) {
    return {_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high)};
  }
  static Vector subtract32(Vector a, Vector b) {
    return {_mm256_sub_epi32(a.low, b.low), _mm256_sub_epi32(a.high, b.high)};
  }
  static Vector max32(Vector a, Vector b) {
    return {_mm256_max_epi32(a.low, b.low), _mm256_max_epi32(a.high, b.high)};
  }
  static Vector max32_unsigned(Vector a, Vector b) {
    return {_mm256_max_epu32(a.low, b.low), _mm256_max_epu32(a.high, b.high)};
  }
  static Vector min32_unsigned(Vector a, Vector b) {
    return {_mm256_min_epu32(a.low, b.low), _mm256_min_epu32(a.high, b.high)};
  }
  template <int by>
  static Vector shift_right32(Vector v) {
    return {_mm256_srli_epi32(v.low, by), _mm256_srli_epi32(v.high, by)};
  }
  template <int by>
  static Vector shift_left32(Vector v) {
    return {_mm256_slli_epi32(v.low, by), _mm256_slli_epi32(v.high, by)};
  }

  static Vector bits(Floats v) { return {_mm256_castps_si256(v.low), _mm256_castps_si256(v.high)}; }
  static Floats floats(Vector v) { return {_mm256_castsi256_ps(v.low), _mm256_castsi256_ps(v.high)}; }
  static Floats add(Floats a, Floats b) {
    return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)};
  }
  static Floats subtract(Floats a, Floats b) {
    return {_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)};
  }
  static Floats multiply_add(Floats a, Floats b, Floats c) {
    return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
  }
  // The sum to nearest and what it is off by (Knuth), which is a float: where that has the other sign, the
  // sum is too far from zero by its last bit.
  static __m256 add_towards_zero(__m256 a, __m256 b) {
    const __m256 sum = _mm256_add_ps(a, b), of_b = _mm256_sub_ps(sum, a);
    const __m256 rest = _mm256_add_ps(_mm256_sub_ps(a, _mm256_sub_ps(sum, of_b)), _mm256_sub_ps(b, of_b));
    const __m256 is_rest = _mm256_cmp_ps(rest, _mm256_setzero_ps(), _CMP_NEQ_OQ);
    const __m256i other = _mm256_srai_epi32(_mm256_castps_si256(_mm256_xor_ps(sum, rest)), 31);
    const __m256i less = _mm256_and_si256(other, _mm256_castps_si256(is_rest));
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(sum), less));
  }
  static Vector max_magnitude(Vector magnitude, Floats v) {
    return max32_unsigned(magnitude, and_of(bits(v), splat32(INT32_MAX)));
  }
  static Vector beyond_whole(Floats v) {
    constexpr int kTowardsZero = _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC;
    return xor_of(bits(v),
                  bits({_mm256_round_ps(v.low, kTowardsZero), _mm256_round_ps(v.high, kTowardsZero)}));
  }
  static Floats add_towards_zero(Floats a, Floats b) {
    return {add_towards_zero(a.low, b.low), add_towards_zero(a.high, b.high)};
  }
  static Floats multiply(Floats a, Floats b) {
    return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)};
  }
  static Vector whole(Floats v) { return {_mm256_cvttps_epi32(v.low), _mm256_cvttps_epi32(v.high)}; }
  // Rounded to nearest, and a unit less where that is more: up to 2^31, which is no signed number.
  static __m256 towards_zero(__m256i v) {
    const __m256i magnitude = _mm256_abs_epi32(v);
    const __m256 nearest = _mm256_cvtepi32_ps(magnitude);
    const __m256i back = _mm256_cvttps_epi32(nearest);
    const __m256i not_more = _mm256_cmpeq_epi32(_mm256_max_epu32(back, magnitude), magnitude);
    const __m256i cut =
        _mm256_sub_epi32(_mm256_add_epi32(_mm256_castps_si256(nearest), _mm256_set1_epi32(-1)), not_more);
    return _mm256_castsi256_ps(_mm256_or_si256(cut, _mm256_and_si256(v, _mm256_set1_epi32(INT32_MIN))));
  }
  static Floats towards_zero(Vector v) { return {towards_zero(v.low), towards_zero(v.high)}; }

  template <int which>
  static Vector repeat_word(Vector v) {
    return {_mm256_shuffle_epi32(v.low, which * 0x55), _mm256_shuffle_epi32(v.high, which * 0x55)};
  }
  template <int which>
  static __m256i words(__m256i a, __m256i b) {
    return _mm256_castps_si256(_mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), which));
  }
  static Vector even_words(Vector a, Vector b) {
    return {words<0x88>(a.low, b.low), words<0x88>(a.high, b.high)};
  }
  static Vector odd_words(Vector a, Vector b) {
    return {words<0xdd>(a.low, b.low), words<0xdd>(a.high, b.high)};
  }
  static Vector multiply_add16(Vector a, Vector b) {
    return {_mm256_madd_epi16(a.low, b.low), _mm256_madd_epi16(a.high, b.high)};
  }
  template <int by>
  static Vector shift_signed_right32(Vector v) {
    return {_mm256_srai_epi32(v.low, by), _mm256_srai_epi32(v.high, by)};
  }
};

}  // namespace
}  // namespace doppel::engine
