// SPDX-License-Identifier: Apache-2.0
// Products of matrices by every code that this host has for them, against the reference.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "engine/float_memo.h"
#include "engine/matrix_product.h"
#include "reference/matrix_ops.h"

namespace doppel::engine {

using ir::MatrixForm;

inline constexpr std::array kForms{
    "m16n8k8_f16_f16_f16_f16", "m16n8k8_f32_f16_f16_f32", "m16n8k16_f16_f16_f16_f16",
    "m16n8k16_f32_f16_f16_f32", "m16n8k8_f32_bf16_bf16_f32", "m16n8k16_f32_bf16_bf16_f32",
    "m16n8k4_f32_tf32_tf32_f32", "m16n8k8_f32_tf32_tf32_f32", "m8n8k4_f64_f64_f64_f64",
    "m16n8k4_f64_f64_f64_f64", "m16n8k8_f64_f64_f64_f64", "m16n8k16_f64_f64_f64_f64", "m8n8k16_s32_s8_u8_s32",
    "m16n8k16_s32_u8_s8_s32", "m16n8k32_s32_s8_s8_s32", "m16n8k32_s32_u8_u8_s32", "m8n8k32_s32_s4_u4_s32",
    "m16n8k32_s32_u4_s4_s32", "m16n8k64_s32_s4_s4_s32", "m16n8k64_s32_u4_u4_s32", "m8n8k128_s32_b1_b1_s32",
    "m16n8k128_s32_b1_b1_s32", "m16n8k256_s32_b1_b1_s32", "m16n8k16_f32_e4m3_e4m3_f32",
    "m16n8k16_f16_e4m3_e5m2_f16", "m16n8k32_f32_e4m3_e4m3_f32", "m16n8k32_f32_e4m3_e5m2_f32",
    "m16n8k32_f32_e5m2_e4m3_f32", "m16n8k32_f32_e5m2_e5m2_f32", "m16n8k32_f16_e4m3_e4m3_f16",
    "m16n8k32_f16_e5m2_e5m2_f16", "m16n8k32_f32_e3m2_e2m3_f32", "m16n8k32_f32_e2m3_e3m2_f32",
    "m16n8k32_f32_e2m1_e2m1_f32", "m16n8k32_f16_e2m1_e2m1_f16", "m16n8k32_f32_e4m3_e2m1_f32",
    "m16n8k32_f32_e2m1_e5m2_f32", "m16n8k32_f32_e3m2_e3m2_f32", "m16n8k32_f32_e2m3_e2m3_f32",
    "m16n8k32_f16_e3m2_e4m3_f16", "m16n8k32_f16_e2m3_e5m2_f16", "m16n8k32_f32_e3m2_e4m3_f32",
    "m16n8k32_f32_e2m1_e3m2_f32", "m16n8k32_f32_e2m3_e2m1_f32",
    // sparse
    "m16n8k16_f16_f16_f16_f16_sp", "m16n8k16_f32_f16_f16_f32_sp", "m16n8k32_f16_f16_f16_f16_sp",
    "m16n8k32_f32_f16_f16_f32_sp", "m16n8k16_f32_bf16_bf16_f32_sp", "m16n8k32_f32_bf16_bf16_f32_sp",
    "m16n8k8_f32_tf32_tf32_f32_sp", "m16n8k16_f32_tf32_tf32_f32_sp", "m16n8k32_s32_s8_u8_s32_sp",
    "m16n8k64_s32_u8_s8_s32_sp", "m16n8k64_s32_s4_u4_s32_sp", "m16n8k128_s32_u4_s4_s32_sp",
    "m16n8k64_f32_e4m3_e5m2_f32_sp", "m16n8k64_f16_e5m2_e4m3_f16_sp", "m16n8k64_f32_e2m1_e3m2_f32_sp",
    "m16n8k64_f16_e2m3_e2m1_f16_sp",
    // in scaled blocks, and both
    "m16n8k32_f32_e4m3_e5m2_f32_1x_ue8m0", "m16n8k32_f32_e5m2_e2m1_f32_1x_ue8m0",
    "m16n8k32_f32_e2m3_e3m2_f32_1x_ue8m0", "m16n8k64_f32_e2m1_e2m1_f32_2x_ue8m0",
    "m16n8k64_f32_e2m1_e2m1_f32_4x_ue8m0", "m16n8k64_f32_e2m1_e2m1_f32_4x_ue4m3",
    "m16n8k64_f32_e4m3_e5m2_f32_sp_1x_ue8m0", "m16n8k64_f32_e2m1_e2m1_f32_sp_1x_ue8m0",
    "m16n8k128_f32_e2m1_e2m1_f32_sp_2x_ue8m0", "m16n8k128_f32_e2m1_e2m1_f32_sp_4x_ue8m0",
    "m16n8k128_f32_e2m1_e2m1_f32_sp_4x_ue4m3"};

using Random = std::mt19937;
inline constexpr std::size_t kWarp = 32;
inline constexpr MatrixRules kAmpere{24, 128}, kBlackwell{25, 256};

inline void append(std::vector<std::byte>& to, const reference::Fragment& from, int bytes) {
  for (const auto& reg : from) {
    for (const std::uint64_t lane : reg) {
      const std::size_t at = to.size();
      to.resize(at + static_cast<std::size_t>(bytes));
      std::memcpy(&to[at], &lane, static_cast<std::size_t>(bytes));
    }
  }
}

// Of codes of all kinds; or of metadata that mean something, and of factors near one.
inline reference::MatrixSelectors some_selectors(Random& random, const MatrixForm& form, bool any) {
  reference::MatrixSelectors all;
  constexpr std::array<std::uint32_t, 6> kPairs{0b0100, 0b1000, 0b1001, 0b1100, 0b1101, 0b1110};
  for (std::uint64_t& word : all.metadata) {
    for (int i = 0; i < 8; ++i)
      word = word << 4 | (any ? random() % 16 : kPairs.at(random() % kPairs.size()));
  }
  all.selector = random() % 4;
  for (reference::MatrixSelectors::Scales* scales : {&all.a, &all.b}) {
    for (std::uint64_t& word : scales->data) {
      word = random();
      if (any) continue;
      const bool powers = form.scale == ir::MatrixScale::Ue8m0;
      word = powers ? 0x7c7c7c7c + (word & 0x07070707) : 0x30303030 + (word & 0x0f0f0f0f);
    }
    scales->byte = form.scales == 4 ? 0 : form.scales == 2 ? random() % 2 * 2 : random() % 4;
    scales->thread = random() % (scales == &all.a ? 2 : 4);
  }
  return all;
}

inline reference::Fragment in_registers(const MatrixForm& form, const reference::MatrixSelectors& selectors) {
  reference::Fragment registers;
  const auto in_all = [](std::uint64_t value) {
    std::array<std::uint64_t, kWarp> lanes{};
    lanes.fill(value);
    return lanes;
  };
  if (form.sparse) registers.insert(registers.end(), {selectors.metadata, in_all(selectors.selector)});
  if (form.is_scaled()) {
    for (const reference::MatrixSelectors::Scales& scales : {selectors.a, selectors.b})
      registers.insert(registers.end(), {scales.data, in_all(scales.byte), in_all(scales.thread)});
  }
  return registers;
}

// Code for any host, and what this one has beside it.
inline std::vector<VectorProducts> ways_of_host() {
  std::vector<VectorProducts> ways{{}};
  for (const VectorProducts& way : {avx2_products(), avx512_products(), avx512vnni_products()}) {
    if (way.floats != nullptr) ways.push_back(way);
  }
  return ways;
}

struct Way {
  VectorProducts vectors;
  std::unique_ptr<FloatMemo> memo = std::make_unique<FloatMemo>();
  int taken = 0;  // products that the vectors made
};

inline void expect_equal(const MatrixForm& form, const std::byte* seen, const std::vector<std::byte>& wanted,
                         const std::string& of_what) {
  const auto bytes = static_cast<std::size_t>(form.register_bits() / 8);
  for (std::size_t i = 0; i < wanted.size(); i += bytes) {
    std::uint64_t is = 0, want = 0;
    std::memcpy(&is, seen + i, bytes);
    std::memcpy(&want, &wanted[i], bytes);
    // NaN of .f64 have any payload.
    if (form.a == ir::MatrixElement::F64 && (is & ~(1ULL << 63)) > 0x7ff0000000000000 &&
        (want & ~(1ULL << 63)) > 0x7ff0000000000000)
      continue;
    ASSERT_EQ(is, want) << ir::text_of(form) << ", register " << i / bytes / 32 << " of lane "
                        << i / bytes % 32 << ", " << of_what;
  }
}

struct Factors {
  reference::Fragment a, b, c;
};

// By each of the ways, with what they remember and without.
inline void compare(const ir::Attributes& what, const MatrixRules& rules, std::vector<Way>& ways,
                    const Factors& factors, const reference::MatrixSelectors& selectors,
                    const std::string& of_what) {
  const MatrixForm& form = what.matrix;
  const int bytes = form.register_bits() / 8;
  std::vector<std::byte> memory;
  append(memory, factors.a, bytes);
  const std::size_t of_b = memory.size();
  append(memory, factors.b, bytes);
  const std::size_t of_d = memory.size();
  append(memory, factors.c, bytes);
  const std::size_t of_selectors = memory.size();
  append(memory, in_registers(form, selectors), 4);
  std::vector<std::byte> wanted;
  append(wanted,
         reference::multiply(what, {rules.fraction_bits, rules.bits_of_sum, rules.fp4_fraction_bits},
                             factors.a, factors.b, factors.c, selectors),
         bytes);
  for (std::size_t number = 0; number < ways.size(); ++number) {
    Way& way = ways[number];
    const std::string of_this = of_what + ", way " + std::to_string(number);
    const MatrixProduct product = matrix_product(what, rules, way.vectors);
    std::vector<std::byte> own = memory;
    std::byte* const first = own.data();
    MatrixOperands operands{first, first + of_b, first + of_d, first + of_d, first + of_selectors};
    // Elsewhere, and with an A that has been multiplied before: the same.
    if (product.in_vectors()) {
      std::vector<std::byte> d(memory.size());
      operands.d = d.data();
      operands.memo = way.memo.get();
      multiply_in_vectors(product, operands);
      if (multiply_in_vectors(product, operands)) {
        ++way.taken;
        ASSERT_NO_FATAL_FAILURE(expect_equal(form, d.data(), wanted, of_this));
      }
      operands.d = first + of_d;
      operands.memo = nullptr;
    }
    multiply_matrices(product, operands);
    ASSERT_NO_FATAL_FAILURE(expect_equal(form, first + of_d, wanted, of_this));
  }
}

}  // namespace doppel::engine
