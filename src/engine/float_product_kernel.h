// SPDX-License-Identifier: Apache-2.0
// The products of float_product.h, written for any WideLanes: 16 rows of a column of D at a time.
//
// A, B and C are rearranged so that a vector has the 16 rows of a column of A, C or D, where a number of B is
// the same for all of them. A register of a fragment is two vectors whose quarters are a row or column each,
// so that all of it is done within quarters; the price is an order of the rows: of quarter q and element i,
// row 4 i + q.
//
// A term is cut off behind the largest exponent by its conversion to a whole number in units of the last bit
// that is kept: products of two floats of 11 bits are exact, so are powers of two times them, and the
// conversion goes towards zero. The exponents themselves are added and compared as bytes, 64 at a time; what
// is less than -128 comes to -128, which is less than that of a C of zero.
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
  const FloatColumns* a;
  alignas(kVector) float b[kMostFloatTerms * kColumns];  // by run along k, column, place in the run
  // By half of the columns, then along k.
  alignas(kVector) std::int8_t exponents_b[2][kMostFloatTerms][kColumns / 2];
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
inline void put_exponents_b(Vector exponents, int begin, int half, Operands& to) {
  WideLanes::store(to.exponents_b[half][begin], transpose_bytes(WideLanes::across(exponents)));
}

