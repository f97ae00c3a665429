// SPDX-License-Identifier: Apache-2.0
// What the threads of a warp or block do together: only at places that all of them reach.
#include <fmt/format.h>

#include "random/generator.h"

namespace doppel::random {

// Each thread writes its own part of shared memory and reads another's.
Statement Generator::exchange() {
  Statement s;
  const int size = std::vector<int>{1, 2, 4, 4, 8, 16}[static_cast<std::size_t>(rng_.below(6))];
  const int step = rng_.between(1, 40);
  std::string store;
  std::string load;
  switch (size) {
    case 1:
      store = "st.shared.u8 [%slot], " + reg(Kind::R);
      load = "ld.shared." + rng_.pick({"u8 ", "s8 "}) + reg(Kind::R) + ", [%slot]";
      break;
    case 2:
      store = "st.shared.u16 [%slot], " + reg(Kind::Q);
      load = "ld.shared." + rng_.pick({"u16 ", "s16 "}) + reg(Kind::R) + ", [%slot]";
      break;
    case 4:
      store = "st.shared.u32 [%slot], " + reg(Kind::R);
      load = "ld.shared.u32 " + reg(Kind::R) + ", [%slot]";
      break;
    case 8:
      store = "st.shared.v2.u32 [%slot], {" + reg(Kind::R) + ", " + reg(Kind::R) + "}";
      load = "ld.shared.u64 " + reg(Kind::W) + ", [%slot]";
      break;
    default:
      store = "st.shared.v4.u32 [%slot], {" + reg(Kind::R) + ", " + reg(Kind::R) + ", " + reg(Kind::R) +
              ", " + reg(Kind::R) + "}";
      load = "ld.shared.v4.u32 {%r0, %r1, %r2, %r3}, [%slot]";
      break;
  }
  const std::string barrier = rng_.pick({"bar.sync 0;", "barrier.sync 0;", "bar.sync 1;"});
  s.lines = {"mov.u64 %slot, exchange;", fmt::format("mad.wide.u32 %slot, %linear, {}, %slot;", size),
             store + ";", barrier};
  if (rng_.chance(50)) {
    for (const std::string& line : pattern_index()) s.lines.push_back(line);
  } else if (rng_.chance(50)) {
    s.lines.push_back(fmt::format("add.u32 %t0, %linear, {};", step));
    s.lines.push_back("rem.u32 %t0, %t0, %threads;");
  } else {  // backwards
    s.lines.push_back("sub.u32 %t0, %threads, %linear;");
    s.lines.push_back("sub.u32 %t0, %t0, 1;");
  }
  s.lines.push_back("mov.u64 %slot, exchange;");
  s.lines.push_back(fmt::format("mad.wide.u32 %slot, %t0, {}, %slot;", size));
  s.lines.push_back(load + ";");
  s.lines.push_back(barrier);
  return s;
}

Statement Generator::warp_operation() {
  Statement s;
  const std::string full = "0xffffffff";
  const std::string a = reg(Kind::R);
  const std::string d = reg(Kind::R);
  switch (rng_.below(full_warps_ ? 10 : 6)) {
    case 0:
      s.lines = one("vote.sync.ballot.b32 ", d, ", ", predicate(), ", ", full, ";");
      break;
    case 1:
      s.lines = one("vote.sync.", rng_.pick({"all", "any", "uni"}), ".pred ", reg(Kind::P), ", ", predicate(),
                    ", ", full, ";");
      break;
    case 2:
      s.lines = one("redux.sync.",
                    rng_.pick({"add.u32", "add.s32", "min.u32", "max.u32", "min.s32", "max.s32", "and.b32",
                               "or.b32", "xor.b32"}),
                    " ", d, ", ", a, ", ", full, ";");
      break;
    case 3:
      if (rng_.chance(60))
        s.lines = {"and.b32 %t0, " + a + ", 3;", "match.any.sync.b32 " + d + ", %t0, " + full + ";"};
      else
        s.lines = {"and.b64 %u0, " + reg(Kind::W) + ", 1;",
                   "match.any.sync.b64 " + d + ", %u0, " + full + ";"};
      break;
    case 4:
      s.lines = {"and.b32 %t0, " + a + ", 0x1000;",
                 "match.all.sync.b32 " + d + "|" + reg(Kind::P) + ", %t0, " + full + ";"};
      break;
    case 5:
      s.lines = one("bar.warp.sync ", full, ";");
      break;
    default: {
      const std::string mode = rng_.pick({"up", "down", "bfly", "idx"});
      const int segment = std::vector<int>{0, 0, 16, 24, 28}[static_cast<std::size_t>(rng_.below(5))];
      const int clamp = mode == "up" ? 0 : 31;
      const std::string b = rng_.chance(60) ? std::to_string(rng_.below(32)) : reg(Kind::R);
      const std::string pair = rng_.chance(40) ? d + "|" + reg(Kind::P) : d;
      s.lines = one("shfl.sync.", mode, ".b32 ", pair, ", ", a, ", ", b, ", ",
                    std::to_string(segment << 8 | clamp), ", ", full, ";");
    }
  }
  return s;
}

// The lanes for which a predicate holds go aside and do something together, with their own mask.
Statement Generator::masked_warp_operation() {
  Statement s;
  const int id = label();
  const std::string p = reg(Kind::P);
  const std::string d = reg(Kind::R);
  std::string inside;
  switch (rng_.below(3)) {
    case 0:
      inside = "redux.sync." + rng_.pick({"add.u32", "max.s32", "or.b32"}) + " " + d + ", " + reg(Kind::R) +
               ", %t0;";
      break;
    case 1:
      inside = "vote.sync.ballot.b32 " + d + ", " + predicate() + ", %t0;";
      break;
    default:
      inside = "match.any.sync.b32 " + d + ", " + reg(Kind::R) + ", %t0;";
      break;
  }
  s.lines = {"vote.sync.ballot.b32 %t0, " + p + ", 0xffffffff;", "@!" + p + fmt::format(" bra ASIDE_{};", id),
             inside, fmt::format("ASIDE_{}:", id)};
  return s;
}

Statement Generator::barrier_reduction() {
  Statement s;
  if (rng_.chance(50))
    s.lines = one("bar.red.popc.u32 ", reg(Kind::R), ", 0, ", predicate(), ";");
  else
    s.lines = one("bar.red.", rng_.pick({"and", "or"}), ".pred ", reg(Kind::P), ", 0, ", predicate(), ";");
  return s;
}

}  // namespace doppel::random
