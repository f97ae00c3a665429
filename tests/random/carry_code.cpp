// SPDX-License-Identifier: Apache-2.0
// Chains of sums, differences and products that hand on the carry flag (PTX ISA 9.7.2), mixed as compilers
// mix them in code for numbers of 128 bits, and more freely.
#include <fmt/format.h>

#include "random/generator.h"

namespace doppel::random {

std::string Generator::carry_operation(bool first, bool gives, bool wide) {
  const Kind kind = wide ? Kind::W : Kind::R;
  const std::string cc = gives ? ".cc" : "";
  const std::string type = rng_.pick({".u", ".u", ".s"}) + (wide ? "64 " : "32 ");
  const std::string d = reg(kind), a = int_operand(kind), b = int_operand(kind);
  // A guard now and then: the lanes that it leaves out keep the carry that they have.
  const std::string before = first ? std::string() : guard();
  switch (rng_.below(5)) {
    case 0:
    case 1:
      return fmt::format("{}add{}{}{}{}, {}, {};", before, first ? "" : "c", cc, type, d, a, b);
    case 2:
    case 3:
      return fmt::format("{}sub{}{}{}{}, {}, {};", before, first ? "" : "c", cc, type, d, a, b);
    default:
      return fmt::format("{}mad{}.{}{}{}{}, {}, {}, {};", before, first ? "" : "c", rng_.pick({"lo", "hi"}),
                         cc, type, d, a, b, int_operand(kind));
  }
}

Generator::Lines Generator::carry_chain() {
  const bool wide = rng_.chance(40);
  const std::string type = wide ? ".u64 " : ".u32 ";
  const Kind kind = wide ? Kind::W : Kind::R;
  const auto r = [&] { return reg(kind); };
  switch (rng_.below(8)) {
    case 0:  // a sum of three words
      return {"add.cc" + type + r() + ", " + r() + ", " + r() + ";",
              "addc.cc" + type + r() + ", " + r() + ", " + r() + ";",
              "addc" + type + r() + ", " + r() + ", 0;"};
    case 1:  // a difference of two words, and its borrow as a mask
      return {"sub.cc" + type + r() + ", " + r() + ", " + r() + ";",
              "subc.cc" + type + r() + ", " + r() + ", " + r() + ";", "subc" + type + r() + ", 0, 0;"};
    case 2:  // a difference, and 1 where there was no borrow: a step of a long division
      return {"sub.cc" + type + r() + ", " + r() + ", " + r() + ";",
              "subc.cc" + type + r() + ", " + r() + ", " + r() + ";",
              "addc" + type + r() + ", " + r() + ", 0;"};
    case 3:  // a product of double width, added
      return {"mad.lo.cc" + type + r() + ", " + r() + ", " + r() + ", " + r() + ";",
              "madc.hi" + type + r() + ", " + r() + ", " + r() + ", " + r() + ";"};
    default:
      break;
  }
  Lines lines = {carry_operation(true, true, wide)};
  const int more = rng_.between(1, 4);
  for (int i = 0; i < more; ++i) {
    // The flag survives what stands between.
    if (rng_.chance(20)) {
      for (std::string& line : rng_.chance(50) ? integer_code() : logic_code())
        lines.push_back(std::move(line));
    }
    // The width may change within a chain: there is one flag.
    lines.push_back(carry_operation(rng_.chance(10), i + 1 < more, rng_.chance(10) ? !wide : wide));
  }
  return lines;
}

void Generator::carry_around(std::vector<Statement>& list, const Place& place) {
  const bool wide = rng_.chance(40);
  Statement first;
  first.lines = {carry_operation(true, true, wide)};
  list.push_back(std::move(first));
  Place inside = place;
  inside.may_call = false;
  list.push_back(statement(inside));
  Statement last;
  last.lines = {carry_operation(false, rng_.chance(50), wide)};
  list.push_back(std::move(last));
}

}  // namespace doppel::random
