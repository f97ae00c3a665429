// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "frontend/ptx/parse.h"
#include "frontend/ptx/to_ir.h"
#include "jit/block_fibres.h"

namespace doppel::jit::object_cache {
namespace {

constexpr const char* kText = R"(
.version 7.8
.target sm_86
.address_size 64
.visible .entry fill(.param .u64 out)
{
  .reg .u32 %i, %v;
  .reg .u64 %a;
  mov.u32 %i, %tid.x;
  ld.param.u64 %a, [out];
  mad.wide.u32 %a, %i, 4, %a;
  mad.lo.u32 %v, %i, 3, 7;
  st.global.u32 [%a], %v;
  ret;
}
)";

class ObjectCacheTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = std::filesystem::temp_directory_path() /
                 ("doppel_object_cache_" + std::to_string(std::random_device{}()));
  }
  void TearDown() override {
    std::error_code ignored;
    std::filesystem::permissions(directory_, std::filesystem::perms::owner_all, ignored);
    std::filesystem::remove_all(directory_, ignored);
  }

  // Compiles or loads the kernel, and runs it.
  void expect_right_result() {
    auto parsed = ptx::parse(kText);
    ASSERT_TRUE(parsed);
    auto module = CompiledModule::create(
        std::make_shared<const analysis::AnalysedModule>(ptx::to_ir(std::move(*parsed))),
        {directory_.string(), false});
    ASSERT_TRUE(module);
    std::vector<std::uint32_t> out(32);
    const std::uint32_t* address = out.data();
    jit_test::GridRun run;
    run.module = module->get();
    run.grid = {1, 1, 1};
    run.block = {32, 1, 1};
    run.parameters = std::as_bytes(std::span(&address, 1));
    const auto result = jit_test::run_grid(run);
    ASSERT_TRUE(result) << result.error().message;
    for (std::uint32_t i = 0; i < 32; ++i) EXPECT_EQ(out[i], 3 * i + 7);
  }

  std::vector<std::filesystem::path> entries() const {
    std::vector<std::filesystem::path> result;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_)) {
      if (entry.is_regular_file()) result.push_back(entry.path());
    }
    return result;
  }

  std::filesystem::path directory_;
};

TEST_F(ObjectCacheTest, KeepsOneEntryAKernel) {
  expect_right_result();
  const auto first = entries();
  ASSERT_EQ(first.size(), 1U);
  const auto time = std::filesystem::last_write_time(first[0]);
  expect_right_result();
  EXPECT_EQ(entries(), first);
  EXPECT_EQ(std::filesystem::last_write_time(first[0]), time);  // it was read, not written again
}

TEST_F(ObjectCacheTest, MakesADamagedEntryAnew) {
  expect_right_result();
  const auto path = entries().at(0);
  const auto size = std::filesystem::file_size(path);
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(size / 2));
    file.write("damaged", 7);
  }
  expect_right_result();
  std::filesystem::resize_file(path, size / 3);
  expect_right_result();
  EXPECT_EQ(std::filesystem::file_size(path), size);
  std::filesystem::resize_file(path, 0);
  expect_right_result();
  EXPECT_EQ(std::filesystem::file_size(path), size);
}

TEST_F(ObjectCacheTest, DoesWithoutAFolderThatCannotBeWritten) {
  std::ofstream(directory_.string()) << "a file where the folder should be";
  expect_right_result();
}

TEST(Locate, NamesThePtxLineOfAnAddressInGeneratedCode) {
  auto parsed = ptx::parse(kText);
  ASSERT_TRUE(parsed);
  auto module = CompiledModule::create(
      std::make_shared<const analysis::AnalysedModule>(ptx::to_ir(std::move(*parsed))), {});
  ASSERT_TRUE(module);
  const auto code = (*module)->kernel(0, {LaneShape::Linear, true, Build::Plain});
  ASSERT_TRUE(code);
  CodeLocation location;
  bool store_found = false;
  const auto* entry = reinterpret_cast<const char*>(code->block_entry);
  for (int offset = 0; offset < 400; ++offset) {
    if ((*module)->locate(entry + offset, location)) store_found |= location.ptx_line == 13;
  }
  EXPECT_TRUE(store_found);
  EXPECT_FALSE((*module)->locate(&location, location));
}

}  // namespace
}  // namespace doppel::jit::object_cache
