// SPDX-License-Identifier: Apache-2.0
// Integer arithmetic, logic and bits of random kernels.
#include <fmt/format.h>

#include "random/generator.h"

namespace doppel::random {

namespace {

// A bfe or bfi whose position and length, its last operands, are brought into 0..255, to which the ISA
// restricts them (9.7.1.19, 9.7.1.20).
std::vector<std::string> restricted_field(std::string line) {
  std::vector<std::string> lines;
  std::size_t end = line.size() - 1;  // the semicolon
  for (const char* scratch : {"%t1", "%t0"}) {
    const std::size_t begin = line.rfind(", ", end - 1) + 2;
    const std::string operand = line.substr(begin, end - begin);
    if (operand.front() == '%') {
      lines.push_back(fmt::format("and.b32 {}, {}, 255;", scratch, operand));
      line.replace(begin, operand.size(), scratch);
    }
    end = begin - 2;
  }
  lines.push_back(std::move(line));
  return lines;
}

// abs and neg of the most negative number have no value: `raised` makes it the one above.
std::vector<std::string> within_range(std::string raised, std::vector<std::string> operation) {
  operation.insert(operation.begin(), std::move(raised));
  return operation;
}

}  // namespace

Generator::Lines Generator::integer_code() {
  const std::string d = reg(Kind::R);
  const std::string a = reg(Kind::R);
  const std::string b = int_operand(Kind::R);
  const std::string c = int_operand(Kind::R);
  const std::string us = rng_.pick({"u32", "s32"});
  switch (rng_.below(14)) {
    case 0:
    case 1:
      return one(guard(), rng_.pick({"add", "sub"}), ".", us, " ", d, ", ", a, ", ", b, ";");
    case 2:
      return one(guard(), rng_.pick({"add.sat.s32", "sub.sat.s32"}), " ", d, ", ", a, ", ", b, ";");
    case 3:
      return one(guard(), "mul.", rng_.pick({"lo", "hi"}), ".", us, " ", d, ", ", a, ", ", b, ";");
    case 4:
    case 5:
      return one(guard(), "mad.", rng_.pick({"lo", "lo", "hi"}), ".", us, " ", d, ", ", a, ", ", b, ", ", c,
                 ";");
    case 6:
      return one("mad.hi.sat.s32 ", d, ", ", a, ", ", b, ", ", c, ";");
    case 7:
      return one("mul24.", rng_.pick({"lo", "hi"}), ".", us, " ", d, ", ", a, ", ", b, ";");
    case 8:
      return one("mad24.", rng_.pick({"lo", "hi"}), ".", us, " ", d, ", ", a, ", ", b, ", ", c, ";");
    case 9:
      return one(guard(), "sad.", us, " ", d, ", ", a, ", ", b, ", ", c, ";");
    case 10:
      return one(guard(), rng_.pick({"min", "max"}), ".", us, " ", d, ", ", a, ", ", b, ";");
    case 11:
      return within_range("max.s32 %t0, " + a + ", -2147483647;",
                          one(guard(), rng_.pick({"abs", "neg"}), ".s32 ", d, ", %t0;"));
    case 12:
      return one("mad24.hi.sat.s32 ", d, ", ", a, ", ", b, ", ", c, ";");
    default:
      if (rng_.chance(50))
        return one("dp4a.", rng_.pick({"u32.u32", "u32.s32", "s32.u32", "s32.s32"}), " ", d, ", ", a, ", ",
                   reg(Kind::R), ", ", c, ";");
      return one("dp2a.", rng_.pick({"lo", "hi"}), ".",
                 rng_.pick({"u32.u32", "u32.s32", "s32.u32", "s32.s32"}), " ", d, ", ", a, ", ", reg(Kind::R),
                 ", ", c, ";");
  }
}

Generator::Lines Generator::wide_code() {
  const std::string d = reg(Kind::W);
  const std::string a = reg(Kind::W);
  const std::string b = int_operand(Kind::W);
  const std::string us = rng_.pick({"u64", "s64"});
  switch (rng_.below(9)) {
    case 0:
      return one(guard(), rng_.pick({"add", "sub"}), ".", us, " ", d, ", ", a, ", ", b, ";");
    case 1:
      return one(guard(), "mul.", rng_.pick({"lo", "hi"}), ".", us, " ", d, ", ", a, ", ", b, ";");
    case 2:
      return one(guard(), "mad.", rng_.pick({"lo", "hi"}), ".", us, " ", d, ", ", a, ", ", b, ", ",
                 reg(Kind::W), ";");
    case 3:
      return one("mul.wide.", rng_.pick({"u32", "s32"}), " ", d, ", ", reg(Kind::R), ", ",
                 int_operand(Kind::R), ";");
    case 4:
      return one(guard(), "mad.wide.", rng_.pick({"u32", "s32"}), " ", d, ", ", reg(Kind::R), ", ",
                 int_operand(Kind::R), ", ", a, ";");
    case 5:
      return one(rng_.pick({"min", "max"}), ".", us, " ", d, ", ", a, ", ", b, ";");
    case 6:
      return within_range("max.s64 %u0, " + a + ", -9223372036854775807;",
                          one(guard(), rng_.pick({"abs", "neg"}), ".s64 ", d, ", %u0;"));
    case 7:
      return one("sad.", us, " ", d, ", ", a, ", ", b, ", ", reg(Kind::W), ";");
    default:
      return one("mov.b64 ", d, ", {", reg(Kind::R), ", ", reg(Kind::R), "};");
  }
}

Generator::Lines Generator::short_code() {
  const std::string d = reg(Kind::Q);
  const std::string a = reg(Kind::Q);
  const std::string b = int_operand(Kind::Q);
  const std::string us = rng_.pick({"u16", "s16"});
  switch (rng_.below(7)) {
    case 0:
      return one(guard(), rng_.pick({"add", "sub", "min", "max"}), ".", us, " ", d, ", ", a, ", ", b, ";");
    case 1:
      return one("mul.", rng_.pick({"lo", "hi"}), ".", us, " ", d, ", ", a, ", ", b, ";");
    case 2:
      return one("mul.wide.", us, " ", reg(Kind::R), ", ", a, ", ", b, ";");
    case 3:
      return one("mad.lo.", us, " ", d, ", ", a, ", ", b, ", ", reg(Kind::Q), ";");
    case 4:
      return one("mad.wide.", us, " ", reg(Kind::R), ", ", a, ", ", b, ", ", reg(Kind::R), ";");
    case 5:
      return within_range("max.s16 %z0, " + a + ", -32767;",
                          one(guard(), rng_.pick({"abs", "neg"}), ".s16 ", d, ", %z0;"));
    default:
      return one("sad.", us, " ", d, ", ", a, ", ", b, ", ", reg(Kind::Q), ";");
  }
}

Generator::Lines Generator::logic_code() {
  const Kind kind = rng_.chance(60) ? Kind::R : (rng_.chance(60) ? Kind::W : Kind::Q);
  const std::string type = kind == Kind::R ? "32" : (kind == Kind::W ? "64" : "16");
  const std::string d = reg(kind);
  const std::string a = reg(kind);
  switch (rng_.below(7)) {
    case 0:
    case 1:
      return one(guard(), rng_.pick({"and", "or", "xor"}), ".b", type, " ", d, ", ", a, ", ",
                 int_operand(kind), ";");
    case 2:
      return one(guard(), rng_.pick({"not", "cnot"}), ".b", type, " ", d, ", ", a, ";");
    case 3: {
      const std::string amount = rng_.chance(50) ? reg(Kind::R) : std::to_string(rng_.below(70));
      return one("shl.b", type, " ", d, ", ", a, ", ", amount, ";");
    }
    case 4: {
      const std::string amount = rng_.chance(50) ? reg(Kind::R) : std::to_string(rng_.below(70));
      return one(guard(), "shr.", rng_.pick({"u", "s", "b"}), type, " ", d, ", ", a, ", ", amount, ";");
    }
    case 5:
      return one("lop3.b32 ", reg(Kind::R), ", ", reg(Kind::R), ", ", reg(Kind::R), ", ",
                 int_operand(Kind::R), ", ", std::to_string(rng_.below(256)), ";");
    default:
      return one("shf.", rng_.pick({"l", "r"}), ".", rng_.pick({"clamp", "wrap"}), ".b32 ", reg(Kind::R),
                 ", ", reg(Kind::R), ", ", reg(Kind::R), ", ", int_operand(Kind::R), ";");
  }
}

Generator::Lines Generator::bit_code() {
  const std::string d = reg(Kind::R);
  const std::string a = reg(Kind::R);
  switch (rng_.below(12)) {
    case 0:
      return one(rng_.pick({"popc.b32", "clz.b32", "brev.b32"}), " ", d, ", ", a, ";");
    case 1:
      return one(rng_.pick({"popc.b64", "clz.b64"}), " ", d, ", ", reg(Kind::W), ";");
    case 2:
      return one("bfind", rng_.maybe(".shiftamt"), ".", rng_.pick({"u32", "s32"}), " ", d, ", ", a, ";");
    case 3:
      return one("bfind", rng_.maybe(".shiftamt"), ".", rng_.pick({"u64", "s64"}), " ", d, ", ", reg(Kind::W),
                 ";");
    case 4:
      return restricted_field(one(guard(), "bfe.", rng_.pick({"u32", "s32"}), " ", d, ", ", a, ", ",
                                  field_operand(), ", ", field_operand(), ";")
                                  .front());
    case 5:
      return restricted_field(one("bfe.", rng_.pick({"u64", "s64"}), " ", reg(Kind::W), ", ", reg(Kind::W),
                                  ", ", field_operand(), ", ", field_operand(), ";")
                                  .front());
    case 6:
      return restricted_field(
          one("bfi.b32 ", d, ", ", a, ", ", reg(Kind::R), ", ", field_operand(), ", ", field_operand(), ";")
              .front());
    case 7:
      return restricted_field(one("bfi.b64 ", reg(Kind::W), ", ", reg(Kind::W), ", ", reg(Kind::W), ", ",
                                  field_operand(), ", ", field_operand(), ";")
                                  .front());
    case 8:
      return one("prmt.b32", rng_.pick({"", "", "", ".f4e", ".b4e", ".rc8", ".ecl", ".ecr", ".rc16"}), " ", d,
                 ", ", a, ", ", reg(Kind::R), ", ",
                 rng_.chance(50) ? reg(Kind::R) : std::to_string(rng_.below(65536)), ";");
    case 9:
      return one("brev.b64 ", reg(Kind::W), ", ", reg(Kind::W), ";");
    case 10:
      return one("szext.", rng_.pick({"clamp", "wrap"}), ".", rng_.pick({"s32", "u32"}), " ", d, ", ", a,
                 ", ", int_operand(Kind::R), ";");
    default:
      return one("bmsk.", rng_.pick({"clamp", "wrap"}), ".b32 ", d, ", ", a, ", ", int_operand(Kind::R), ";");
  }
}

// The divisor is odd; MININT / -1 cannot happen because the dividend is halved.
Generator::Lines Generator::division() {
  const std::string op = rng_.pick({"div", "rem"});
  if (rng_.chance(60)) {
    const std::string us = rng_.pick({"u32", "s32"});
    return {"or.b32 %t0, " + reg(Kind::R) + ", 1;", "shr." + us + " %t1, " + reg(Kind::R) + ", 1;",
            op + "." + us + " " + reg(Kind::R) + ", %t1, %t0;"};
  }
  if (rng_.chance(50)) {
    const std::string us = rng_.pick({"u64", "s64"});
    return {"or.b64 %u0, " + reg(Kind::W) + ", 1;", "shr." + us + " %u1, " + reg(Kind::W) + ", 1;",
            op + "." + us + " " + reg(Kind::W) + ", %u1, %u0;"};
  }
  const std::string us = rng_.pick({"u16", "s16"});
  return {"or.b16 %z0, " + reg(Kind::Q) + ", 1;", "shr." + us + " %z1, " + reg(Kind::Q) + ", 1;",
          op + "." + us + " " + reg(Kind::Q) + ", %z1, %z0;"};
}

Generator::Lines Generator::predicate_code() {
  const std::string p = reg(Kind::P);
  std::string q = reg(Kind::P);
  const std::string pair = rng_.chance(25) && q != p ? p + "|" + q : p;
  const bool combine = rng_.chance(30);
  const std::string op = combine ? rng_.pick({".and", ".or", ".xor"}) : std::string();
  const std::string c = combine ? fmt::format(", {}", predicate()) : std::string();
  switch (rng_.below(7)) {
    case 0:
      return one(rng_.pick({"and", "or", "xor"}), ".pred ", p, ", ", reg(Kind::P), ", ", reg(Kind::P), ";");
    case 1:
      return one(rng_.chance(50) ? "not.pred " : "mov.pred ", p, ", ", reg(Kind::P), ";");
    case 2: {
      const std::string us = rng_.pick({"u64", "s64"});
      return one("setp.", rng_.pick({"eq", "ne", "lt", "le", "gt", "ge"}), op, ".", us, " ", pair, ", ",
                 reg(Kind::W), ", ", int_operand(Kind::W), c, ";");
    }
    case 3:
      return one("setp.", rng_.pick({"eq", "ne", "lt", "le", "gt", "ge"}), op, ".", rng_.pick({"u16", "s16"}),
                 " ", pair, ", ", reg(Kind::Q), ", ", int_operand(Kind::Q), c, ";");
    case 4:
      return one("setp.", rng_.pick({"lo", "ls", "hi", "hs"}), op, ".u32 ", pair, ", ", reg(Kind::R), ", ",
                 int_operand(Kind::R), c, ";");
    default:
      return one("setp.", rng_.pick({"eq", "ne", "lt", "le", "gt", "ge"}), op, ".", rng_.pick({"u32", "s32"}),
                 " ", pair, ", ", reg(Kind::R), ", ", int_operand(Kind::R), c, ";");
  }
}

}  // namespace doppel::random
