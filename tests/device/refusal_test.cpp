// SPDX-License-Identifier: Apache-2.0
// Which kernels of a program can be launched, where some of its functions cannot run.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <thread>

#include "device/program.h"

namespace doppel::device {
namespace {

constexpr const char* kHead = ".version 8.5\n.target sm_86\n.address_size 64\n";
constexpr const char* kRefused = "wgmma.fence.sync.aligned;";

std::shared_ptr<Program> load(std::vector<std::string> texts) {
  for (std::string& text : texts) text = kHead + text;
  auto program = Program::load(texts, Options{});
  if (!program) {
    ADD_FAILURE() << program.error().message;
    return nullptr;
  }
  return std::move(*program);
}

void expect_refused(const Program& program, const char* kernel, bool refused) {
  const Error* error = program.refusal(kernel);
  EXPECT_EQ(error != nullptr, refused) << kernel;
  if (error == nullptr) return;
  EXPECT_EQ(error->kind, Error::Kind::NotSupported) << kernel;
  EXPECT_NE(error->message.find("in 'f': wgmma.fence.sync.aligned: not supported"), std::string::npos)
      << kernel << ": " << error->message;
}

const std::string kFunction = std::string(".visible .func f() { ") + kRefused + " ret; }\n";

TEST(Refusal, FollowsCalls) {
  const auto program =
      load({kFunction + ".func g() { call f; ret; }\n.visible .entry calls() { call g; ret; }\n" +
            ".visible .entry does_not() { ret; }\n"});
  ASSERT_NE(program, nullptr);
  expect_refused(*program, "calls", true);
  expect_refused(*program, "does_not", false);
}

TEST(Refusal, FollowsAddressesOfFunctions) {
  const auto program =
      load({kFunction + ".global .u64 table[1] = {f};\n" +
            ".visible .entry calls() { .reg .b64 %d<2>; ld.global.u64 %d0, [table];\n"
            "p: .callprototype _ ();\n call %d0, p; ret; }\n.visible .entry does_not() { ret; }\n"});
  ASSERT_NE(program, nullptr);
  expect_refused(*program, "calls", true);
  expect_refused(*program, "does_not", false);
}

TEST(Refusal, FollowsLinks) {
  const auto program = load({kFunction,
                             ".extern .func f();\n.visible .entry calls() { call f; ret; }\n.visible .entry "
                             "does_not() { ret; }\n"});
  ASSERT_NE(program, nullptr);
  expect_refused(*program, "calls", true);
  expect_refused(*program, "does_not", false);
}

TEST(Refusal, OfTheProgramWhereNoKernelIsLeft) {
  const auto program = Program::load(
      std::vector<std::string>{kHead + kFunction + ".entry a() { call f; ret; }\n.entry b() { " + kRefused +
                               " ret; }\n"},
      Options{});
  ASSERT_FALSE(program);
  EXPECT_EQ(program.error().kind, Error::Kind::NotSupported);
  EXPECT_NE(program.error().message.find("not supported (2 times)"), std::string::npos)
      << program.error().message;
}

TEST(Refusal, MalformedTextIsToldAsSuch) {
  const auto program =
      load({".visible .entry bad() { mov.b32 %r0, 1; ret; }\n.visible .entry good() { ret; }\n"});
  ASSERT_NE(program, nullptr);
  ASSERT_NE(program->refusal("bad"), nullptr);
  EXPECT_EQ(program->refusal("bad")->kind, Error::Kind::InvalidInput);
  EXPECT_EQ(program->refusal("good"), nullptr);
}

TEST(Refusal, KernelsAreReadWhenTheyAreAskedFor) {
  constexpr std::uint32_t kKernels = 64;
  std::string text = ".func g() { ret; }\n";
  for (std::uint32_t i = 0; i < kKernels; ++i)
    text += fmt::format(".visible .entry k{}() {{ call g; {} ret; }}\n", i, i % 3 == 1 ? kRefused : "");
  const auto program = load({text});
  ASSERT_NE(program, nullptr);
  const auto is_read = [&](std::uint32_t kernel) {
    return !program->ir().functions[kernel + 1].operations.empty();
  };
  EXPECT_TRUE(is_read(0)) << "a program without a kernel that can run is refused";
  EXPECT_FALSE(is_read(1));
  EXPECT_EQ(program->refusal("k2"), nullptr);
  EXPECT_TRUE(is_read(2));
  EXPECT_FALSE(is_read(1));
  // By several threads at once.
  std::vector<std::thread> threads;
  for (std::uint32_t first = 0; first < 4; ++first) {
    threads.emplace_back([&, first] {
      for (std::uint32_t i = 0; i < kKernels; ++i) {
        const std::uint32_t kernel = (i + first * 16) % kKernels;
        EXPECT_EQ(program->refusal(kernel + 1) != nullptr, kernel % 3 == 1) << kernel;
        EXPECT_EQ(program->analysed()->kernel(kernel + 1).functions.size(), kernel % 3 == 1 ? 1U : 2U);
        EXPECT_TRUE(is_read(kernel));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace doppel::device
