// SPDX-License-Identifier: Apache-2.0
#include "timing/scattered_access.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "timing/hash.h"

namespace doppel::timing {
namespace {

std::vector<std::uint64_t> draws(std::uint64_t seed, int count, std::uint64_t first, std::uint64_t lines) {
  std::set<std::uint64_t> result;
  for (int i = 0; i < count; ++i)
    result.insert(first + mix(seed * 1000 + static_cast<std::uint64_t>(i)) % lines);
  return {result.begin(), result.end()};
}

// Distinct lines that `blocks` blocks touch where the first sampled one touches its own.
std::size_t distinct(const ScatteredAccess& access, const std::vector<std::uint64_t>& lines,
                     std::uint64_t from, std::uint64_t blocks) {
  std::set<std::uint64_t> all;
  for (std::uint64_t block = 0; block < blocks; ++block) {
    for (std::uint64_t line : lines) all.insert(access.line(line, from, 100 + block));
  }
  return all.size();
}

TEST(ScatteredAccess, ASampledBlockKeepsItsLines) {
  ScatteredAccess access;
  access.add_block(3, {5, 9});
  access.add_block(8, {7, 11});
  access.finish();
  EXPECT_EQ(access.line(9, 3, 3), 9u);
}

TEST(ScatteredAccess, WhatNoSampleRepeatsIsNotRepeated) {
  ScatteredAccess access;
  const auto lines = draws(1, 256, 0, 1 << 22);
  for (std::uint64_t block = 0; block < 8; ++block)
    access.add_block(block * 50, draws(block + 1, 256, 0, 1 << 22));
  access.finish();
  EXPECT_GT(access.unseen(), 0.99);
  EXPECT_GT(distinct(access, lines, 0, 100), 0.98 * 100 * static_cast<double>(lines.size()));
}

TEST(ScatteredAccess, ASmallTableIsSharedByAllBlocks) {
  ScatteredAccess access;
  const auto lines = draws(1, 256, 64, 32);
  for (std::uint64_t block = 0; block < 8; ++block)
    access.add_block(block * 50, draws(block + 1, 256, 64, 32));
  access.finish();
  EXPECT_LT(access.unseen(), 0.01);
  for (std::uint64_t line : lines) {
    const std::uint64_t other = access.line(line, 0, 33);
    EXPECT_GE(other, 64u);
    EXPECT_LT(other, 96u);
  }
}

TEST(ScatteredAccess, WindowsFollowTheBlocks) {
  ScatteredAccess access;
  std::vector<std::uint64_t> first;
  for (std::uint64_t block : {0u, 100u, 200u, 400u}) {
    std::vector<std::uint64_t> lines;
    for (std::uint64_t i = 0; i < 64; ++i) lines.push_back(block * 1000 + i);
    if (block == 0) first = lines;
    access.add_block(block, lines);
  }
  access.finish();
  // They fill their windows, so the shape stays.
  EXPECT_EQ(access.line(10, 0, 50), 50'010u);
  EXPECT_EQ(access.line(200'003, 200, 300), 300'003u);
}

TEST(ScatteredAccess, TheSameForTheSameArguments) {
  ScatteredAccess access;
  access.add_block(0, draws(1, 50, 0, 5000));
  access.add_block(9, draws(2, 50, 0, 5000));
  access.finish();
  const std::uint64_t line = draws(1, 50, 0, 5000).front();
  EXPECT_EQ(access.line(line, 0, 5), access.line(line, 0, 5));
}

}  // namespace
}  // namespace doppel::timing
