// SPDX-License-Identifier: Apache-2.0
#include "memory/touched_pages.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <numeric>

namespace doppel::memory {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kAround = 64 << 10;  // that Linux brings when a page is read
constexpr std::uint64_t kBytes = 1 << 20;

class TouchedPagesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    base_ = reinterpret_cast<std::uint64_t>(
        mmap(nullptr, 4 * kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    pages_ = std::make_unique<TouchedPages>(base_, 4 * kBytes);
    if (!pages_->watch(area(0), kBytes)) GTEST_SKIP() << "this host does not tell of pages";
    ASSERT_TRUE(pages_->watch(area(1), kBytes));
  }
  void TearDown() override {
    pages_ = nullptr;
    munmap(reinterpret_cast<void*>(base_), 4 * kBytes);
  }
  std::uint64_t area(std::uint64_t number) const { return base_ + kBytes * (2 * number + 1); }
  static void write(std::uint64_t address) { *reinterpret_cast<volatile char*>(address) = 1; }
  static char read(std::uint64_t address) { return *reinterpret_cast<volatile char*>(address); }
  std::uint64_t touched_bytes() {
    const auto touched = pages_->take();
    return std::accumulate(touched.ranges.begin(), touched.ranges.end(), std::uint64_t{0},
                           [](std::uint64_t sum, const auto& each) { return sum + each.end - each.begin; });
  }

  std::uint64_t base_ = 0;
  std::unique_ptr<TouchedPages> pages_;
};

TEST_F(TouchedPagesTest, TellsWhatWasWrittenOnce) {
  EXPECT_EQ(touched_bytes(), 0u);
  write(area(0) + 5 * kPage);
  write(area(1));
  const auto touched = pages_->take();
  ASSERT_EQ(touched.ranges.size(), 2u);
  EXPECT_EQ(touched.ranges[0].begin, area(0) + 5 * kPage);
  EXPECT_EQ(touched.ranges[0].end, area(0) + 6 * kPage);
  EXPECT_EQ(touched.ranges[1].begin, area(1));
  EXPECT_EQ(touched.pages, 2u);
  EXPECT_EQ(touched_bytes(), 0u);
}

TEST_F(TouchedPagesTest, ContentsStay) {
  write(area(0) + 7);
  (void)pages_->take();
  EXPECT_EQ(read(area(0) + 7), 1);
  const std::uint64_t bytes = touched_bytes();
  EXPECT_GE(bytes, kPage);
  EXPECT_LE(bytes, kAround);
}

TEST_F(TouchedPagesTest, TellsWhatASystemCallTouched) {
  const int zeros = open("/dev/zero", O_RDONLY);
  ASSERT_EQ(::read(zeros, reinterpret_cast<void*>(area(0)), 2 * kPage), static_cast<ssize_t>(2 * kPage));
  close(zeros);
  EXPECT_EQ(touched_bytes(), 2 * kPage);
}

TEST_F(TouchedPagesTest, WorkOfACardIsNotTheProgram) {
  const std::uint64_t mine[] = {area(0) + 12};
  pages_->begin_work(mine);
  write(area(0));
  write(area(1));
  EXPECT_EQ(touched_bytes(), kPage);  // of the other area
  pages_->end_work(mine);
  EXPECT_EQ(touched_bytes(), 0u);
  EXPECT_EQ(read(area(0)), 1);
  EXPECT_GE(touched_bytes(), kPage);
}

TEST_F(TouchedPagesTest, WorkThatMayTouchAnythingHidesAll) {
  pages_->begin_work({});
  write(area(0));
  write(area(1));
  EXPECT_EQ(touched_bytes(), 0u);
  pages_->end_work({});
  EXPECT_EQ(touched_bytes(), 0u);
  write(area(1));
  EXPECT_EQ(touched_bytes(), kPage);
}

TEST_F(TouchedPagesTest, TheLastOfSeveralEndsTheWork) {
  const std::uint64_t mine[] = {area(0)};
  pages_->begin_work(mine);
  pages_->begin_work(mine);
  pages_->end_work(mine);
  write(area(0));
  EXPECT_EQ(touched_bytes(), 0u);
  pages_->end_work(mine);
  EXPECT_EQ(touched_bytes(), 0u);
}

TEST_F(TouchedPagesTest, WhatIsForgottenIsEmptyAndUnwatched) {
  write(area(0));
  pages_->forget(area(0), kBytes);
  EXPECT_FALSE(pages_->watches(area(0)));
  EXPECT_EQ(read(area(0)), 0);
  EXPECT_EQ(touched_bytes(), 0u);
  ASSERT_TRUE(pages_->watch(area(0), kBytes));
  EXPECT_EQ(read(area(0)), 0);
}

}  // namespace
}  // namespace doppel::memory
