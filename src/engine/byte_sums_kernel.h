// SPDX-License-Identifier: Apache-2.0
// The exact sums of exact_sums_kernel.h for numbers that are whole numbers of a byte, but for a power of two:
// four terms an instruction, where the host has one (DOPPEL_DOTS).
//
// The instruction takes bytes without a sign of one factor: A has 128 added, and sums begin with what that
// adds to them, less than nothing. C and D stay as fragments have them: a vector has four rows, one in each
// quarter, and every other column. So A has each of its rows four times, and B the same in all quarters.
#pragma once

#include <algorithm>
#include <limits>
#include <optional>
#include <span>

#include "engine/exact_sums_kernel.h"

namespace doppel::engine {
namespace {

inline bool fits_bytes(const FloatExtent& extent) {
  return extent.largest <= 127 * scalar_power_of_two(extent.lowest);
}

inline const float* first_number(const FloatColumns& a) { return a.at[0]; }
inline const float* first_number(const FloatRuns& b) { return b.at; }

template <int four>
void put_rows(Vector words, FloatColumns& a, int group) {
  WideLanes::store(a.bytes[group][four], WideLanes::repeat_word<four>(words));
}

inline void make_bytes(const FloatPlan& plan, FloatColumns& a) {
  const Floats to_whole = power_of_two(-a.extent.lowest);
  const Vector low_byte = WideLanes::splat32(255);
  const auto column = [&](int k) {
    return WideLanes::and_of(
        WideLanes::whole(WideLanes::multiply(WideLanes::floats(WideLanes::load(a.at[k])), to_whole)),
        low_byte);
  };
  for (int group = 0; group < plan.k / 4; ++group) {
    const Vector words = WideLanes::or_of(
        WideLanes::or_of(column(4 * group), WideLanes::shift_left32<8>(column(4 * group + 1))),
        WideLanes::or_of(WideLanes::shift_left32<16>(column(4 * group + 2)),
                         WideLanes::shift_left32<24>(column(4 * group + 3))));
    const Vector added = WideLanes::xor_of(words, WideLanes::splat8(-128));
    put_rows<0>(added, a, group);
    put_rows<1>(added, a, group);
    put_rows<2>(added, a, group);
    put_rows<3>(added, a, group);
  }
  a.has_bytes = true;
}

inline void make_bytes(const FloatPlan& plan, FloatRuns& b) {
  const Floats to_whole = power_of_two(-b.extent.lowest);
  const auto numbers = [&](int place) {
    return WideLanes::whole(WideLanes::multiply(WideLanes::floats(WideLanes::load(b.at + place)), to_whole));
  };
  const Vector added = WideLanes::splat8(-128), zero = WideLanes::splat32(0);
  for (int eight = 0; eight * 8 < plan.k; ++eight) {
    // Of runs of eight, a vector has two columns, and in each quarter four along k of one.
    Vector four[4];
    const bool whole = eight * 8 + 4 < plan.k;
    for (int i = 0; i < 4; ++i) four[i] = i < 2 || whole ? numbers(eight * 64 + i * 16) : zero;
    Vector bytes = four_as_bytes(four);
    if (plan.storage == FloatStorage::Tf32) {
      // Of runs of four, two vectors have the columns of four along k.
      alignas(kVector) static constexpr std::int32_t kFrom[16] = {0, 8,  1, 9,  2, 10, 3, 11,
                                                                  4, 12, 5, 13, 6, 14, 7, 15};
      bytes = WideLanes::permute32(bytes, WideLanes::load(kFrom));
    }
    WideLanes::store(b.bytes[eight], bytes);
    WideLanes::store(b.starts[eight], WideLanes::subtract32(zero, WideLanes::add_dots(zero, added, bytes)));
  }
  b.has_bytes = true;
}

template <bool half_sums>
struct ByteSums {
  Floats at[2][kMostRows / 4];  // by parity of the column

  bool take(const std::byte* c, const ExactRange& range) {
    ExactTest test(range);
    for (int four = 0; four < kMostRows / 4; ++four) {
      if constexpr (half_sums) {
        const Vector both = WideLanes::load(c + four * kVector);
        at[0][four] = WideLanes::low_halves(both);
        at[1][four] = WideLanes::low_halves(WideLanes::shift_right32<16>(both));
      } else {
        for (int parity = 0; parity < 2; ++parity)
          at[parity][four] = WideLanes::floats(WideLanes::load(c + place_in_fragment(parity, four)));
      }
      test.take(at[0][four]);
      test.take(at[1][four]);
    }
    return test.passed();
  }

  // Terms of `groups` times four along k, from `begin` on.
  template <int groups>
  [[gnu::always_inline]] void add(const Operands& of, int begin, Floats unit) {
    const auto start = [&](int group, int parity) {
      return WideLanes::load_quarter(of.b->starts[group / 2][parity * 2 + group % 2]);
    };
    Vector sums[2][kMostRows / 4];
    for (int parity = 0; parity < 2; ++parity) {
      Vector first = start(begin, parity);
      for (int i = 1; i < groups; ++i) first = WideLanes::add32(first, start(begin + i, parity));
      for (Vector& sum : sums[parity]) sum = first;
    }
    for (int group = begin; group < begin + groups; ++group) {
      for (int parity = 0; parity < 2; ++parity) {
        const Vector b =
            WideLanes::load_quarter(of.b->bytes[group / 2] + (parity * 2 + group % 2) * kQuarter);
        for (int four = 0; four < kMostRows / 4; ++four) {
          sums[parity][four] =
              WideLanes::add_dots(sums[parity][four], WideLanes::load(of.a->bytes[group][four]), b);
        }
      }
    }
    for (int parity = 0; parity < 2; ++parity) {
      for (int four = 0; four < kMostRows / 4; ++four) {
        Floats& c = at[parity][four];
        c = WideLanes::multiply_add_towards_zero(WideLanes::from_whole(sums[parity][four]), unit, c);
        if constexpr (half_sums) c = WideLanes::rounded_to_half(c);
      }
    }
  }

