// SPDX-License-Identifier: Apache-2.0
#include "engine/bulk_reduction.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "jit/exact_float.h"

namespace doppel::engine {
namespace {

using ir::AtomicOp;

template <typename Word, typename Combine>
void change_each(void* target, const void* source, std::uint32_t bytes, const Combine& combine) {
  auto* const to = static_cast<Word*>(target);
  for (std::uint32_t i = 0; i < bytes / sizeof(Word); ++i) {
    Word value;
    std::memcpy(&value, static_cast<const std::byte*>(source) + i * sizeof(Word), sizeof(Word));
    std::atomic_ref<Word> element(to[i]);
    Word before = element.load(std::memory_order_relaxed);
    while (!element.compare_exchange_weak(before, combine(before, value), std::memory_order_relaxed)) {
    }
  }
}

template <typename Word>
Word whole_number(AtomicOp operation, Word a, Word b, bool is_signed) {
  using Signed = std::make_signed_t<Word>;
  const bool less = is_signed ? static_cast<Signed>(b) < static_cast<Signed>(a) : b < a;
  switch (operation) {
    case AtomicOp::And:
      return a & b;
    case AtomicOp::Or:
      return a | b;
    case AtomicOp::Xor:
      return a ^ b;
    case AtomicOp::Inc:
      return a >= b ? 0 : a + 1;
    case AtomicOp::Dec:
      return a == 0 || a > b ? b : a - 1;
    case AtomicOp::Min:
      return less ? b : a;
    case AtomicOp::Max:
      return less ? a : b;
    default:
      return a + b;
  }
}

// The sum of two halves is exact in a double, and rounded once. Of minima and maxima a NaN gives way, and -0
// is less than 0 (9.7.4.7).
std::uint16_t half_number(AtomicOp operation, ir::Type type, std::uint16_t a, std::uint16_t b) {
  const auto wide = [&](std::uint16_t bits) {
    return std::bit_cast<double>(jit::convert_to_float(bits, type, ir::Type::F64, ir::Rounding::Rn));
  };
  const double x = wide(a), y = wide(b);
  if (operation == AtomicOp::Add) {
    if (std::isnan(x + y)) return 0x7fff;
    return static_cast<std::uint16_t>(
        jit::convert_to_float(std::bit_cast<std::uint64_t>(x + y), ir::Type::F64, type, ir::Rounding::Rn));
  }
  if (std::isnan(x)) return std::isnan(y) ? 0x7fff : b;
  if (std::isnan(y)) return a;
  const bool second_less = y < x || (x == y && std::signbit(y) && !std::signbit(x));
  return (operation == AtomicOp::Min) == second_less ? b : a;
}

// As atom.add.f32 of global memory: subnormal numbers become zeros of their sign.
std::uint32_t flushed(std::uint32_t bits) { return (bits & 0x7f800000) == 0 ? bits & 0x80000000 : bits; }

std::uint32_t sum_of_floats(std::uint32_t a, std::uint32_t b) {
  const float sum = std::bit_cast<float>(flushed(a)) + std::bit_cast<float>(flushed(b));
  return std::isnan(sum) ? 0x7fffffff : flushed(std::bit_cast<std::uint32_t>(sum));
}

std::uint64_t sum_of_doubles(std::uint64_t a, std::uint64_t b) {
  return std::bit_cast<std::uint64_t>(std::bit_cast<double>(a) + std::bit_cast<double>(b));
}

}  // namespace

void reduce_elements(AtomicOp operation, ir::Type type, void* target, const void* source,
                     std::uint32_t bytes) {
  switch (type) {
    case ir::Type::F16:
    case ir::Type::BF16:
      change_each<std::uint16_t>(target, source, bytes, [&](std::uint16_t a, std::uint16_t b) {
        return half_number(operation, type, a, b);
      });
      return;
    case ir::Type::F32:
      change_each<std::uint32_t>(target, source, bytes, sum_of_floats);
      return;
    case ir::Type::F64:
      change_each<std::uint64_t>(target, source, bytes, sum_of_doubles);
      return;
    default:
      if (ir::bit_width(type) == 64) {
        change_each<std::uint64_t>(target, source, bytes, [&](std::uint64_t a, std::uint64_t b) {
          return whole_number(operation, a, b, ir::is_signed(type));
        });
      } else {
        change_each<std::uint32_t>(target, source, bytes, [&](std::uint32_t a, std::uint32_t b) {
          return whole_number(operation, a, b, ir::is_signed(type));
        });
      }
  }
}

}  // namespace doppel::engine
