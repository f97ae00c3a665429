// SPDX-License-Identifier: Apache-2.0
// Forms that only the later of the cards has (sm_120a), and registers of 128 bits: for kernels of --recent.
#include <fmt/format.h>

#include "random/generator.h"

namespace doppel::random {

Generator::Lines Generator::recent_code() {
  const std::string relu = rng_.maybe(".relu", 25);
  switch (rng_.below(15)) {
    case 0:
      return one(guard(), "cvt.rn.satfinite", relu, rng_.pick({".e4m3x2", ".e5m2x2", ".e2m3x2", ".e3m2x2"}),
                 ".f32 ", reg(Kind::Q), ", ", reg(Kind::F), ", ", reg(Kind::F), ";");
    case 1:
      return {"cvt.rn.satfinite" + relu + ".e2m1x2.f32 %c0, " + reg(Kind::F) + ", " + reg(Kind::F) + ";",
              "mov.b16 " + reg(Kind::Q) + ", {%c0, 0};"};
    case 2:
      return one("cvt.rn.satfinite", relu, rng_.pick({".e4m3x2", ".e5m2x2"}), ".f16x2 ", reg(Kind::Q), ", ",
                 reg(Kind::G), ";");
    case 3:
      return one(guard(), "cvt.rn", relu, ".f16x2",
                 rng_.pick({".e4m3x2 ", ".e5m2x2 ", ".e2m3x2 ", ".e3m2x2 "}), reg(Kind::G), ", ",
                 reg(Kind::Q), ";");
    case 4:
      return {"mov.b16 {%c0, _}, " + reg(Kind::Q) + ";",
              "cvt.rn" + relu + ".f16x2.e2m1x2 " + reg(Kind::G) + ", %c0;"};
    case 5:
      return rng_.chance(60) ? one("cvt.", rng_.pick({"rz", "rp"}), rng_.maybe(".satfinite", 50),
                                   ".ue8m0x2.f32 ", reg(Kind::Q), ", ", reg(Kind::F), ", ", reg(Kind::F), ";")
                             : one("cvt.", rng_.pick({"rz", "rp"}), rng_.maybe(".satfinite", 50),
                                   ".ue8m0x2.bf16x2 ", reg(Kind::Q), ", ", reg(Kind::E), ";");
    case 6:
      return one("cvt.rn.bf16x2.ue8m0x2 ", reg(Kind::E), ", ", reg(Kind::Q), ";");
    case 7:
      return one(guard(), "cvt.pack.sat.", rng_.pick({"s4", "u4", "s2", "u2", "s8", "u8"}), ".s32.b32 ",
                 reg(Kind::R), ", ", reg(Kind::R), ", ", int_operand(Kind::R), ", ", reg(Kind::R), ";");
    case 8: {
      const bool brain = rng_.chance(40);
      return one(guard(), rng_.pick({"add", "sub"}), rng_.pick({"", ".rn", ".rz", ".rm", ".rp"}),
                 rng_.maybe(".sat", 15), brain ? ".f32.bf16 " : ".f32.f16 ", reg(Kind::F), ", ",
                 reg(brain ? Kind::B : Kind::H), ", ", float_operand(Kind::F), ";");
    }
    case 9: {
      const bool brain = rng_.chance(40);
      const Kind narrow = brain ? Kind::B : Kind::H;
      return one("fma.", rng_.pick({"rn", "rz", "rm", "rp"}), rng_.maybe(".sat", 15),
                 brain ? ".f32.bf16 " : ".f32.f16 ", reg(Kind::F), ", ", reg(narrow), ", ", reg(narrow), ", ",
                 reg(Kind::F), ";");
    }
    case 10:
      return one(guard(), rng_.pick({"min", "max"}), rng_.maybe(".ftz"), rng_.maybe(".NaN", 30),
                 rng_.maybe(".abs", 30), ".f32 ", reg(Kind::F), ", ", reg(Kind::F), ", ", reg(Kind::F), ", ",
                 reg(Kind::F), ";");
    case 11:
      return {
          "mov.b128 %v0, {" + reg(Kind::W) + ", " + reg(Kind::W) + "};",
          guard() + "mov.b128 {" + reg(Kind::R) + ", _, _, " + (rng_.chance(50) ? "%t0" : "%t1") + "}, %v0;"};
    case 12:
      return {"mov.b128 %v0, {" + reg(Kind::R) + ", " + reg(Kind::R) + ", " + reg(Kind::R) + ", " +
                  reg(Kind::R) + "};",
              "mov.b128 %v1, %v0;", guard() + "mov.b128 {" + reg(Kind::W) + ", _}, %v1;"};
    case 13:
      return {fmt::format("st.local.b64 [stack+16], {};", reg(Kind::W)), "ld.local.b128 %v0, [stack+16];",
              "st.local.b128 [stack+32], %v0;", "mov.b128 {_, " + reg(Kind::W) + "}, %v0;"};
    default: {
      const std::string pair = "mov.b128 %v0, {" + reg(Kind::W) + ", " + reg(Kind::W) + "};";
      const std::string take = guard() + "mov.b128 {_, " + reg(Kind::W) + "}, %v1;";
      if (rng_.chance(50)) return {pair, "atom.shared.exch.b128 %v1, [%own], %v0;", take};
      return {"ld.shared.b128 %v1, [%own];", pair, "atom.shared.cas.b128 %v1, [%own], %v1, %v0;", take};
    }
  }
}

}  // namespace doppel::random
