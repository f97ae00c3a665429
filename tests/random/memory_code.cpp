// SPDX-License-Identifier: Apache-2.0
// Memory, atomics and calls of random kernels.
#include <fmt/format.h>

#include "random/generator.h"

namespace doppel::random {

Generator::Lines Generator::local_memory() {
  const int which = rng_.below(6);
  const int size = which == 0 ? 8 : (which == 1 ? 2 : (which == 2 ? 1 : 4));
  const bool dynamic = rng_.chance(50);
  Lines lines;
  std::string place = fmt::format("[stack+{}]", rng_.below(48 / size) * size);
  if (which == 5) place = fmt::format("[stack+{}]", 16 * rng_.below(4));  // a vector of four words
  if (dynamic && which != 5) {
    lines = {fmt::format("and.b32 %t0, {}, {};", reg(Kind::R), 63 & ~(size - 1)), "mov.u64 %slot, stack;",
             "cvt.u64.u32 %u0, %t0;", "add.u64 %slot, %slot, %u0;"};
    place = "[%slot]";
    if (rng_.chance(40)) {
      lines.push_back("cvta.local.u64 %slot, %slot;");
      place = "generic";
    }
  }
  const std::string space = place == "generic" ? "" : ".local";
  if (place == "generic") place = "[%slot]";
  const bool store = rng_.chance(50);
  const auto access = [&](const std::string& type, const std::string& r) {
    lines.push_back(store ? "st" + space + type + " " + place + ", " + r + ";"
                          : "ld" + space + type + " " + r + ", " + place + ";");
  };
  switch (which) {
    case 0:
      access(".u64", reg(Kind::W));
      break;
    case 1:
      access(store ? ".u16" : rng_.pick({".u16", ".s16"}), rng_.chance(50) ? reg(Kind::Q) : reg(Kind::R));
      break;
    case 2:
      access(store ? ".u8" : rng_.pick({".u8", ".s8"}), rng_.chance(70) ? reg(Kind::R) : reg(Kind::W));
      break;
    case 5:
      if (store)
        access(".v4.u32",
               fmt::format("{{{}, {}, {}, {}}}", reg(Kind::R), reg(Kind::R), reg(Kind::R), reg(Kind::R)));
      else
        access(".v4.u32", "{%r0, %r1, %r2, %r3}");
      break;
    default:
      access(store ? ".u32" : rng_.pick({".u32", ".s32", ".b32"}),
             rng_.chance(80) || store ? reg(Kind::R) : reg(Kind::W));
      break;
  }
  return lines;
}

// A shared cell that no other thread touches: what an atomic returns does not depend on any order.
Generator::Lines Generator::own_cell() {
  const std::string d = reg(Kind::R);
  const std::string space = rng_.chance(80) ? ".shared" : "";
  Lines lines;
  std::string place = "[%own]";
  if (space.empty()) {
    lines.push_back("cvta.shared.u64 %slot, %own;");
    place = "[%slot]";
  }
  switch (rng_.below(7)) {
    case 0:
      lines.push_back("atom" + space + ".cas.b32 " + d + ", " + place + ", " + reg(Kind::R) + ", " +
                      reg(Kind::R) + ";");
      break;
    case 1:
      lines.push_back("atom" + space + rng_.pick({".inc.u32 ", ".dec.u32 "}) + d + ", " + place + ", " +
                      reg(Kind::R) + ";");
      break;
    case 2:
      lines.push_back("atom" + space + ".exch.b64 " + reg(Kind::W) + ", " + place + ", " + reg(Kind::W) +
                      ";");
      break;
    case 3:
      lines.push_back("atom" + space + rng_.pick({".add.u64 ", ".min.s64 ", ".max.u64 "}) + reg(Kind::W) +
                      ", " + place + ", " + reg(Kind::W) + ";");
      break;
    case 4:
      lines.push_back("st" + space + ".u64 " + place + ", " + reg(Kind::W) + ";");
      break;
    case 5:
      lines.push_back("ld" + space + ".u64 " + reg(Kind::W) + ", " + place + ";");
      break;
    default:
      lines.push_back(guard() + "atom" + space +
                      rng_.pick({".add.u32 ", ".add.s32 ", ".min.s32 ", ".max.u32 ", ".and.b32 ", ".or.b32 ",
                                 ".xor.b32 ", ".exch.b32 "}) +
                      d + ", " + place + ", " + int_operand(Kind::R) + ";");
  }
  return lines;
}

// Each of these cells knows one commutative operation only, and is read when the grid has ended.
Generator::Lines Generator::global_atomic() {
  static const std::vector<std::string> operations = {"add.u32", "min.s32", "max.u32", "and.b32", "or.b32",
                                                      "xor.b32", "add.u64", "min.u64", "max.s64"};
  const int which = rng_.below(static_cast<int>(operations.size()));
  const std::string& op = operations[static_cast<std::size_t>(which)];
  const bool wide = op.ends_with("64");
  const std::string value = wide ? reg(Kind::W) : reg(Kind::R);
  const std::string place = fmt::format("[%atomics+{}]", 16 * which + 8 * rng_.below(2));
  return one(guard(), "red", rng_.pick({".global", ".global", "", ".relaxed.gpu.global"}), ".", op, " ",
             place, ", ", value, ";");
}

Generator::Lines Generator::shared_atomic(const std::string& operation) {
  const std::string place = "[%slot]";
  return {fmt::format("and.b32 %t0, {}, 15;", reg(Kind::R)), "mov.u64 %slot, cells;",
          "mad.wide.u32 %slot, %t0, 4, %slot;",
          guard() + "red.shared." + operation + " " + place + ", " + reg(Kind::R) + ";"};
}

Generator::Lines Generator::special_register() {
  const std::string name = rng_.pick({"tid.x", "tid.y", "tid.z", "ctaid.x", "ctaid.y", "ntid.x", "nctaid.x",
                                      "laneid", "nctaid.y", "lanemask_lt", "lanemask_ge"});
  if (rng_.chance(70)) return {"mov.u32 " + reg(Kind::R) + ", %" + name + ";"};
  // A predicate that is the same in the whole block, or that follows the lanes' order.
  return {"mov.u32 %t0, %" + name + ";", "and.b32 %t0, %t0, " + std::to_string(1 << rng_.below(4)) + ";",
          "setp.eq.u32 " + reg(Kind::P) + ", %t0, 0;"};
}

Generator::Lines Generator::pattern_index() {
  switch (rng_.below(8)) {
    case 0:
      return {"mov.u32 %t0, %tid.x;"};
    case 1:
      return {"mov.u32 %t0, %tid.y;"};
    case 2:
      return {"mov.u32 %t0, %tid.x;",
              "and.b32 %t0, %t0, " + std::to_string((1 << rng_.between(1, 4)) - 1) + ";"};
    case 3:
      return {"mov.u32 %t0, %tid.x;", "shr.u32 %t0, %t0, " + std::to_string(rng_.between(1, 4)) + ";"};
    case 4:
      return {"and.b32 %t0, %linear, " + std::to_string((1 << rng_.between(2, 5)) - 1) + ";"};
    case 5:
      return {"mov.u32 %t0, %ctaid.x;", "rem.u32 %t0, %t0, %threads;"};
    case 6:
      return {"mov.u32 %t1, %ntid.x;", "mov.u32 %t0, %tid.x;", "sub.u32 %t0, %t1, %t0;",
              "sub.u32 %t0, %t0, 1;"};
    default:
      return {"rem.u32 %t0, " + reg(Kind::R) + ", %threads;"};
  }
}

// From the thread's own part of the input, or from anywhere in it by a pattern.
Generator::Lines Generator::input_load() {
  const int words = thread_bytes() / 4;
  if (rng_.chance(60)) {
    Lines lines = pattern_index();
    const std::string size = rng_.pick({"1", "2", "4", "4", "4", "8", "12", "16"});
    lines.push_back("ld.param.u64 %slot, [in];");
    lines.push_back("mad.wide.u32 %slot, %t0, " + size + ", %slot;");
    const std::string at = ", [%slot+" + std::to_string(16 * rng_.below(16)) + "];";
    const std::string space = rng_.pick({"global", "global", "global.nc"});
    if (size == "1")
      lines.push_back("ld." + space + rng_.pick({".u8 ", ".s8 "}) + reg(Kind::R) + at);
    else if (size == "2")
      lines.push_back("ld." + space + rng_.pick({".u16 ", ".s16 "}) + reg(Kind::R) + at);
    else if (size == "8")
      lines.push_back("ld." + space + ".u64 " + reg(Kind::W) + at);
    else if (size == "16")
      lines.push_back("ld." + space + ".v4.u32 {%r2, %r5, %r6, %r7}" + at);
    else
      lines.push_back(guard() + "ld." + space +
                      (rng_.chance(50) ? ".u32 " + reg(Kind::R) : ".f32 " + reg(Kind::F)) + at);
    return lines;
  }
  switch (rng_.below(4)) {
    case 0:
      return one(guard(), "ld.global.u8 ", reg(Kind::R), ", [%in+", std::to_string(rng_.below(words * 4)),
                 "];");
    case 1:
      return one("ld.global.s16 ", reg(Kind::W), ", [%in+", std::to_string(rng_.below(words * 2) * 2), "];");
    case 2:
      return one("ld.global.v2.u32 {%r4, %r5}, [%in+", std::to_string(rng_.below(words / 2) * 8), "];");
    default:
      return one("ld.global.nc.u64 ", reg(Kind::W), ", [%in+", std::to_string(rng_.below(words / 2) * 8),
                 "];");
  }
}

void Generator::add_function() {
  const std::string name = fmt::format("f{}_{}", functions_.size(), kernel_.name);
  std::string text = fmt::format(
      ".func (.param .b32 result) {}(.param .b32 first, .param .b64 second)\n{{\n  .reg .b32 %a, %b, %c;\n  "
      ".reg .b64 %v;\n  .reg .pred %q;\n"
      "  ld.param.b32 %a, [first];\n  ld.param.b64 %v, [second];\n  cvt.u32.u64 %b, %v;\n",
      name);
  const bool loops = rng_.chance(50);
  if (loops) text += "  and.b32 %c, %b, 7;\nAGAIN:\n";
  const int length = rng_.between(1, 4);
  for (int i = 0; i < length; ++i) {
    text += "  " +
            rng_.pick({"mad.lo.u32 %a, %a, %b, 17", "xor.b32 %a, %a, %b", "shf.l.wrap.b32 %a, %a, %b, 7",
                       "prmt.b32 %b, %a, %b, 0x2174", "sub.u32 %b, %b, %a", "mul.hi.u32 %b, %a, %b",
                       "max.s32 %a, %a, %b", "popc.b32 %b, %a"}) +
            ";\n";
  }
  if (rng_.chance(40))
    text += "  setp.lt.s32 %q, %a, 0;\n  @%q bra OUT;\n";
  else
    text += "  setp.eq.u32 %q, %b, 3;\n  @%q bra OUT;\n";
  if (loops) text += "  sub.u32 %c, %c, 1;\n  setp.gt.s32 %q, %c, 0;\n  @%q bra AGAIN;\n";
  if (rng_.chance(30)) {
    // Calls itself until the first argument's lowest bits are used up.
    text += fmt::format(
        "  ld.param.b64 %v, [second];\n  shr.u64 %v, %v, 13;\n  setp.eq.u64 %q, %v, 0;\n  @%q bra OUT;\n"
        "  {{\n  .param .b32 r;\n  .param .b32 x;\n  .param .b64 y;\n  st.param.b32 [x], %a;\n  st.param.b64 "
        "[y], %v;\n"
        "  call (r), {}, (x, y);\n  ld.param.b32 %b, [r];\n  add.u32 %a, %a, %b;\n  }}\n",
        name);
  }
  text += "OUT:\n  st.param.b32 [result], %a;\n  ret;\n}\n";
  kernel_.functions.push_back(std::move(text));
  functions_.push_back({name, {Kind::R, Kind::W}, Kind::R});
}

Statement Generator::call() {
  const Function& f = rng_.pick(functions_);
  Statement s;
  s.lines = {"{",
             ".param .b32 given;",
             ".param .b32 first;",
             ".param .b64 second;",
             "st.param.b32 [first], " + reg(Kind::R) + ";",
             "st.param.b64 [second], " + reg(Kind::W) + ";"};
  if (rng_.chance(25)) {
    const int id = label();
    s.lines.push_back(
        fmt::format("PROTOTYPE_{}: .callprototype (.param .b32 _) _ (.param .b32 _, .param .b64 _);", id));
    s.lines.push_back("mov.u64 %slot, " + f.name + ";");
    s.lines.push_back(fmt::format("call (given), %slot, (first, second), PROTOTYPE_{};", id));
  } else {
    s.lines.push_back("call (given), " + f.name + ", (first, second);");
  }
  s.lines.push_back("ld.param.b32 " + reg(Kind::R) + ", [given];");
  s.lines.push_back("}");
  return s;
}

}  // namespace doppel::random
