// SPDX-License-Identifier: Apache-2.0
// Floating point of random kernels.
#include <fmt/format.h>

#include "random/generator.h"

namespace doppel::random {

std::string Generator::float_operand(Kind kind) {
  if (!rng_.chance(15)) return reg(kind);
  if (kind == Kind::F) {
    return rng_.pick({"0f3F800000", "0fBF800000", "0f00000000", "0f80000000", "0f7F800000", "0f7FC00000",
                      "0f00000001", "0f3EAAAAAB", "0f4B000001", "0f7F7FFFFF", "0f00800000", "0f41200000"});
  }
  if (kind == Kind::D) {
    return rng_.pick({"0d3FF0000000000000", "0dBFF0000000000000", "0d0000000000000000", "0d8000000000000000",
                      "0d7FF0000000000000", "0d0000000000000001", "0d3FD5555555555555", "0d4330000000000001",
                      "0d7FEFFFFFFFFFFFFF", "0d0010000000000000"});
  }
  return reg(kind);
}

Generator::Lines Generator::canonical(Kind kind, const std::string& from, const std::string& to) {
  switch (kind) {
    case Kind::F:
      return {"setp.nan.f32 %k2, " + from + ", " + from + ";",
              "selp.f32 " + to + ", 0f7FFFFFFF, " + from + ", %k2;"};
    case Kind::D:
      return {"setp.nan.f64 %k2, " + from + ", " + from + ";",
              "selp.f64 " + to + ", 0d7FFFFFFFFFFFFFFF, " + from + ", %k2;"};
    case Kind::B:
      return {"and.b16 %z3, " + from + ", 0x7FFF;", "setp.gt.u16 %k2, %z3, 0x7F80;",
              "selp.b16 " + to + ", 0x7FFF, " + from + ", %k2;"};
    default:
      return {"setp.nan.f16 %k2, " + from + ", " + from + ";",
              "selp.b16 " + to + ", 0x7FFF, " + from + ", %k2;"};
  }
}

Generator::Lines Generator::single_code() {
  const std::string d = reg(Kind::F);
  const std::string a = reg(Kind::F);
  const std::string b = float_operand(Kind::F);
  const std::string mode = rng_.pick({"rn", "rn", "rz", "rm", "rp"});
  const std::string ftz = rng_.maybe(".ftz", 30);
  const std::string sat = rng_.maybe(".sat", 15);
  switch (rng_.below(12)) {
    case 0:
    case 1:
    case 2:
      return one(guard(), rng_.pick({"add", "sub", "mul"}), ".", mode, ftz, sat, ".f32 ", d, ", ", a, ", ", b,
                 ";");
    case 3:
    case 4:
      return one(guard(), "fma.", mode, ftz, sat, ".f32 ", d, ", ", a, ", ", b, ", ", float_operand(Kind::F),
                 ";");
    case 5:
      return one("div.", mode, ftz, ".f32 ", d, ", ", a, ", ", b, ";");
    case 6:
      return one(rng_.pick({"rcp", "sqrt"}), ".", mode, ftz, ".f32 ", d, ", ", a, ";");
    case 7:
      return one(guard(), rng_.pick({"min", "max"}), ftz, rng_.maybe(".NaN", 30), ".f32 ", d, ", ", a, ", ",
                 b, ";");
    case 8:
      return one(guard(), rng_.pick({"abs", "neg"}), ftz, ".f32 ", d, ", ", a, ";");
    case 9: {
      // These look at the sign of what may be a NaN.
      Lines lines = canonical(Kind::F, a, "%x0");
      const std::string other = reg(Kind::F);
      for (const std::string& line : canonical(Kind::F, other, "%x1")) lines.push_back(line);
      lines.push_back(rng_.chance(50) ? "copysign.f32 " + d + ", %x0, %x1;"
                                      : rng_.pick({"min", "max"}) + rng_.maybe(".NaN", 30) +
                                            ".xorsign.abs.f32 " + d + ", %x0, %x1;");
      return lines;
    }
    case 10:
      return one("setp.",
                 rng_.pick({"eq", "ne", "lt", "le", "gt", "ge", "equ", "neu", "ltu", "leu", "gtu", "geu",
                            "num", "nan"}),
                 ftz, ".f32 ", reg(Kind::P), ", ", a, ", ", b, ";");
    default:
      return one("testp.", rng_.pick({"finite", "infinite", "number", "notanumber", "normal", "subnormal"}),
                 ".f32 ", reg(Kind::P), ", ", a, ";");
  }
}

Generator::Lines Generator::double_code() {
  const std::string d = reg(Kind::D);
  const std::string a = reg(Kind::D);
  const std::string b = float_operand(Kind::D);
  const std::string mode = rng_.pick({"rn", "rn", "rz", "rm", "rp"});
  switch (rng_.below(9)) {
    case 0:
    case 1:
      return one(guard(), rng_.pick({"add", "sub", "mul"}), ".", mode, ".f64 ", d, ", ", a, ", ", b, ";");
    case 2:
    case 3:
      return one("fma.", mode, ".f64 ", d, ", ", a, ", ", b, ", ", float_operand(Kind::D), ";");
    case 4:
      return one("div.", mode, ".f64 ", d, ", ", a, ", ", b, ";");
    case 5:
      return one(rng_.pick({"rcp", "sqrt"}), ".", mode, ".f64 ", d, ", ", a, ";");
    case 6:
      return one(guard(), rng_.pick({"min", "max"}), ".f64 ", d, ", ", a, ", ", b, ";");
    case 7:
      return one(rng_.pick({"abs", "neg"}), ".f64 ", d, ", ", a, ";");
    default:
      return one("setp.",
                 rng_.pick({"eq", "ne", "lt", "le", "gt", "ge", "equ", "neu", "ltu", "leu", "gtu", "geu",
                            "num", "nan"}),
                 ".f64 ", reg(Kind::P), ", ", a, ", ", b, ";");
  }
}

Generator::Lines Generator::half_code() {
  const bool packed = rng_.chance(40);
  const Kind kind = packed ? Kind::G : Kind::H;
  const std::string type = packed ? ".f16x2 " : ".f16 ";
  const std::string d = reg(kind);
  const std::string a = reg(kind);
  const std::string b = reg(kind);
  const std::string ftz = rng_.maybe(".ftz", 25);
  switch (rng_.below(8)) {
    case 0:
    case 1:
      return one(guard(), rng_.pick({"add", "sub", "mul"}), rng_.maybe(".rn", 30), ftz,
                 rng_.maybe(".sat", 15), type, d, ", ", a, ", ", b, ";");
    case 2:
      return one("fma.rn", ftz, rng_.pick({"", "", ".sat", ".relu"}), type, d, ", ", a, ", ", b, ", ",
                 reg(kind), ";");
    case 3:
      return one(rng_.pick({"min", "max"}), ftz, rng_.maybe(".NaN", 30), type, d, ", ", a, ", ", b, ";");
    case 4:
      return one(rng_.pick({"abs", "neg"}), ftz, type, d, ", ", a, ";");
    case 5:
      if (packed) return one("mov.b32 ", d, ", {", reg(Kind::H), ", ", reg(Kind::H), "};");
      return one("mov.b32 {", d, ", _}, ", reg(Kind::G), ";");
    case 6:
      if (packed) {
        return one("setp.", rng_.pick({"lt", "geu", "eq", "neu"}), ftz, ".f16x2 ",
                   rng_.pick({"%p0|%p1", "%p2|%p0", "%p3|%p2"}), ", ", a, ", ", b, ";");
      }
      return one("setp.", rng_.pick({"eq", "ne", "lt", "le", "gt", "ge", "equ", "neu", "ltu", "num", "nan"}),
                 ftz, ".f16 ", reg(Kind::P), ", ", a, ", ", b, ";");
    default: {
      if (packed)
        return one("set.", rng_.pick({"lt", "ge", "neu"}), ".f16x2.f16x2 ", d, ", ", a, ", ", b, ";");
      Lines lines = canonical(Kind::H, a, "%z0");
      for (const std::string& line : canonical(Kind::H, b, "%z1")) lines.push_back(line);
      lines.push_back(rng_.pick({"min", "max"}) + rng_.maybe(".NaN", 30) + ".xorsign.abs.f16 " + d +
                      ", %z0, %z1;");
      return lines;
    }
  }
}

Generator::Lines Generator::brain_code() {
  const bool packed = rng_.chance(40);
  const Kind kind = packed ? Kind::E : Kind::B;
  const std::string type = packed ? ".bf16x2 " : ".bf16 ";
  const std::string d = reg(kind);
  switch (rng_.below(4)) {
    case 0:
    case 1:
      return one("fma.rn", rng_.maybe(".relu", 25), type, d, ", ", reg(kind), ", ", reg(kind), ", ",
                 reg(kind), ";");
    case 2:
      return one(rng_.pick({"min", "max"}), rng_.maybe(".NaN", 30), type, d, ", ", reg(kind), ", ", reg(kind),
                 ";");
    default:
      return one(rng_.pick({"abs", "neg"}), type, d, ", ", reg(kind), ";");
  }
}

// A number of moderate size, so that values do not all end as NaN or infinity.
Generator::Lines Generator::fresh_float() {
  const std::string r = reg(Kind::R);
  const std::string small = fmt::format("bfe.s32 %t0, {}, {}, {};", r, rng_.below(16), rng_.between(3, 24));
  const std::string mode = rng_.pick({"rn", "rz", "rm", "rp"});
  switch (rng_.below(5)) {
    case 0:
      return {small, "cvt." + mode + ".f32.s32 %x0, %t0;",
              "mul.rn.f32 " + reg(Kind::F) + ", %x0, " +
                  rng_.pick({"0f3F800000", "0f3A800000", "0f3DCCCCCD", "0f2F800000", "0f00800000"}) + ";"};
    case 1:
      return {small, "cvt.rn.f64.s32 %y0, %t0;",
              "mul.rn.f64 " + reg(Kind::D) + ", %y0, " +
                  rng_.pick({"0d3FF0000000000000", "0d3FB999999999999A", "0d3E70000000000000",
                             "0d0010000000000000"}) +
                  ";"};
    case 2:
      return {small, "cvt." + mode + ".f16.s32 " + reg(Kind::H) + ", %t0;"};
    case 3:
      return {small, "cvt.rn.f32.s32 %x0, %t0;", "mul.rn.f32 %x0, %x0, 0f3D23D70A;",
              "cvt.rn.bf16.f32 " + reg(Kind::B) + ", %x0;"};
    default:
      return {small, "cvt.rn.f32.s32 %x0, %t0;", "mul.rn.f32 %x1, %x0, 0f3D23D70A;",
              (rng_.chance(50) ? "cvt.rn.f16x2.f32 " + reg(Kind::G) : "cvt.rn.bf16x2.f32 " + reg(Kind::E)) +
                  ", %x0, %x1;"};
  }
}

Generator::Lines Generator::approximation() {
  const std::string ftz = rng_.maybe(".ftz", 50);
  Approximation bound;
  bound.ftz = !ftz.empty();
  std::string op;
  Lines lines = {"mov.f32 %x0, " + reg(Kind::F) + ";"};
  switch (rng_.below(9)) {
    case 0:
      op = "rcp.approx" + ftz;
      bound.ulp = 1;
      break;
    case 1:
      op = "sqrt.approx" + ftz;
      bound.relative = 0x1p-23;
      break;
    case 2:
      op = "rsqrt.approx" + ftz;
      bound.relative = 0x1.13p-23;
      break;  // 2^-22.9, rounded up
    case 3:
      op = "lg2.approx" + ftz;
      bound.relative = 0x1p-22;
      bound.absolute = 0x1p-22;
      break;
    case 4:
      op = "ex2.approx" + ftz;
      bound.ulp = 2;
      break;
    case 5:
    case 6:
      // Within [-100pi, 100pi], where there is a bound (PTX ISA 9.7.3.18).
      op = rng_.pick({"sin.approx", "cos.approx"}) + ftz;
      bound.absolute = 0x1.42p-15;  // 2^-14.7, rounded up
      lines = {"bfe.s32 %t0, " + reg(Kind::R) + ", 3, 14;", "cvt.rn.f32.s32 %x0, %t0;",
               "mul.rn.f32 %x0, %x0, 0f3CA00000;"};
      break;
    case 7:
      op = "tanh.approx";
      bound.relative = 0x1p-11;
      bound.ftz = false;
      break;
    default: {
      op = rng_.pick({"div.full", "div.approx"}) + ftz;
      bound.ulp = 2;
      lines.push_back("bfe.s32 %t0, " + reg(Kind::R) + ", 5, 20;");
      lines.push_back("or.b32 %t0, %t0, 1;");
      lines.push_back("cvt.rn.f32.s32 %x1, %t0;");
    }
  }
  const bool divides = op.starts_with("div");
  lines.push_back(op + ".f32 %x2, %x0" + (divides ? ", %x1;" : ";"));
  lines.push_back(fmt::format("st.global.f32 [%approx+{}], %x2;", 4 * kernel_.approximations.size()));
  kernel_.approximations.push_back(bound);
  return lines;
}

}  // namespace doppel::random
