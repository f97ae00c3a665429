// SPDX-License-Identifier: Apache-2.0
#include "engine/matrix_scales.h"

#include <cstring>

namespace doppel::engine {
namespace {

constexpr int kExponentOfZero = -126;  // as the elements have it

// 2^(code - 127)
Scale of_ue8m0(std::uint8_t code) {
  Scale scale;
  scale.exponent = static_cast<std::int16_t>(code - 127);
  scale.is_nan = code == 0xff;
  return scale;
}

// Four bits of exponent and three of fraction; the sign is not read.
Scale of_ue4m3(std::uint8_t code) {
  const int field = code >> 3 & 15, fraction = code & 7;
  Scale scale;
  scale.significand = static_cast<std::uint8_t>(field != 0 ? 8 + fraction : fraction);
  scale.exponent = static_cast<std::int16_t>(field != 0 ? field - 7 : fraction != 0 ? -6 : kExponentOfZero);
  scale.is_nan = (code & 0x7f) == 0x7f;
  return scale;
}

std::uint32_t word_at(const std::byte* registers, int index) {
  std::uint32_t word = 0;
  std::memcpy(&word, registers + static_cast<std::size_t>(index) * sizeof(word), sizeof(word));
  return word;
}

void take(const ir::MatrixForm& form, std::uint32_t word, std::uint32_t first_byte, Scale* scales) {
  for (int i = 0; i < form.scales; ++i) {
    const std::uint32_t byte = (first_byte + static_cast<std::uint32_t>(i)) % 4;
    const auto code = static_cast<std::uint8_t>(word >> 8 * byte);
    scales[i] = form.scale == ir::MatrixScale::Ue8m0 ? of_ue8m0(code) : of_ue4m3(code);
  }
}

}  // namespace

// Of A two lanes of four, the first for the upper eight rows; of B one. What they are is the same in all
// lanes.
MatrixScales matrix_scales(const ir::MatrixForm& form, const std::byte* registers) {
  MatrixScales scales;
  const auto in_first_lane = [&](int reg) { return word_at(registers, reg * kLanes); };
  const std::uint32_t byte_a = in_first_lane(1), byte_b = in_first_lane(4);
  const auto pair_a = static_cast<int>(in_first_lane(2) % 2), lane_b = static_cast<int>(in_first_lane(5) % 4);
  for (int row = 0; row < form.m; ++row)
    take(form, word_at(registers, row % 8 * 4 + pair_a * 2 + row / 8), byte_a, scales.a[row]);
  for (int column = 0; column < kColumns; ++column)
    take(form, word_at(registers, 3 * kLanes + column * 4 + lane_b), byte_b, scales.b[column]);
  return scales;
}

}  // namespace doppel::engine
