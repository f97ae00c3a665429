// SPDX-License-Identifier: Apache-2.0
// Vectors of 64 bytes for float_product_kernel.h, in AVX-512's registers. What "a quarter" is: 16 bytes of
// them, in which the unpacking functions, shuffle8 and pack16 work. Included with that target; DOPPEL_DOTS is
// 1 where it has AVX512-VNNI, else 0.
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>

namespace doppel::engine {
namespace {

struct WideLanes {
  using Vector = __m512i;
  using Floats = __m512;

  static Vector load(const void* from) { return _mm512_loadu_si512(from); }
  static void store(void* to, Vector v) { _mm512_storeu_si512(to, v); }
  // In all quarters.
  static Vector load_quarter(const void* from) {
    return _mm512_broadcast_i32x4(_mm_loadu_si128(static_cast<const __m128i*>(from)));
  }
  // Four bytes, everywhere.
  static Vector load_word(const void* from) {
    std::int32_t word = 0;
    std::memcpy(&word, from, sizeof word);
    return splat32(word);
  }
  // Sixteen bytes to as many numbers of 32 bits.
  static Vector load_bytes(const void* from) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128(static_cast<const __m128i*>(from)));
  }
  // Sixteen of f16.
  static Floats load_halves(const void* from) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(static_cast<const __m256i*>(from)));
  }
  // Sixteen halves, above 16 bits of zero.
  static Vector load_upper_halves(const void* from) {
    return _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256(static_cast<const __m256i*>(from))),
                             16);
  }
  // Rounded to nearest.
  static void store_halves(void* to, Floats v) {
    _mm256_storeu_si256(static_cast<__m256i*>(to), _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
  }
  static Floats rounded_to_half(Floats v) {
    return _mm512_cvtph_ps(_mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
  }
  // The low halves of all quarters, then the high ones.
  static Vector by_half(Vector v) {
    return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), v);
  }
  // Word i of quarter j to word j of quarter i.
  static Vector across(Vector v) {
    return _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15),
                                    v);
  }
  static Vector from_by_half(Vector v) {
    return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7), v);
  }

  static Vector splat8(std::int8_t x) { return _mm512_set1_epi8(x); }
  static Vector splat16(std::int16_t x) { return _mm512_set1_epi16(x); }
  static Vector splat32(std::int32_t x) { return _mm512_set1_epi32(x); }
  static Floats splat(float x) { return _mm512_set1_ps(x); }

  static Vector unpack_low8(Vector a, Vector b) { return _mm512_unpacklo_epi8(a, b); }
  static Vector unpack_high8(Vector a, Vector b) { return _mm512_unpackhi_epi8(a, b); }
  static Vector unpack_low16(Vector a, Vector b) { return _mm512_unpacklo_epi16(a, b); }
  static Vector unpack_high16(Vector a, Vector b) { return _mm512_unpackhi_epi16(a, b); }
  static Vector unpack_low32(Vector a, Vector b) { return _mm512_unpacklo_epi32(a, b); }
  static Vector unpack_high32(Vector a, Vector b) { return _mm512_unpackhi_epi32(a, b); }
  static Vector unpack_low64(Vector a, Vector b) { return _mm512_unpacklo_epi64(a, b); }
  static Vector unpack_high64(Vector a, Vector b) { return _mm512_unpackhi_epi64(a, b); }
  static Vector shuffle8(Vector v, Vector control) { return _mm512_shuffle_epi8(v, control); }
  static Vector pack16(Vector a, Vector b) { return _mm512_packs_epi16(a, b); }
  static Vector pack32(Vector a, Vector b) { return _mm512_packs_epi32(a, b); }

  static Vector and_of(Vector a, Vector b) { return _mm512_and_si512(a, b); }
  static Vector or_of(Vector a, Vector b) { return _mm512_or_si512(a, b); }
  static Vector xor_of(Vector a, Vector b) { return _mm512_xor_si512(a, b); }
  static bool any(Vector v) { return _mm512_test_epi32_mask(v, v) != 0; }
  // All ones where a number of 32 bits is zero.
  static Vector is_zero32(Vector v) { return _mm512_movm_epi32(_mm512_testn_epi32_mask(v, v)); }

  static Vector add8_saturated(Vector a, Vector b) { return _mm512_adds_epi8(a, b); }
  static Vector add8(Vector a, Vector b) { return _mm512_add_epi8(a, b); }
  static Vector max8(Vector a, Vector b) { return _mm512_max_epi8(a, b); }
  static Vector add16(Vector a, Vector b) { return _mm512_add_epi16(a, b); }
  static Vector multiply16(Vector a, Vector b) { return _mm512_mullo_epi16(a, b); }
  static Vector max16(Vector a, Vector b) { return _mm512_max_epu16(a, b); }
  static Vector min16(Vector a, Vector b) { return _mm512_min_epu16(a, b); }
  template <int by>
  static Vector shift_right16(Vector v) {
    return _mm512_srli_epi16(v, by);
  }
  template <int by>
  static Vector shift_left16(Vector v) {
    return _mm512_slli_epi16(v, by);
  }
  template <int by>
  static Vector shift_signed_right16(Vector v) {
    return _mm512_srai_epi16(v, by);
  }
  static Vector add32(Vector a, Vector b) { return _mm512_add_epi32(a, b); }
  static Vector subtract32(Vector a, Vector b) { return _mm512_sub_epi32(a, b); }
  static Vector max32(Vector a, Vector b) { return _mm512_max_epi32(a, b); }
  static Vector max32_unsigned(Vector a, Vector b) { return _mm512_max_epu32(a, b); }
  static Vector min32_unsigned(Vector a, Vector b) { return _mm512_min_epu32(a, b); }
  template <int by>
  static Vector shift_right32(Vector v) {
    return _mm512_srli_epi32(v, by);
  }
  template <int by>
  static Vector shift_left32(Vector v) {
    return _mm512_slli_epi32(v, by);
  }

  static Vector bits(Floats v) { return _mm512_castps_si512(v); }
  static Floats floats(Vector v) { return _mm512_castsi512_ps(v); }
  static Floats multiply(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
  static Floats add(Floats a, Floats b) { return _mm512_add_ps(a, b); }
  static Floats subtract(Floats a, Floats b) { return _mm512_sub_ps(a, b); }
  static Floats multiply_add(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
  // Rounded towards zero.
  static Floats add_towards_zero(Floats a, Floats b) {
    return _mm512_add_round_ps(a, b, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
  }
  static Vector whole(Floats v) { return _mm512_cvttps_epi32(v); }  // towards zero
  static Floats towards_zero(Vector v) {
    return _mm512_cvt_roundepi32_ps(v, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
  }

  static Floats multiply_add_towards_zero(Floats a, Floats b, Floats c) {
    return _mm512_fmadd_round_ps(a, b, c, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
  }
  static Floats from_whole(Vector v) { return _mm512_cvtepi32_ps(v); }
  // The larger one of a magnitude's bits and those of a number's; of no number, any.
  static Vector max_magnitude(Vector magnitude, Floats v) {
    constexpr int kMaximumOfMagnitudes = 3, kPositive = 2 << 2;
    return bits(_mm512_range_ps(floats(magnitude), v, kMaximumOfMagnitudes | kPositive));
  }
  // Bits of what a number is more than a whole one; not all zero where it is none.
  static Vector beyond_whole(Floats v) { return bits(_mm512_reduce_ps(v, _MM_FROUND_TO_ZERO)); }
  static Vector permute32(Vector v, Vector from) { return _mm512_permutexvar_epi32(from, v); }
  // The halves in the low 16 bits of each word; and back, rounded to nearest, below 16 bits of zero.
  static Floats low_halves(Vector v) { return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(v)); }
  static Vector as_low_halves(Floats v) {
    return _mm512_cvtepu16_epi32(_mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
  }
#if DOPPEL_DOTS
  // To each sum the products of four bytes, of `a` without a sign.
  static Vector add_dots(Vector sums, Vector a, Vector b) { return _mm512_dpbusd_epi32(sums, a, b); }
#endif

  // Word `which` of each quarter, in all of its words.
  template <int which>
  static Vector repeat_word(Vector v) {
    return _mm512_shuffle_epi32(v, static_cast<_MM_PERM_ENUM>(which * 0x55));
  }
  // In each quarter two words of a, then two of b.
  static Vector even_words(Vector a, Vector b) { return bits(_mm512_shuffle_ps(floats(a), floats(b), 0x88)); }
  static Vector odd_words(Vector a, Vector b) { return bits(_mm512_shuffle_ps(floats(a), floats(b), 0xdd)); }
  // Numbers of 16 bits with a sign, the products of two neighbours added.
  static Vector multiply_add16(Vector a, Vector b) { return _mm512_madd_epi16(a, b); }
  template <int by>
  static Vector shift_signed_right32(Vector v) {
    return _mm512_srai_epi32(v, by);
  }
};

}  // namespace
}  // namespace doppel::engine