template <typename Elements>
bool decode_b(const std::byte* fragment, int k, std::int16_t largest, Operands& to) {
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
    WideLanes::store(to.b + i, WideLanes::bits(Elements::floats(fragment + i * 2)));
  return elements.in_range();
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

inline bool decode_tf32_b(const std::byte* b, int k, Operands& to) {
  Range32 range;
  const int registers = k / 4;
  for (int half = 0; half < 2; ++half) {
    for (int first = 0; first < registers; first += 4) {
      Vector exponents[4];
      for (int i = 0; i < 4; ++i) {
        const int reg = first + i < registers ? first + i : first;
        const Vector numbers = read_bits_of_tf32(WideLanes::load(b + reg * kRegister + half * kVector));
        range.take(numbers);
        WideLanes::store(to.b + reg * 4 * kColumns + half * kVector / 4, numbers);
        exponents[i] = tf32_exponents(numbers);
      }
      put_exponents_b(four_as_bytes(exponents), first * 4, half, to);
    }
  }
  return range.within(kSmallestElement, kLargestElement);
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

inline void decode_columns(const FloatPlan& plan, const std::byte* a, FloatColumns& to) {
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

inline bool decode_b(const FloatPlan& plan, const std::byte* b, Operands& to) {
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
  return false;
}

inline int row_bytes(const FloatPlan& plan) {
  switch (plan.storage) {
    case FloatStorage::Tf32:
      return plan.k * 4;
    case FloatStorage::Byte:
      return plan.k;
    default:
      return plan.k * 2;
  }
}

// As they are known, or made in `own`.
inline const FloatColumns& columns_of_a(const FloatPlan& plan, const std::byte* a, FloatMemo* memo,
                                        FloatColumns& own) {
  if (memo == nullptr || row_bytes(plan) * kMostRows != FloatMemo::kBytes) {
    decode_columns(plan, a, own);
    return own;
  }
  std::uint64_t some = 0, others = 0;
  std::memcpy(&some, a, sizeof some);
  std::memcpy(&others, a + kRegister + kVector, sizeof others);
  const std::uint64_t key = (some ^ others >> 7) * 0x9e3779b97f4a7c15;
  unsigned place = FloatMemo::kEntries;
  for (unsigned i = 0; i < FloatMemo::kEntries; ++i) place = memo->keys[i] == key ? i : place;
  if (place == FloatMemo::kEntries) place = memo->next++ % FloatMemo::kEntries;
  FloatMemo::Entry& entry = memo->entries[place];
  Vector differ = WideLanes::splat32(0);
  for (int i = 0; i < FloatMemo::kBytes; i += kVector) {
    differ = WideLanes::or_of(differ,
                              WideLanes::xor_of(WideLanes::load(a + i), WideLanes::load(entry.fragment + i)));
  }
  if (!entry.known || entry.storage != plan.storage || entry.mask != plan.a.mask || WideLanes::any(differ)) {
    std::memcpy(entry.fragment, a, FloatMemo::kBytes);
    memo->keys[place] = key;
    entry.storage = plan.storage;
    entry.mask = plan.a.mask;
    entry.known = true;
    decode_columns(plan, a, entry.columns);
  }
  return entry.columns;
}

// own: for the columns of A.
inline bool decode(const FloatPlan& plan, const std::byte* a, const std::byte* b, FloatMemo* memo,
                   FloatColumns& own, Operands& to) {
  to.a = &columns_of_a(plan, a, memo, own);
  return to.a->in_range && decode_b(plan, b, to);
}

// ------------------------------------------------------------------------------------ sums

inline Floats power_of_two(int exponent) {
  return WideLanes::floats(WideLanes::splat32((exponent + 127) * kOne));
}

// The largest exponents of the products of a part, by column, plus 127.
template <int terms, bool saturated>
void largest_exponents(const Operands& of, int begin, std::uint8_t (*largest)[kMostRows]) {
  // In each quarter its rows of one along k, each for four columns.
  alignas(kQuarter) static constexpr std::int8_t kRows[4][kQuarter] = {
      {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3},
      {4, 4, 4, 4, 5, 5, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7},
      {8, 8, 8, 8, 9, 9, 9, 9, 10, 10, 10, 10, 11, 11, 11, 11},
      {12, 12, 12, 12, 13, 13, 13, 13, 14, 14, 14, 14, 15, 15, 15, 15}};
  Vector rows[4];
  for (int i = 0; i < 4; ++i) rows[i] = WideLanes::load_quarter(kRows[i]);
  Vector most[2] = {WideLanes::splat8(kSmallestExponent), WideLanes::splat8(kSmallestExponent)};
  for (int four = 0; four < terms; four += 4) {
    const Vector exponents = WideLanes::load(of.a->exponents[(begin + four) / 4]);
    for (int i = 0; i < 4; ++i) {
      const Vector a = WideLanes::shuffle8(exponents, rows[i]);
      for (int half = 0; half < 2; ++half) {
        const Vector b = WideLanes::load_word(of.exponents_b[half][begin + four + i]);
        most[half] =
            WideLanes::max8(most[half], saturated ? WideLanes::add8_saturated(a, b) : WideLanes::add8(a, b));
      }
    }
  }
  const Vector bias = WideLanes::splat8(127);
  for (int half = 0; half < 2; ++half) {
    WideLanes::store(largest[half * kColumns / 2],
                     WideLanes::across(transpose_bytes(WideLanes::add8(most[half], bias))));
  }
}

struct Units {
  Vector scale_base;          // less the bits of an exponent: those of the power of two to whole numbers
  Vector unit_base;           // with the same bits: those of that back
  Vector lowest;              // the bits of the least exponent of a C of f16 that is not zero
  Floats to_half, from_half;  // of a C of f16
  explicit Units(const FloatPlan& plan)
      : scale_base(WideLanes::splat32(
            static_cast<std::int32_t>(static_cast<std::uint32_t>(254 + plan.fraction_bits) << 23))),
        unit_base(WideLanes::splat32(-plan.fraction_bits * kOne)),
        lowest(WideLanes::splat32((127 - 14 - plan.power) * kOne)),
        to_half(power_of_two(plan.power)),
        from_half(power_of_two(-plan.power)) {}
};

// What is there of a column, to which sums are added one after the other.
template <bool half_sums>
struct Column {
  Floats c;
  Vector exponent;  // its bits in a float
  Floats scale;
  Vector sum;

  // Cut off behind the largest exponent of its own and the products'.
  void begin(const std::uint8_t* largest, const Units& units) {
    exponent = WideLanes::and_of(WideLanes::bits(c), WideLanes::splat32(0x7f800000));
    if constexpr (half_sums) {
      // Subnormals have the lowest exponent.
      const Vector zero =
          WideLanes::is_zero32(WideLanes::and_of(WideLanes::bits(c), WideLanes::splat32(0x7fffffff)));
      exponent =
          WideLanes::max32(exponent, WideLanes::xor_of(WideLanes::and_of(zero, units.lowest), units.lowest));
    }
    exponent = WideLanes::max32(exponent, WideLanes::shift_left32<23>(WideLanes::load_bytes(largest)));
    scale = WideLanes::floats(WideLanes::subtract32(units.scale_base, exponent));
    sum = WideLanes::whole(WideLanes::multiply(c, scale));
  }
  void end(const Units& units) {
    const Floats unit = WideLanes::floats(WideLanes::add32(units.unit_base, exponent));
    Floats cut = WideLanes::towards_zero(sum);
    if constexpr (half_sums) {
      // To odd: then the conversion rounds as at once from all bits.
      const Vector exact = WideLanes::is_zero32(WideLanes::xor_of(WideLanes::whole(cut), sum));
      cut = WideLanes::floats(
          WideLanes::or_of(WideLanes::bits(cut), WideLanes::add32(exact, WideLanes::splat32(1))));
    }
    c = WideLanes::multiply(cut, unit);
    if constexpr (half_sums) {
      c = WideLanes::multiply(WideLanes::rounded_to_half(WideLanes::multiply(c, units.to_half)),
                              units.from_half);
    }
  }
};
// ------------------------------------------------------------------------------------ C and D

// What the floats of C are multiplied with before, or those of D behind, by row in our order and by column.
class Scaling {
 public:
  Scaling(const FloatPlan& plan, const FloatFactors* factors, int sign)
      : needed_(plan.power != 0 || factors) {
    if (!needed_) return;
    for (int i = 0; i < kMostRows; ++i) {
      const int row = i % 4 * 4 + i / 4;
      rows_[i] = (127 + sign * (plan.power + (factors ? factors->rows[row] : 0))) * kOne;
    }
    for (int i = 0; i < kColumns; ++i) columns_[i] = factors ? sign * factors->columns[i] : 0;
  }
  bool needed() const { return needed_; }
  Vector apply(Vector column, int number) const {
    if (!needed_) return column;
    const Floats by =
        WideLanes::multiply(WideLanes::floats(WideLanes::load(rows_)), power_of_two(columns_[number]));
    return WideLanes::bits(WideLanes::multiply(WideLanes::floats(column), by));
  }

 private:
  const bool needed_;
  alignas(kVector) std::int32_t rows_[kMostRows];
  int columns_[kColumns];
};

// Vector i of a register's parity: rows 4 i to 4 i + 3, every other column.
inline int place_in_fragment(int parity, int i) { return (parity + i / 2 * 2) * kRegister + i % 2 * kVector; }

inline bool take_floats(const std::byte* c, const Scaling& scaling, int smallest, Sums& sums) {
  Range32 range, unscaled;
  for (int parity = 0; parity < 2; ++parity) {
    Four rows;
    for (int i = 0; i < 4; ++i) rows.at[i] = WideLanes::load(c + place_in_fragment(parity, i));
    const Four columns = transpose(rows);
    for (int i = 0; i < 4; ++i) {
      Vector column = columns.at[i];
      if (scaling.needed()) {
        unscaled.take(column);
        column = scaling.apply(column, 2 * i + parity);
      }
      range.take(column);
      WideLanes::store(sums.at[2 * i + parity], column);
    }
  }
  return range.within(smallest, kLargestSum) && unscaled.within(kSmallestScaled, kLargestSum);
}

inline void put_floats(const Sums& sums, const Scaling& scaling, std::byte* d) {
  for (int parity = 0; parity < 2; ++parity) {
    Four columns;
    for (int i = 0; i < 4; ++i)
      columns.at[i] = scaling.apply(WideLanes::load(sums.at[2 * i + parity]), 2 * i + parity);
    const Four rows = transpose(columns);
    for (int i = 0; i < 4; ++i) WideLanes::store(d + place_in_fragment(parity, i), rows.at[i]);
  }
}

inline bool take_halves(const std::byte* c, const FloatPlan& plan, Sums& sums) {
  const Four columns = columns_of_halves(load_four(c));
  const Floats from_half = power_of_two(-plan.power);
  HalfElements elements(kLargestHalf);
  for (int i = 0; i < 4; ++i) {
    elements.note(columns.at[i]);
    alignas(kVector) std::uint16_t halves[2][kMostRows];
    WideLanes::store(halves, WideLanes::by_half(columns.at[i]));
    for (int j = 0; j < 2; ++j) {
      WideLanes::store(sums.at[2 * i + j],
                       WideLanes::bits(WideLanes::multiply(WideLanes::load_halves(halves[j]), from_half)));
    }
  }
  return elements.in_range();
}

inline void put_halves(const Sums& sums, const FloatPlan& plan, std::byte* d) {
  const Floats to_half = power_of_two(plan.power);
  Four columns;
  for (int i = 0; i < 4; ++i) {
    alignas(kVector) std::uint16_t halves[2][kMostRows];
    for (int j = 0; j < 2; ++j) {
      WideLanes::store_halves(
          halves[j], WideLanes::multiply(WideLanes::floats(WideLanes::load(sums.at[2 * i + j])), to_half));
    }
    columns.at[i] = WideLanes::load(halves);
  }
  const Four rows = rows_of_halves(columns);
  for (int i = 0; i < 4; ++i) WideLanes::store(d + i * kVector, rows.at[i]);
}

// ------------------------------------------------------------------------------------ all of it

// All columns of an A that registers hold, or where they lie.
template <int k>
struct InRegisters {
  static constexpr int kLength = k;
  Floats at[k];
  explicit InRegisters(const Operands& of) {
    for (int i = 0; i < k; ++i) at[i] = WideLanes::floats(WideLanes::load(of.a->at[i]));
  }
  [[gnu::always_inline]] Floats get(int i) const { return at[i]; }
};
struct InMemory {
  static constexpr int kLength = 0;  // the plan's
  const Operands& of;
  explicit InMemory(const Operands& operands) : of(operands) {}
  [[gnu::always_inline]] Floats get(int i) const { return WideLanes::floats(WideLanes::load(of.a->at[i])); }
};

// In the sign where a float is infinite.
inline Vector infinite(Floats v) {
  return WideLanes::add32(WideLanes::and_of(WideLanes::bits(v), WideLanes::splat32(0x7fffffff)),
                          WideLanes::splat32(kOne));
}

// One sum of a column, of the terms from `begin` on. b: the first number of the column of B.
template <int terms, int run, bool half_sums, typename ColumnsOfA>
[[gnu::always_inline]] inline void add_part(const ColumnsOfA& a, int begin, const float* b,
                                            const std::uint8_t* largest, const Units& units,
                                            Column<half_sums>& column, Vector& beyond) {
  column.begin(largest, units);
  for (int group = 0; group < terms; group += 8) {
    Vector sum = terms <= 8 ? column.sum : WideLanes::splat32(0);
    for (int i = 0; i < std::min(terms, 8); ++i) {
      const int k = begin + group + i;
      const Floats product =
          WideLanes::multiply(a.get(k), WideLanes::splat(b[k / run * kColumns * run + k % run]));
      sum = WideLanes::add32(sum, WideLanes::whole(WideLanes::multiply(product, column.scale)));
    }
    if constexpr (terms <= 8) {
      column.sum = sum;
    } else {
      const Vector both = WideLanes::add32(column.sum, sum);
      beyond = WideLanes::or_of(
          beyond, WideLanes::and_of(WideLanes::xor_of(column.sum, both), WideLanes::xor_of(sum, both)));
      column.sum = both;
    }
  }
  column.end(units);
}

// False where a sum is beyond the whole numbers of 32 bits, or what is added to is not finite.
template <int terms, int run, bool half_sums, typename ColumnsOfA>
bool add_parts(const FloatPlan& plan, const Operands& of, Sums& sums) {
  constexpr int kMostParts = kMostFloatTerms / 8;
  const int length = ColumnsOfA::kLength != 0 ? ColumnsOfA::kLength : plan.k;
  alignas(kVector) std::uint8_t largest[kMostParts][kColumns][kMostRows];
  const bool saturated = plan.storage == FloatStorage::Bfloat || plan.storage == FloatStorage::Tf32;
  for (int part = 0; part * terms < length; ++part) {
    if (saturated) {
      largest_exponents<terms, true>(of, part * terms, largest[part]);
    } else {
      largest_exponents<terms, false>(of, part * terms, largest[part]);
    }
  }
  const Units units(plan);
  const ColumnsOfA a(of);
  Vector beyond = WideLanes::splat32(0);
  for (int number = 0; number < kColumns; number += kAtOnce) {
    Column<half_sums> columns[kAtOnce];
    for (int j = 0; j < kAtOnce; ++j) columns[j].c = WideLanes::floats(WideLanes::load(sums.at[number + j]));
    const float* const b = of.b + number * run;
    const auto add = [&](int part) __attribute__((always_inline)) {
      for (int j = 0; j < kAtOnce; ++j) {
        add_part<terms, run>(a, part * terms, b + j * run, largest[part][number + j], units, columns[j],
                             beyond);
        if (half_sums && (part + 1) * terms < length)
          beyond = WideLanes::or_of(beyond, infinite(columns[j].c));
      }
    };
    if constexpr (ColumnsOfA::kLength != 0) {
      // Each part's columns of A are in registers of their own.
      [&]<int... part>(std::integer_sequence<int, part...>) __attribute__((always_inline)) {
        (add(part), ...);
      }(std::make_integer_sequence<int, ColumnsOfA::kLength / terms>{});
    } else {
      for (int part = 0; part * terms < length; ++part) add(part);
    }
    for (int j = 0; j < kAtOnce; ++j) WideLanes::store(sums.at[number + j], WideLanes::bits(columns[j].c));
  }
  return (terms <= 8 && !half_sums) ||
         !WideLanes::any(WideLanes::and_of(beyond, WideLanes::splat32(INT32_MIN)));
}

template <int terms, int run, bool half_sums>
bool add_parts(const FloatPlan& plan, const Operands& of, Sums& sums) {
  constexpr int kMost = run == 4 ? 8 : 16;  // of 256 bits a row
  if constexpr (terms <= kMost) {
    if (plan.k == kMost) return add_parts<terms, run, half_sums, InRegisters<kMost>>(plan, of, sums);
  }
  return add_parts<terms, run, half_sums, InMemory>(plan, of, sums);
}

template <int terms, int run>
bool add_parts(const FloatPlan& plan, const Operands& of, Sums& sums) {
  return plan.half_sums ? add_parts<terms, run, true>(plan, of, sums)
                        : add_parts<terms, run, false>(plan, of, sums);
}

inline bool add_all(const FloatPlan& plan, const Operands& of, Sums& sums) {
  if (plan.storage == FloatStorage::Tf32) {
    switch (plan.terms) {
      case 4:
        return add_parts<4, 4, false>(plan, of, sums);
      case 8:
        return add_parts<8, 4, false>(plan, of, sums);
      case 16:
        return add_parts<16, 4, false>(plan, of, sums);
      default:
        return false;
    }
  }
  switch (plan.terms) {
    case 8:
      return add_parts<8, 8>(plan, of, sums);
    case 16:
      return add_parts<16, 8>(plan, of, sums);
    case 32:
      return add_parts<32, 8>(plan, of, sums);
    case 64:
      return add_parts<64, 8>(plan, of, sums);
    default:
      return false;
  }
}

inline bool multiply_floats_in_vectors(const FloatPlan& plan, const std::byte* a, const std::byte* b,
                                       const FloatFactors* factors, FloatMemo* memo, const std::byte* c,
                                       std::byte* d) {
  FloatColumns own;
  Operands operands;
  Sums sums;
  if (!decode(plan, a, b, memo, own, operands)) return false;
  if (plan.half_sums) {
    if (!take_halves(c, plan, sums) || !add_all(plan, operands, sums)) return false;
    put_halves(sums, plan, d);
    return true;
  }
  const bool halves = plan.storage == FloatStorage::Half || plan.storage == FloatStorage::Byte;
  const int smallest = halves ? kSmallestSumOfHalves : kSmallestSum;
  if (!take_floats(c, Scaling(plan, factors, -1), smallest, sums) || !add_all(plan, operands, sums))
    return false;
  put_floats(sums, Scaling(plan, factors, 1), d);
  return true;
}

}  // namespace
}  // namespace doppel::engine
