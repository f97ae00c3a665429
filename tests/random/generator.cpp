// SPDX-License-Identifier: Apache-2.0
#include "random/generator.h"

#include <fmt/format.h>

#include <cstring>

namespace doppel::random {

namespace {

const std::vector<Dim3> kBlocks = {{32, 1, 1}, {64, 1, 1}, {32, 2, 1}, {16, 2, 1}, {8, 8, 1}, {4, 4, 4},
                                   {16, 4, 1}, {96, 1, 1}, {2, 16, 1}, {33, 1, 1}, {7, 5, 1}, {1, 1, 1},
                                   {31, 1, 1}, {5, 3, 3},  {48, 1, 1}, {10, 4, 1}, {3, 1, 11}};
const std::vector<Dim3> kGrids = {{1, 1, 1}, {1, 1, 1}, {2, 1, 1}, {3, 1, 1}, {2, 2, 1}};

}  // namespace

Generator::Generator(std::uint64_t seed, bool recent) : rng_(seed) {
  kernel_.seed = seed;
  kernel_.recent = recent;
  kernel_.name = fmt::format("k{}", seed);
}

Kernel Generator::make() {
  kernel_.block = rng_.pick(kBlocks);
  kernel_.grid = rng_.pick(kGrids);
  full_warps_ = kernel_.block.count() % 32 == 0;
  if (rng_.chance(30)) add_function();
  const int phases = rng_.between(1, 3);
  for (int i = 0; i < phases; ++i) phase();
  if (rng_.chance(15)) converged_loop();
  if (rng_.chance(25)) {
    Place place;
    place.may_exit = true;
    kernel_.tail = block(place, rng_.between(2, 5));
  }
  return std::move(kernel_);
}

// Free code of any divergence, then all threads together.
void Generator::phase() {
  Place place;
  const bool cells = rng_.chance(20);
  if (cells) {
    place.shared_atomic = rng_.pick({"add.u32", "min.s32", "max.u32", "and.b32", "or.b32", "xor.b32"});
    Statement init;
    init.filling_threads = 16;
    init.lines = {
        "setp.lt.u32 %k0, %linear, 16;", "mov.b64 %slot, cells;", "mad.wide.u32 %slot, %linear, 4, %slot;",
        fmt::format("@%k0 st.shared.u32 [%slot], {};", rng_.pick({"0", "0x55aa55aa", "0xffffffff", "1000"})),
        "bar.sync 0;"};
    // One thread writes all the cells where the block is smaller than they are many.
    if (kernel_.block.count() < 16) {
      init.filling_threads = 1;
      init.lines.clear();
      for (int i = 0; i < 16; ++i) init.lines.push_back(fmt::format("st.shared.u32 [cells+{}], 7;", 4 * i));
      init.lines.push_back("bar.sync 0;");
    }
    kernel_.body.push_back(std::move(init));
  }
  for (Statement& s : block(place, rng_.between(3, 8))) kernel_.body.push_back(std::move(s));
  if (cells) {
    Statement read;
    read.lines = {"bar.sync 0;",
                  fmt::format("ld.shared.u32 {}, [cells+{}];", reg(Kind::R), 4 * rng_.below(16)),
                  "bar.sync 0;"};
    kernel_.body.push_back(std::move(read));
  }
  const int together = rng_.below(3);
  for (int i = 0; i < together; ++i) {
    switch (rng_.below(8)) {
      case 0:
      case 1:
        kernel_.body.push_back(exchange());
        break;
      case 2:
        kernel_.body.push_back(barrier_reduction());
        break;
      case 3:
        kernel_.body.push_back(masked_warp_operation());
        break;
      default:
        kernel_.body.push_back(warp_operation());
        break;
    }
  }
}

// A loop that all threads go through the same number of times, with barriers inside.
void Generator::converged_loop() {
  Statement loop;
  loop.kind = Statement::Kind::Loop;
  loop.id = label();
  loop.selector = std::to_string(rng_.between(1, 3));
  Place place;
  place.depth = 1;
  loop.body = block(place, 2);
  loop.body.push_back(exchange());
  loop.body.push_back(warp_operation());
  kernel_.body.push_back(std::move(loop));
}

std::vector<Statement> Generator::block(const Place& place, int statements) {
  std::vector<Statement> list;
  for (int i = 0; i < statements; ++i) {
    if (rng_.chance(3))
      carry_around(list, place);
    else
      list.push_back(statement(place));
  }
  return list;
}

Statement Generator::statement(const Place& place) {
  const int structure = place.depth == 0 ? 22 : (place.depth == 1 ? 18 : (place.depth == 2 ? 8 : 0));
  Statement s;
  if (rng_.chance(structure)) {
    Place inner = place;
    ++inner.depth;
    s.id = label();
    switch (rng_.below(11)) {
      case 8:
        s.kind = Statement::Kind::Tangle;
        for (int i = 0; i < 3; ++i) s.cases.push_back(block(inner, rng_.between(1, 2)));
        return s;
      case 9:
        s.kind = rng_.chance(25) ? Statement::Kind::TwoEntries : Statement::Kind::If;
        s.selector = reg(Kind::R);
        s.predicate = predicate();
        if (s.kind == Statement::Kind::If)
          s.body = block(inner, 2);
        else
          for (int i = 0; i < 2; ++i) s.cases.push_back(block(inner, rng_.between(1, 2)));
        return s;
      case 0:
      case 1:
      case 2:
      case 10:
        s.kind = Statement::Kind::If;
        s.predicate = predicate();
        s.body = block(inner, rng_.between(1, 3));
        if (rng_.chance(50)) s.other = block(inner, rng_.between(1, 3));
        return s;
      case 3:
      case 4:
      case 5:
        s.kind = Statement::Kind::Loop;
        s.selector = rng_.chance(80) ? reg(Kind::R) : std::to_string(rng_.between(1, 5));
        inner.loops.push_back(s.id);
        s.body = block(inner, rng_.between(1, 4));
        return s;
      default:
        s.kind = Statement::Kind::Switch;
        s.selector = reg(Kind::R);
        for (int i = 0; i < 4; ++i) s.cases.push_back(block(inner, rng_.between(0, 2)));
        return s;
    }
  }
  if (!place.loops.empty() && rng_.chance(15)) {
    s.kind = rng_.chance(50) ? Statement::Kind::Break : Statement::Kind::Continue;
    s.id = rng_.pick(place.loops);
    s.predicate = predicate();
    return s;
  }
  if (place.may_exit && rng_.chance(20)) {
    s.kind = Statement::Kind::Exit;
    s.uses_ret = rng_.chance(40);
    s.predicate = predicate();
    return s;
  }
  return code(place);
}

Statement Generator::code(const Place& place) {
  Statement s;
  if (!place.shared_atomic.empty() && rng_.chance(15)) {
    s.lines = shared_atomic(place.shared_atomic);
    return s;
  }
  if (kernel_.recent && rng_.chance(25)) {
    s.lines = recent_code();
    return s;
  }
  if (place.may_call && !functions_.empty() && rng_.chance(10)) return call();
  const int kind = rng_.below(100);
  if (kind < 16)
    s.lines = integer_code();
  else if (kind < 21)
    s.lines = wide_code();
  else if (kind < 25)
    s.lines = short_code();
  else if (kind < 31)
    s.lines = logic_code();
  else if (kind < 37)
    s.lines = bit_code();
  else if (kind < 39)
    s.lines = division();
  else if (kind < 42)
    s.lines = carry_chain();
  else if (kind < 49)
    s.lines = predicate_code();
  else if (kind < 59)
    s.lines = single_code();
  else if (kind < 64)
    s.lines = double_code();
  else if (kind < 70)
    s.lines = half_code();
  else if (kind < 74)
    s.lines = brain_code();
  else if (kind < 78)
    s.lines = fresh_float();
  else if (kind < 87)
    s.lines = conversion();
  else if (kind < 89)
    s.lines = reinterpretation();
  else if (kind < 92)
    s.lines = selection();
  else if (kind < 94)
    s.lines = approximation();
  else if (kind < 95)
    s.lines = local_memory();
  else if (kind < 96)
    s.lines = own_cell();
  else if (kind < 97)
    s.lines = global_atomic();
  else if (kind < 98)
    s.lines = special_register();
  else
    s.lines = input_load();
  return s;
}

std::string Generator::reg(Kind kind) {
  const KindInfo& info = kKinds[static_cast<int>(kind)];
  return fmt::format("%{}{}", info.letter, rng_.below(info.count));
}

std::string Generator::predicate() { return rng_.maybe("!", 40) + reg(Kind::P); }

std::string Generator::guard() { return rng_.chance(15) ? fmt::format("@{} ", predicate()) : std::string(); }

std::string Generator::immediate(int bits) {
  const std::uint64_t mask = bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
  std::uint64_t v = 0;
  switch (rng_.below(6)) {
    case 0:
      v = static_cast<std::uint64_t>(rng_.below(5));
      break;
    case 1:
      v = ~std::uint64_t{0} - static_cast<std::uint64_t>(rng_.below(3));
      break;
    case 2:
      v = std::uint64_t{1} << rng_.below(bits);
      break;
    case 3:
      v = (mask >> 1) + static_cast<std::uint64_t>(rng_.below(2));
      break;
    default:
      v = rng_.next() >> rng_.below(64);
      break;
  }
  // Written as the signed number of that many bits, which every integer type takes.
  v &= mask;
  const auto sign = std::uint64_t{1} << (bits - 1);
  if (bits == 64) return fmt::format("0x{:x}", v);
  return fmt::format("{}",
                     (v & sign) != 0 ? static_cast<std::int64_t>(v | ~mask) : static_cast<std::int64_t>(v));
}

std::string Generator::int_operand(Kind kind) {
  if (!rng_.chance(18)) return reg(kind);
  return immediate(kKinds[static_cast<int>(kind)].bytes * 8);
}

std::string Generator::field_operand() {
  return rng_.chance(40) ? reg(Kind::R) : std::to_string(rng_.below(rng_.chance(80) ? 40 : 256));
}

Kernel generate(std::uint64_t seed, bool recent) { return Generator(seed, recent).make(); }

std::vector<std::byte> generate_input(const Kernel& kernel) {
  Rng rng(kernel.seed ^ 0x5eed);
  std::vector<std::byte> bytes(input_bytes(kernel));
  static const std::vector<std::uint64_t> words = {
      0,          1,          2,          0xffffffff, 0x80000000, 0x7fffffff, 0x3f800000, 0xbf800000,
      0x7f800000, 0xff800000, 0x7fc00000, 0x00000001, 0x807fffff, 0x00800000, 0x3f000000, 0x40490fdb,
      0x3c003c00, 0xbc007c00, 0x3f803f80, 0x4b800000, 0x5f000000, 0xcf000000, 0x477fe000, 0x33800000};
  static const std::vector<std::uint64_t> doubles = {
      0x3ff0000000000000, 0xbff8000000000000, 0x7ff0000000000000, 0xfff0000000000000,
      0x8000000000000000, 0x0000000000000001, 0x0010000000000000, 0x7fefffffffffffff,
      0x41dfffffffc00000, 0x47efffffe0000000, 0x36a0000000000000, 0x3fd5555555555555};
  for (std::size_t at = 0; at < bytes.size(); at += 8) {
    std::uint64_t v = rng.next();
    const int kind = rng.below(8);
    if (kind < 2)
      v = rng.pick(words) | rng.pick(words) << 32;
    else if (kind == 2)
      v = rng.pick(doubles);
    else if (kind == 3)
      v &= 0xff;
    else if (kind == 4)
      v = (v & 0x8003ffff8003ffff) | 0x3f8000003f800000 | (v & 0x0100000001000000);  // floats near one
    std::memcpy(bytes.data() + at, &v, 8);
  }
  return bytes;
}

}  // namespace doppel::random
