// SPDX-License-Identifier: Apache-2.0
// A and B for float_product_kernel.h: the columns of A, the numbers of B and the exponents of both, from
// fragments of any type; and whether they are numbers that its arithmetic takes. For any WideLanes.
#pragma once

#include <algorithm>
#include <cstring>
#include <utility>

namespace doppel::engine {
namespace {

using Vector = WideLanes::Vector;
using Floats = WideLanes::Floats;

constexpr int kQuarter = 16;  // bytes
constexpr int kVector = 64;
constexpr int kRegister = 128;  // bytes of the 32 lanes
constexpr int kOne = 1 << 23;   // of an exponent, in the bits of a float

// Outside of these the floats that are computed with, and what is a sum of them, could leave the normal ones.
// With 8 bits of exponent products are at least 2^-76, and a zero's exponent of -126 is less than that of any
// other, whatever it is multiplied with.
constexpr int kSmallestElement = -38, kLargestElement = 48;
constexpr std::int16_t kLargestHalf = 0x7bff;  // of f16, its bits
constexpr int kSmallestSum = -76, kLargestSum = 100;
// With 5 bits the exponent of a product with zero is up to -49: what is added to is a multiple of its last
// bit.
constexpr int kSmallestSumOfHalves = -49;
// Where C is multiplied first: less than that might become zero.
constexpr int kSmallestScaled = -70;
constexpr int kAtOnce = 4;  // columns that are computed side by side
// Below that of all sums but zeros.
constexpr int kSmallestExponent = -101;

struct Operands {
  // Of its exponents there are in each quarter those of its four rows, one along k behind the other.
  FloatColumns* a;
  FloatRuns* b;
};

struct Sums {
  alignas(kVector) float at[kColumns][kMostRows];
};

struct Four {
  Vector at[4];
};

// In each quarter.
inline Four transpose(const Four& v) {
  const Vector low_01 = WideLanes::unpack_low32(v.at[0], v.at[1]);
  const Vector high_01 = WideLanes::unpack_high32(v.at[0], v.at[1]);
  const Vector low_23 = WideLanes::unpack_low32(v.at[2], v.at[3]);
  const Vector high_23 = WideLanes::unpack_high32(v.at[2], v.at[3]);
  return {{WideLanes::unpack_low64(low_01, low_23), WideLanes::unpack_high64(low_01, low_23),
           WideLanes::unpack_low64(high_01, high_23), WideLanes::unpack_high64(high_01, high_23)}};
}

// Rows of eight halves to columns, of two in each quarter its four rows.
inline Four columns_of_halves(const Four& rows) {
  const Vector low_01 = WideLanes::unpack_low16(rows.at[0], rows.at[1]);
  const Vector high_01 = WideLanes::unpack_high16(rows.at[0], rows.at[1]);
  const Vector low_23 = WideLanes::unpack_low16(rows.at[2], rows.at[3]);
  const Vector high_23 = WideLanes::unpack_high16(rows.at[2], rows.at[3]);
  return {{WideLanes::unpack_low32(low_01, low_23), WideLanes::unpack_high32(low_01, low_23),
           WideLanes::unpack_low32(high_01, high_23), WideLanes::unpack_high32(high_01, high_23)}};
}

inline Four rows_of_halves(const Four& columns) {
  alignas(kQuarter) static constexpr std::int8_t kPairs[kQuarter] = {0, 1, 8,  9,  2, 3, 10, 11,
                                                                     4, 5, 12, 13, 6, 7, 14, 15};
  const Vector pairs = WideLanes::load_quarter(kPairs);
  Four by_row;
  for (int i = 0; i < 4; ++i)
    by_row.at[i] = WideLanes::shuffle8(WideLanes::from_by_half(columns.at[i]), pairs);
  return transpose(by_row);
}

// Four bytes of each of four numbers to four numbers of each of four bytes.
inline Vector transpose_bytes(Vector v) {
  alignas(kQuarter) static constexpr std::int8_t kTransposed[kQuarter] = {0, 4, 8,  12, 1, 5, 9,  13,
                                                                          2, 6, 10, 14, 3, 7, 11, 15};
  return WideLanes::shuffle8(v, WideLanes::load_quarter(kTransposed));
}

inline Four load_four(const std::byte* from) {
  return {{WideLanes::load(from), WideLanes::load(from + kVector), WideLanes::load(from + 2 * kVector),
           WideLanes::load(from + 3 * kVector)}};
}

// ------------------------------------------------------------------------------------ elements

// What is known of the elements that are not zero, by their bits without the sign.
struct Range16 {
  Vector largest, smallest_less_one;  // of zero the latter is the largest number
  Range16() : largest(WideLanes::splat16(0)), smallest_less_one(WideLanes::splat16(-1)) {}
};
struct Range32 {
  Vector largest, smallest_less_one;
  Range32() : largest(WideLanes::splat32(0)), smallest_less_one(WideLanes::splat32(-1)) {}
  void take(Vector bits) {
    const Vector magnitude = WideLanes::and_of(bits, WideLanes::splat32(0x7fffffff));
    largest = WideLanes::max32_unsigned(largest, magnitude);
    smallest_less_one =
        WideLanes::min32_unsigned(smallest_less_one, WideLanes::add32(magnitude, WideLanes::splat32(-1)));
  }
  bool within(int smallest, int largest_exponent) const {
    const Vector low = WideLanes::splat32((smallest + 127) * kOne - 1);
    const Vector high = WideLanes::splat32((largest_exponent + 127) * kOne);
    return !WideLanes::any(
        WideLanes::or_of(WideLanes::xor_of(WideLanes::max32_unsigned(largest, high), high),
                         WideLanes::xor_of(WideLanes::min32_unsigned(smallest_less_one, low), low)));
  }
};

// f16: all finite numbers, or those that bytes become.
struct HalfElements {
  explicit HalfElements(std::int16_t largest) : largest_number(largest) {}
  Range16 range;
  std::int16_t largest_number;
  Vector note(Vector bits) {
    const Vector magnitude = WideLanes::and_of(bits, WideLanes::splat16(0x7fff));
    range.largest = WideLanes::max16(range.largest, magnitude);
    return magnitude;
  }
  // Exponents of 16 bits: subnormals have the lowest, zero has one that added to any other is less than all
  // sums of others, and that twice is in a byte.
  Vector exponents(Vector bits) {
    const Vector magnitude = note(bits);
    const Vector one = WideLanes::splat16(1);
    const Vector field = WideLanes::max16(WideLanes::shift_right16<10>(magnitude), one);
    const Vector of_others =
        WideLanes::multiply16(WideLanes::min16(magnitude, one), WideLanes::splat16(64 + 1 - 15));
    return WideLanes::add16(WideLanes::add16(field, of_others), WideLanes::splat16(-64 - 1));
  }
  static Floats floats(const void* halves) { return WideLanes::load_halves(halves); }
  bool in_range() const {
    const Vector high = WideLanes::splat16(largest_number);
    return !WideLanes::any(WideLanes::xor_of(WideLanes::max16(range.largest, high), high));
  }
};

struct BfloatElements {
  explicit BfloatElements(std::int16_t /*largest*/) {}
  Range16 range;
  Vector exponents(Vector bits) {
    const Vector magnitude = WideLanes::and_of(bits, WideLanes::splat16(0x7fff));
    range.largest = WideLanes::max16(range.largest, magnitude);
    range.smallest_less_one =
        WideLanes::min16(range.smallest_less_one, WideLanes::add16(magnitude, WideLanes::splat16(-1)));
    return WideLanes::add16(WideLanes::shift_right16<7>(magnitude), WideLanes::splat16(-127));
  }
  static Floats floats(const void* halves) { return WideLanes::floats(WideLanes::load_upper_halves(halves)); }
  bool in_range() const {
    const Vector low = WideLanes::splat16((kSmallestElement + 127) * 128 - 1);
    const Vector high = WideLanes::splat16((kLargestElement + 127) * 128);
    return !WideLanes::any(
        WideLanes::or_of(WideLanes::xor_of(WideLanes::max16(range.largest, high), high),
                         WideLanes::xor_of(WideLanes::min16(range.smallest_less_one, low), low)));
  }
};

template <typename Elements>
void decode_a(const std::byte* fragment, int k, std::int16_t largest, FloatColumns& to) {
  Elements elements(largest);
  for (int begin = 0; begin < k; begin += 8) {
    const Four columns = columns_of_halves(load_four(fragment + begin / 8 * 2 * kRegister));
    alignas(kVector) std::uint16_t halves[8][kMostRows];
    for (int i = 0; i < 4; ++i) WideLanes::store(halves[2 * i], WideLanes::by_half(columns.at[i]));
    for (int i = 0; i < 4; i += 2) {
      WideLanes::store(
          to.exponents[begin / 4 + i / 2],
          WideLanes::pack16(elements.exponents(columns.at[i]), elements.exponents(columns.at[i + 1])));
    }
    for (int i = 0; i < 8; ++i)
      WideLanes::store(to.at[begin + i], WideLanes::bits(Elements::floats(halves[i])));
  }
  to.in_range = elements.in_range();
}

// A quarter a column, a byte an element.
inline void put_exponents_b(Vector exponents, int begin, int half, FloatRuns& to) {
  WideLanes::store(to.exponents[half][begin], transpose_bytes(WideLanes::across(exponents)));
}

template <typename Elements>
void decode_b(const std::byte* fragment, int k, std::int16_t largest, FloatRuns& to) {
  Elements elements(largest);
  for (int begin = 0; begin < k; begin += 16) {
    const std::byte* const from = fragment + begin / 8 * kRegister;
    const std::byte* const next = begin + 8 < k ? from + kRegister : from;
    for (int half = 0; half < 2; ++half) {
      put_exponents_b(WideLanes::pack16(elements.exponents(WideLanes::load(from + half * kVector)),
                                        elements.exponents(WideLanes::load(next + half * kVector))),
                      begin, half, to);
    }
  }
  for (int i = 0; i < k * kColumns; i += 16)
    WideLanes::store(to.at + i, WideLanes::bits(Elements::floats(fragment + i * 2)));
  to.in_range = elements.in_range();
}

inline Vector tf32_exponents(Vector bits) {
  return WideLanes::add32(
      WideLanes::shift_right32<23>(WideLanes::and_of(bits, WideLanes::splat32(0x7f800000))),
      WideLanes::splat32(-127));
}

inline Vector four_as_bytes(const Vector* numbers) {
  return WideLanes::pack16(WideLanes::pack32(numbers[0], numbers[1]),
                           WideLanes::pack32(numbers[2], numbers[3]));
}

inline Vector read_bits_of_tf32(Vector bits) {
  return WideLanes::and_of(bits, WideLanes::splat32(static_cast<std::int32_t>(0xffffe000)));
}

inline void decode_tf32_a(const std::byte* a, int k, FloatColumns& to) {
  Range32 range;
  for (int begin = 0; begin < k; begin += 4) {
    const Four columns = transpose(load_four(a + begin / 4 * 2 * kRegister));
    Vector exponents[4];
    for (int i = 0; i < 4; ++i) {
      const Vector column = read_bits_of_tf32(columns.at[i]);
      range.take(column);
      WideLanes::store(to.at[begin + i], column);
      exponents[i] = tf32_exponents(column);
    }
    WideLanes::store(to.exponents[begin / 4], four_as_bytes(exponents));
  }
  to.in_range = range.within(kSmallestElement, kLargestElement);
}

inline void decode_tf32_b(const std::byte* b, int k, FloatRuns& to) {
  Range32 range;
  const int registers = k / 4;
  for (int half = 0; half < 2; ++half) {
    for (int first = 0; first < registers; first += 4) {
      Vector exponents[4];
      for (int i = 0; i < 4; ++i) {
        const int reg = first + i < registers ? first + i : first;
        const Vector numbers = read_bits_of_tf32(WideLanes::load(b + reg * kRegister + half * kVector));
        range.take(numbers);
        WideLanes::store(to.at + reg * 4 * kColumns + half * kVector / 4, numbers);
        exponents[i] = tf32_exponents(numbers);
      }
      put_exponents_b(four_as_bytes(exponents), first * 4, half, to);
    }
  }
  to.in_range = range.within(kSmallestElement, kLargestElement);
}

// Bytes to halves: each vector to two, of the first and the second half of all rows.
template <int left, int right>
void widen(const std::byte* from, int vectors, int stride, std::int16_t mask, std::byte* to) {
  const Vector zero = WideLanes::splat32(0), all = WideLanes::splat16(mask);
  const auto put = [&](Vector v, std::byte* place) {
    v = WideLanes::shift_signed_right16<right>(WideLanes::shift_left16<left>(v));
    WideLanes::store(place, WideLanes::and_of(v, all));
  };
  for (int i = 0; i < vectors; ++i) {
    const Vector codes = WideLanes::load(from + i * kVector);
    // `stride` vectors have the same elements along k.
    std::byte* const place = to + (i / stride * 2 * stride + i % stride) * kVector;
    put(WideLanes::unpack_low8(zero, codes), place);
    put(WideLanes::unpack_high8(zero, codes), place + stride * kVector);
  }
}

inline void widen(const ByteFormat& format, const std::byte* from, int vectors, int stride, std::byte* to) {
  if (format.left == 0 && format.right == 0) {
    widen<0, 0>(from, vectors, stride, format.mask, to);
  } else if (format.left == 0) {
    widen<0, 1>(from, vectors, stride, format.mask, to);
  } else if (format.right == 2) {
    widen<2, 2>(from, vectors, stride, format.mask, to);
  } else {
    widen<2, 3>(from, vectors, stride, format.mask, to);
  }
}

inline void decode(const FloatPlan& plan, const std::byte* a, FloatColumns& to) {
  to.extent.known = to.has_bytes = false;
  switch (plan.storage) {
    case FloatStorage::Half:
      return decode_a<HalfElements>(a, plan.k, kLargestHalf, to);
    case FloatStorage::Bfloat:
      return decode_a<BfloatElements>(a, plan.k, kLargestHalf, to);
    case FloatStorage::Tf32:
      return decode_tf32_a(a, plan.k, to);
    case FloatStorage::Byte: {
      alignas(kVector) std::byte halves[kMostFloatTerms * kMostRows * 2];
      widen(plan.a, a, plan.k * kMostRows / kVector, 4, halves);
      return decode_a<HalfElements>(halves, plan.k, plan.a.largest, to);
    }
  }
}

inline void decode(const FloatPlan& plan, const std::byte* b, FloatRuns& to) {
  to.extent.known = to.has_bytes = false;
  switch (plan.storage) {
    case FloatStorage::Half:
      return decode_b<HalfElements>(b, plan.k, kLargestHalf, to);
    case FloatStorage::Bfloat:
      return decode_b<BfloatElements>(b, plan.k, kLargestHalf, to);
    case FloatStorage::Tf32:
      return decode_tf32_b(b, plan.k, to);
    case FloatStorage::Byte: {
      alignas(kVector) std::byte halves[kMostFloatTerms * kColumns * 2];
      widen(plan.b, b, plan.k * kColumns / kVector, 2, halves);
      return decode_b<HalfElements>(halves, plan.k, plan.b.largest, to);
    }
  }
}

template <int vectors>
[[gnu::always_inline]] inline bool differ(const std::byte* a, const std::byte* b) {
  Vector bits = WideLanes::xor_of(WideLanes::load(a), WideLanes::load(b));
  for (int i = 1; i < vectors; ++i) {
    bits = WideLanes::or_of(
        bits, WideLanes::xor_of(WideLanes::load(a + i * kVector), WideLanes::load(b + i * kVector)));
  }
  return WideLanes::any(bits);
}

inline bool differ(const std::byte* a, const std::byte* b, int bytes) {
  if (bytes == 8 * kVector) return differ<8>(a, b);
  if (bytes == 4 * kVector) return differ<4>(a, b);
  for (int i = 0; i < bytes; i += 2 * kVector) {
    if (differ<2>(a + i, b + i)) return true;
  }
  return false;
}

// As it is known, or decoded now. rows: of A, or columns of B.
template <typename Entries>
auto& known_or_decoded(const FloatPlan& plan, const std::byte* fragment, int rows, std::int16_t mask,
                       Entries& entries) {
  const int bytes = plan.row_bytes * rows;
  const std::uint64_t kind = static_cast<std::uint64_t>(bytes) |
                             static_cast<std::uint64_t>(plan.storage) << 16 |
                             static_cast<std::uint64_t>(static_cast<std::uint16_t>(mask)) << 32;
  std::uint64_t some = 0, others = 0;
  std::memcpy(&some, fragment, sizeof some);
  std::memcpy(&others, fragment + kRegister / 2, sizeof others);
  std::uint8_t& place =
      entries.places[(some ^ others >> 7) * 0x9e3779b97f4a7c15 >> (64 - Entries::kPlaceBits)];
  auto* entry = &entries.entries[place];
  if (entry->kind != kind || differ(fragment, entry->fragment, bytes)) {
    place = static_cast<std::uint8_t>(entries.give_away());
    entry = &entries.entries[place];
    std::memcpy(entry->fragment, fragment, static_cast<std::size_t>(bytes));
    entry->kind = kind;
    decode(plan, fragment, entry->decoded);
  }
  entry->used_in = entries.run;
  return entry->decoded;
}

}  // namespace
}  // namespace doppel::engine
