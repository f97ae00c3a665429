// SPDX-License-Identifier: Apache-2.0
// Conversions, moves between kinds of registers, and selections of random kernels.
#include "random/generator.h"

namespace doppel::random {

Generator::Lines Generator::conversion() {
  const std::string frnd = rng_.pick({"rn", "rn", "rz", "rm", "rp"});
  const std::string irnd = rng_.pick({"rni", "rzi", "rzi", "rmi", "rpi"});
  const std::string us = rng_.pick({"u", "s"});
  const std::string ftz = rng_.maybe(".ftz", 25);
  switch (rng_.below(24)) {
    case 0:
      return one("cvt.", frnd, rng_.maybe(".sat", 10), ".f32.", us, "32 ", reg(Kind::F), ", ", reg(Kind::R),
                 ";");
    case 1:
      return one("cvt.", frnd, ".f32.", us, "64 ", reg(Kind::F), ", ", reg(Kind::W), ";");
    case 2:
      return one("cvt.", frnd, ".f64.", us, "64 ", reg(Kind::D), ", ", reg(Kind::W), ";");
    case 3:
      return one("cvt.rn.f64.", us, "32 ", reg(Kind::D), ", ", reg(Kind::R), ";");
    case 4:
      return one("cvt.", frnd, ".f16.", us, "32 ", reg(Kind::H), ", ", reg(Kind::R), ";");
    case 5:
      return one("cvt.", frnd, ".f16.", us, "16 ", reg(Kind::H), ", ", reg(Kind::Q), ";");
    case 6:
      return one(guard(), "cvt.", irnd, ftz, ".", us, "32.f32 ", reg(Kind::R), ", ", reg(Kind::F), ";");
    case 7:
      return one("cvt.", irnd, ftz, ".", us, "64.f32 ", reg(Kind::W), ", ", reg(Kind::F), ";");
    case 8:
      return one("cvt.", irnd, ".", us, "32.f64 ", reg(Kind::R), ", ", reg(Kind::D), ";");
    case 9:
      return one("cvt.", irnd, ".", us, "64.f64 ", reg(Kind::W), ", ", reg(Kind::D), ";");
    case 10:
      return one("cvt.", irnd, ".", us, rng_.pick({"32.f16 ", "16.f16 "}), reg(Kind::R), ", ", reg(Kind::H),
                 ";");
    case 11:
      return one("cvt.", irnd, ".", us, rng_.pick({"8", "16"}), rng_.pick({".f32 ", ".f32 "}), reg(Kind::R),
                 ", ", reg(Kind::F), ";");
    case 12:
      return one("cvt.", frnd, ftz, rng_.maybe(".sat", 15), ".f32.f64 ", reg(Kind::F), ", ", reg(Kind::D),
                 ";");
    case 13:
      return one("cvt", ftz, ".f64.f32 ", reg(Kind::D), ", ", reg(Kind::F), ";");
    case 14:
      return one("cvt.", rng_.pick({"rn", "rz", "rm", "rp"}), ftz, rng_.maybe(".sat", 15), ".f16.f32 ",
                 reg(Kind::H), ", ", reg(Kind::F), ";");
    case 15:
      return one("cvt", ftz, ".f32.f16 ", reg(Kind::F), ", ", reg(Kind::H), ";");
    case 16:
      return one("cvt.", rng_.pick({"rn", "rz"}), rng_.maybe(".relu", 20), ".bf16.f32 ", reg(Kind::B), ", ",
                 reg(Kind::F), ";");
    case 17:
      return one("cvt.", rng_.pick({"rn", "rz"}), rng_.maybe(".relu", 20), rng_.pick({".f16x2.f32 "}),
                 reg(Kind::G), ", ", reg(Kind::F), ", ", reg(Kind::F), ";");
    case 18:
      return one("cvt.", rng_.pick({"rn", "rz"}), rng_.maybe(".relu", 20), ".bf16x2.f32 ", reg(Kind::E), ", ",
                 reg(Kind::F), ", ", reg(Kind::F), ";");
    case 19:
      return one("cvt.", irnd, ftz, rng_.maybe(".sat", 10), ".f32.f32 ", reg(Kind::F), ", ", reg(Kind::F),
                 ";");
    case 20:
      return rng_.chance(50) ? one("cvt.", irnd, ".f64.f64 ", reg(Kind::D), ", ", reg(Kind::D), ";")
                             : one("cvt.", irnd, ".f16.f16 ", reg(Kind::H), ", ", reg(Kind::H), ";");
    case 21:
      return one("cvt.", us, rng_.pick({"64.s32 ", "64.u32 ", "64.s16 ", "64.u8 "}), reg(Kind::W), ", ",
                 reg(Kind::R), ";");
    case 22:
      return one(rng_.pick({"cvt.u8.u32 ", "cvt.s8.s32 ", "cvt.u16.s32 ", "cvt.s16.u32 ", "cvt.sat.s8.s32 ",
                            "cvt.sat.u8.s32 ", "cvt.sat.u16.s32 ", "cvt.sat.s16.u32 "}),
                 reg(Kind::R), ", ", reg(Kind::R), ";");
    default:
      return one(rng_.pick({"cvt.u32.u64 ", "cvt.s32.s64 ", "cvt.sat.s32.s64 ", "cvt.sat.u32.s64 ",
                            "cvt.sat.u32.u64 "}),
                 reg(Kind::R), ", ", reg(Kind::W), ";");
  }
}

// Bits from one kind to another.
Generator::Lines Generator::reinterpretation() {
  switch (rng_.below(9)) {
    case 0:
      return one("mov.b32 ", reg(Kind::F), ", ", reg(Kind::R), ";");
    case 1:
      return one("mov.b64 ", reg(Kind::D), ", ", reg(Kind::W), ";");
    case 2:
      return one("mov.b16 ", reg(Kind::H), ", ", reg(Kind::Q), ";");
    case 3:
      return one("mov.b32 ", reg(Kind::G), ", ", reg(Kind::R), ";");
    case 4:
      return one("mov.b16 ", reg(Kind::B), ", ", reg(Kind::Q), ";");
    case 5: {
      Lines lines = canonical(Kind::F, reg(Kind::F), "%x0");
      lines.push_back("mov.b32 " + reg(Kind::R) + ", %x0;");
      return lines;
    }
    case 6: {
      Lines lines = canonical(Kind::D, reg(Kind::D), "%y0");
      lines.push_back("mov.b64 {" + reg(Kind::R) + ", _}, %y0;");
      return lines;
    }
    case 7: {
      Lines lines = canonical(Kind::H, reg(Kind::H), "%z0");
      lines.push_back("mov.b16 " + reg(Kind::Q) + ", %z0;");
      return lines;
    }
    default:
      return one("mov.b64 {", reg(Kind::R), ", _}, ", reg(Kind::W), ";");
  }
}

Generator::Lines Generator::selection() {
  const std::string p = reg(Kind::P);
  switch (rng_.below(8)) {
    case 0:
      return one("selp.b32 ", reg(Kind::R), ", ", reg(Kind::R), ", ", int_operand(Kind::R), ", ", p, ";");
    case 1:
      return one("selp.b64 ", reg(Kind::W), ", ", reg(Kind::W), ", ", int_operand(Kind::W), ", ", p, ";");
    case 2:
      return one("selp.f32 ", reg(Kind::F), ", ", reg(Kind::F), ", ", float_operand(Kind::F), ", ", p, ";");
    case 3:
      return one("selp.f64 ", reg(Kind::D), ", ", reg(Kind::D), ", ", reg(Kind::D), ", ", p, ";");
    case 4:
      return one("slct.u32.s32 ", reg(Kind::R), ", ", reg(Kind::R), ", ", reg(Kind::R), ", ", reg(Kind::R),
                 ";");
    case 5:
      return one("slct", rng_.maybe(".ftz"), ".f32.f32 ", reg(Kind::F), ", ", reg(Kind::F), ", ",
                 reg(Kind::F), ", ", reg(Kind::F), ";");
    case 6:
      return one("set.", rng_.pick({"lt", "ge", "eq", "geu", "neu"}), rng_.maybe(".ftz"),
                 rng_.pick({".u32.f32 ", ".s32.f32 "}), reg(Kind::R), ", ", reg(Kind::F), ", ", reg(Kind::F),
                 ";");
    default:
      return one("set.", rng_.pick({"lt", "ge", "eq"}), ".f32.", rng_.pick({"u32 ", "s32 "}), reg(Kind::F),
                 ", ", reg(Kind::R), ", ", int_operand(Kind::R), ";");
  }
}

}  // namespace doppel::random