  void put(std::byte* d) const {
    for (int four = 0; four < kMostRows / 4; ++four) {
      if constexpr (half_sums) {
        WideLanes::store(
            d + four * kVector,
            WideLanes::or_of(WideLanes::as_low_halves(at[0][four]),
                             WideLanes::shift_left32<16>(WideLanes::as_low_halves(at[1][four]))));
      } else {
        for (int parity = 0; parity < 2; ++parity)
          WideLanes::store(d + place_in_fragment(parity, four), WideLanes::bits(at[parity][four]));
      }
    }
  }
};

template <int groups, bool half_sums>
bool add_byte_parts(const FloatPlan& plan, const Operands& of, const ExactRange& range, const std::byte* c,
                    std::byte* d) {
  ByteSums<half_sums> sums;
  if (!sums.take(c, range)) return false;
  const Floats unit = power_of_two(of.a->extent.lowest + of.b->extent.lowest + plan.power);
  for (int begin = 0; begin * 4 < plan.k; begin += groups) sums.template add<groups>(of, begin, unit);
  sums.put(d);
  return true;
}

// False where C is none for exact sums: nothing has been written then.
inline bool add_bytes(const FloatPlan& plan, const Operands& of, const ExactRange& range, const std::byte* c,
                      std::byte* d) {
  if (!of.a->has_bytes) make_bytes(plan, *of.a);
  if (!of.b->has_bytes) make_bytes(plan, *of.b);
  const auto add = [&]<int groups>() {
    return plan.half_sums ? add_byte_parts<groups, true>(plan, of, range, c, d)
                          : add_byte_parts<groups, false>(plan, of, range, c, d);
  };
  switch (plan.terms) {
    case 4:
      return add.template operator()<1>();
    case 8:
      return add.template operator()<2>();
    case 16:
      return add.template operator()<4>();
    case 32:
      return add.template operator()<8>();
    case 64:
      return add.template operator()<16>();
    default:
      return false;
  }
}

// Products that add to one C, which stays in registers. False where it is none for exact sums: nothing has
// been written then.
template <int groups>
bool add_linked_parts(const FloatPlan& plan, std::span<const Operands> links, const ExactRange& range,
                      const std::byte* c, std::byte* d) {
  ByteSums<false> sums;
  if (!sums.take(c, range)) return false;
  for (const Operands& of : links) {
    const Floats unit = power_of_two(of.a->extent.lowest + of.b->extent.lowest + plan.power);
    for (int begin = 0; begin * 4 < plan.k; begin += groups) sums.template add<groups>(of, begin, unit);
  }
  sums.put(d);
  return true;
}

inline bool add_linked_bytes(const FloatPlan& plan, std::span<const Operands> links, const ExactRange& range,
                             const std::byte* c, std::byte* d) {
  switch (plan.terms) {
    case 4:
      return add_linked_parts<1>(plan, links, range, c, d);
    case 8:
      return add_linked_parts<2>(plan, links, range, c, d);
    case 16:
      return add_linked_parts<4>(plan, links, range, c, d);
    case 32:
      return add_linked_parts<8>(plan, links, range, c, d);
    case 64:
      return add_linked_parts<16>(plan, links, range, c, d);
    default:
      return false;
  }
}

// What C must be for all products of these, which are bytes from here on; nothing where they are not.
template <typename Factor>
std::optional<FloatExtent> extent_as_bytes(const FloatPlan& plan, std::span<Factor* const> factors,
                                           int rows) {
  FloatExtent all{true, std::numeric_limits<int>::max(), 0};
  for (Factor* const each : factors) {
    if (!each->in_range) return std::nullopt;
    if (!each->extent.known) each->extent = extent_of(first_number(*each), plan.k * rows);
    if (!fits_bytes(each->extent)) return std::nullopt;
    all.lowest = std::min(all.lowest, each->extent.lowest);
    all.largest = std::max(all.largest, each->extent.largest);
  }
  for (Factor* const each : factors) {
    if (!each->has_bytes) make_bytes(plan, *each);
  }
  return all;
}

inline std::optional<ExactRange> range_as_bytes(const FloatPlan& plan, std::span<FloatColumns* const> a,
                                                std::span<FloatRuns* const> b) {
  if (plan.half_sums) return std::nullopt;
  const auto of_a = extent_as_bytes(plan, a, kMostRows);
  const auto of_b = of_a ? extent_as_bytes(plan, b, kColumns) : std::nullopt;
  return of_b ? exact_range(plan, *of_a, *of_b) : std::nullopt;
}

}  // namespace
}  // namespace doppel::engine
