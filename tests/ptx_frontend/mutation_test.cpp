// SPDX-License-Identifier: Apache-2.0
// Damaged PTX never crashes or hangs the parser, which finds the same whether it reads bodies late: real text
// with bytes, tokens and lines changed, from a fixed seed.
#include <random>

#include "parse_helpers.h"
#include "same_when_late.h"

namespace doppel::ptx {
namespace {

std::vector<std::string> seeds() {
  return {test::read_file(DOPPEL_SOURCE_DIR "/tests/ptx_frontend/data/clang_kernel.ptx"),
          test::module_text(".global .b8 g[8] = {1, 2};\n.global .u64 p[2] = {g, generic(g)+4};\n.const .v4 "
                            ".f32 c[2] = {{0f3F800000, 1.0}};\n"
                            ".func (.param .b32 r) f (.param .b32 a) { ret; }\n") +
              test::kernel_text(
                  "ts: .branchtargets A, B;\nbrx.idx %r1, ts; A: { .param .b32 a; call (a), f, (a); } B:\n"
                  "@!%p1 ld.global.v2.f32 {%f1, _}, [%rd1+-8];\nmov.b64 {%r1, %r2}, %rd1; lop3.b32 %r1, %r2, "
                  "%r3, (1<<4)|2, 0xe8;\n")
                  .substr(test::module_text("").size())};
}

TEST(Mutation, DamagedTextIsAnErrorOrAModule) {
  static constexpr std::string_view kPieces[] = {"{",     "}",         "(",     ")",   "[",
                                                 "]",     ";",         ",",     ":",   "|",
                                                 "@",     "!",         "-",     "<",   ">",
                                                 ".reg ", ".param ",   ".b32 ", "%r1", "_",
                                                 "/*",    "\"",        "0f",    "0x",  "99999999999999999999",
                                                 ".loc ", ".section ", "\n",    "::",  "call ",
                                                 "ret;"};
  std::mt19937 random(20240607);
  std::size_t accepted = 0, refused = 0;
  for (const std::string& seed : seeds()) {
    test::parse_well(seed);
    for (int round = 0; round < 1500; ++round) {
      std::string text = seed;
      const int changes = 1 + static_cast<int>(random() % 4);
      for (int c = 0; c < changes && !text.empty(); ++c) {
        const std::size_t at = random() % text.size();
        switch (random() % 6) {
          case 0:
            text[at] = static_cast<char>(random() % 256);
            break;
          case 1:
            text.erase(at, 1 + random() % 8);
            break;
          case 2:
            text.insert(at, kPieces[random() % std::size(kPieces)]);
            break;
          case 3:
            text.resize(at);
            break;
          case 4:
            text.insert(at, text.substr(random() % text.size(), random() % 200));
            break;
          default:
            std::swap(text[at], text[random() % text.size()]);
            break;
        }
      }
      ASSERT_EQ(test::difference_when_late(text, static_cast<unsigned>(round)), "") << text;
      const auto parsed = parse(text);
      if (parsed) {
        ++accepted;
      } else {
        ++refused;
        ASSERT_FALSE(parsed.error().diagnostics.empty());
        for (const Diagnostic& diagnostic : parsed.error().diagnostics)
          ASSERT_FALSE(diagnostic.message.empty()) << to_string(diagnostic);
      }
    }
  }
  EXPECT_GT(accepted, 0U);
  EXPECT_GT(refused, 0U);
}

}  // namespace
}  // namespace doppel::ptx
