// SPDX-License-Identifier: Apache-2.0
#include "every_form/values.h"

#include <iterator>

namespace doppel::every_form {

std::uint16_t interesting16(std::mt19937& random) {
  static constexpr std::uint16_t kValues[] = {
      0,      1,      2,      3,      7,      8,      15,     16,     17,     31,     32,
      0x7f,   0x80,   0xff,   0x100,  0x7fff, 0x8000, 0x8001, 0xffff, 0x3c00, 0xbc00, 0x3555,
      0x4248, 0x7bff, 0xfbff, 0x7c00, 0xfc00, 0x7e00, 0x7c01, 0x0400, 0x03ff, 0x8001,  // f16
      0x3f80, 0xbf80, 0x4049, 0x7f7f, 0x7f80, 0xff80, 0x7fc0, 0x0080, 0x007f};         // bf16
  const auto draw = static_cast<std::uint16_t>(random());
  return random() % 3 == 0 ? draw : kValues[draw % std::size(kValues)];
}

std::uint32_t interesting32(std::mt19937& random) {
  static constexpr std::uint32_t kValues[] = {
      0,          1,          2,          3,          5,          7,          8,          15,
      16,         24,         31,         32,         33,         63,         64,         65,
      0x7f,       0x80,       0xff,       0x100,      0x7fff,     0x8000,     0xffff,     0x10000,
      0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff, 0x3f800000, 0xbf800000, 0x3f000000,
      0x3fc00000, 0x40200000, 0xc0200000, 0x40490fdb, 0x3eaaaaab, 0x4b800000, 0x4f000000, 0xcf000000,
      0x5f000000, 0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000, 0x7fc00000, 0x7fffffff, 0x7f800001,
      0x00800000, 0x007fffff, 0x00000001, 0x80000001, 0x33800000, 0x477fe000, 0x477ff000, 0x38800000,
      0x387fc000, 0x3c003c00, 0x7c00fc00, 0x7e003c00, 0x04008400, 0x3f80bf80, 0x7f807fc0};
  const std::uint32_t draw = static_cast<std::uint32_t>(random());
  switch (random() % 4) {
    case 0:
      return draw;
    case 1:
      return static_cast<std::uint32_t>(interesting16(random)) << 16 | interesting16(random);
    default:
      return kValues[draw % std::size(kValues)];
  }
}

std::uint64_t interesting64(std::mt19937& random) {
  static constexpr std::uint64_t kValues[] = {0,
                                              1,
                                              2,
                                              3,
                                              31,
                                              32,
                                              33,
                                              63,
                                              64,
                                              65,
                                              0xff,
                                              0xffff,
                                              0x7fffffff,
                                              0x80000000,
                                              0xffffffff,
                                              0x100000000,
                                              0x7fffffffffffffff,
                                              0x8000000000000000,
                                              0x8000000000000001,
                                              0xffffffffffffffff,
                                              0xffffffff80000000,
                                              0x3ff0000000000000,
                                              0xbff0000000000000,
                                              0x3fe0000000000000,
                                              0x4004000000000000,
                                              0x400921fb54442d18,
                                              0x3fd5555555555555,
                                              0x41e0000000000000,
                                              0xc1e0000000200000,
                                              0x43e0000000000000,
                                              0xc3e0000000000000,
                                              0x43f0000000000000,
                                              0x7fefffffffffffff,
                                              0xffefffffffffffff,
                                              0x7ff0000000000000,
                                              0xfff0000000000000,
                                              0x7ff8000000000000,
                                              0x7ff0000000000001,
                                              0x0010000000000000,
                                              0x000fffffffffffff,
                                              0x0000000000000001,
                                              0x8000000000000001,
                                              0x47efffffe0000000,
                                              0x47efffffefffffff,
                                              0x47effffff0000000,
                                              0x36a0000000000000,
                                              0x3690000000000000,
                                              0x380fffffffffffff,
                                              0x40effc0000000000,
                                              0x40effe0000000000,
                                              0x3f10000000000000};
  const auto draw = static_cast<std::uint64_t>(random()) << 32 | random();
  switch (random() % 4) {
    case 0:
      return draw;
    case 1:
      return static_cast<std::uint64_t>(interesting32(random)) << 32 | interesting32(random);
    default:
      return kValues[draw % std::size(kValues)];
  }
}

}  // namespace doppel::every_form
