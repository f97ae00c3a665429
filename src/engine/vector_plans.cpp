// SPDX-License-Identifier: Apache-2.0
#include "engine/vector_plans.h"

#include <algorithm>

namespace doppel::engine {
namespace {

using ir::MatrixElement;

struct Storage {
  FloatStorage storage = FloatStorage::Half;
  ByteFormat format;
  int power = 0;  // from the f16 that a byte becomes, whose exponent has another bias
};

std::optional<Storage> storage_of(MatrixElement element) {
  const auto bytes = [](int left, int right, std::uint16_t mask, std::int16_t largest, int power) {
    return Storage{FloatStorage::Byte,
                   {static_cast<std::int8_t>(left), static_cast<std::int8_t>(right),
                    static_cast<std::int16_t>(mask), largest},
                   power};
  };
  constexpr std::int16_t kLargest = 0x7bff;
  switch (element) {
    case MatrixElement::F16:
      return Storage{};
    case MatrixElement::BF16:
      return Storage{FloatStorage::Bfloat, {}, 0};
    case MatrixElement::TF32:
      return Storage{FloatStorage::Tf32, {}, 0};
    case MatrixElement::E4M3:
      return bytes(0, 1, 0xbf80, 0x3f00, 8);
    case MatrixElement::E5M2:
      return bytes(0, 0, 0xff00, kLargest, 0);
    case MatrixElement::E3M2:
      return bytes(2, 2, 0x9f00, kLargest, 12);
    case MatrixElement::E2M3:
      return bytes(2, 3, 0x8f80, kLargest, 14);
    case MatrixElement::E2M1:
      return bytes(2, 3, 0x8e00, kLargest, 14);
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<FloatPlan> float_plan(const ir::MatrixForm& form, const MatrixRules& rules) {
  const auto of_a = storage_of(form.a), of_b = storage_of(form.b);
  if (!of_a || !of_b || of_a->storage != of_b->storage || form.is_narrow()) return std::nullopt;
  if (form.m != kMostRows || form.n != kColumns || form.k > kMostFloatTerms) return std::nullopt;
  if (form.c != form.d || (form.d != MatrixElement::F32 && form.d != MatrixElement::F16)) return std::nullopt;
  // Eight terms are less than 2^30, and as many as that are added to less than 2^31.
  if (rules.fraction_bits > 25) return std::nullopt;
  FloatPlan plan;
  plan.k = form.k;
  plan.row_bytes = form.k * form.bits_of(form.a) / 8;
  plan.terms = std::min<int>(form.kept_k(), rules.bits_of_sum / form.bits_of(form.a)) * (form.sparse ? 2 : 1);
  plan.fraction_bits = rules.fraction_bits;
  plan.storage = of_a->storage;
  plan.a = of_a->format;
  plan.b = of_b->format;
  plan.power = of_a->power + of_b->power;
  plan.half_sums = form.d == MatrixElement::F16;
  const bool of_words = plan.storage == FloatStorage::Tf32;
  for (const int terms : {of_words ? 4 : 8, of_words ? 8 : 16, of_words ? 16 : 32, of_words ? 16 : 64}) {
    if (plan.terms == terms && plan.k % terms == 0) return plan;
  }
  return std::nullopt;
}

std::optional<FloatFactors> float_factors(const FloatPlan& plan, const MatrixScales& scales) {
  // What is computed with stays in the range that the vectors' code needs, and what it comes to among normal
  // floats.
  constexpr int kMost = 25, kLeastOfBoth = -20;
  FloatFactors factors;
  int least_row = kMost, least_column = kMost;
  const auto take = [&](const Scale& scale, std::int16_t& to, int& least) {
    to = scale.exponent;
    least = std::min<int>(least, to);
    return !scale.is_nan && to <= kMost && to >= -kMost;
  };
  for (int row = 0; row < kMostRows; ++row) {
    if (!take(scales.a[row][0], factors.rows[row], least_row)) return std::nullopt;
  }
  for (int column = 0; column < kColumns; ++column) {
    if (!take(scales.b[column][0], factors.columns[column], least_column)) return std::nullopt;
  }
  if (plan.power + least_row + least_column < kLeastOfBoth) return std::nullopt;
  return factors;
}

std::optional<WholePlan> whole_plan(const ir::Attributes& product) {
  const ir::MatrixForm& form = product.matrix;
  const int bits = form.bits_of(form.a);
  const bool bytes = form.a == MatrixElement::S8 || form.a == MatrixElement::U8;
  const bool nibbles = form.a == MatrixElement::S4 || form.a == MatrixElement::U4;
  if ((!bytes && !nibbles) || (form.sparse && form.m != kMostRows)) return std::nullopt;
  WholePlan plan;
  plan.rows = form.m;
  plan.row_bytes = form.k * bits / 8;
  plan.nibbles = nibbles;
  plan.a_signed = form.a == MatrixElement::S8 || form.a == MatrixElement::S4;
  plan.b_signed = form.b == MatrixElement::S8 || form.b == MatrixElement::S4;
  plan.clamp = product.satfinite;
  return plan;
}

VectorProducts best_products() {
  static const VectorProducts best = [] {
    for (const VectorProducts& way : {avx512vnni_products(), avx512_products()}) {
      if (way.floats != nullptr) return way;
    }
    return avx2_products();
  }();
  return best;
}

}  // namespace doppel::engine
