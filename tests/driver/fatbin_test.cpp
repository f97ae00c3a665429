// SPDX-License-Identifier: Apache-2.0
#include "driver/fatbin.h"

#include <gtest/gtest.h>

#include <random>

#include "fatbin_builder.h"

namespace doppel::driver {
namespace {

using testing::Bytes;
using testing::entry;
using testing::fatbin;
using Kind = FatbinEntry::Kind;
using Compression = FatbinEntry::Compression;

const std::string kText =
    ".version 8.0\n.target sm_86\n.address_size 64\n" + std::string(300, ' ') + "// end\n";

TEST(Fatbin, ReadsEveryCompression) {
  for (const Compression compression : {Compression::None, Compression::Lz4, Compression::Zstd}) {
    const Bytes image = fatbin({entry(Kind::Ptx, 86, kText, compression)});
    const auto entries = read_fatbin(image);
    ASSERT_TRUE(entries.has_value()) << entries.error().message;
    ASSERT_EQ(entries->size(), 1U);
    EXPECT_EQ(entries->front().architecture, 86);
    const auto text = decompress(entries->front());
    ASSERT_TRUE(text.has_value()) << text.error().message;
    EXPECT_EQ(*text, kText);
  }
}

TEST(Fatbin, TakesTheNewestPtxThatTheCardCanRun) {
  const Bytes image = fatbin({entry(Kind::Elf, 86, "elf"), entry(Kind::Ptx, 75, "a"),
                              entry(Kind::Ptx, 80, "b"), entry(Kind::Ptx, 120, "c")});
  const auto entries = read_fatbin(image);
  ASSERT_TRUE(entries.has_value());
  EXPECT_EQ(best_ptx(*entries, 86)->architecture, 80);
  EXPECT_EQ(best_ptx(*entries, 120)->architecture, 120);
  EXPECT_EQ(best_ptx(*entries, 70), nullptr);
}

TEST(Fatbin, SaysWhatItHolds) {
  const Bytes image =
      fatbin({entry(Kind::Elf, 75, "x"), entry(Kind::Elf, 86, "x"), entry(Kind::Ptx, 90, "y")});
  EXPECT_EQ(describe(*read_fatbin(image)), "machine code for sm_75, sm_86; PTX for compute_90");
}

TEST(Fatbin, EveryTruncationIsAnErrorOrAShorterList) {
  const Bytes image = fatbin({entry(Kind::Ptx, 86, kText, Compression::Zstd), entry(Kind::Ptx, 80, kText)});
  for (std::size_t size = 0; size < image.size(); ++size) {
    // A copy of exactly this size, so that a read past its end is seen by the sanitizers.
    const Bytes cut(image.begin(), image.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(read_fatbin(cut).has_value()) << size;
  }
}

TEST(Fatbin, MutatedImagesEndWithErrorsNotCrashes) {
  const Bytes image = fatbin({entry(Kind::Ptx, 86, kText, Compression::Zstd), entry(Kind::Elf, 86, "elf"),
                              entry(Kind::Ptx, 80, kText, Compression::Lz4), entry(Kind::Ptx, 75, kText)});
  std::mt19937 random(20240501);
  for (int round = 0; round < 20000; ++round) {
    Bytes mutated = image;
    const int changes = 1 + static_cast<int>(random() % 8);
    for (int i = 0; i < changes; ++i) mutated[random() % mutated.size()] = static_cast<std::byte>(random());
    const auto entries = read_fatbin(mutated);
    if (!entries) continue;
    for (const FatbinEntry& one : *entries) {
      const auto text = decompress(one);
      EXPECT_TRUE(!text || text->size() <= std::size_t{1} << 30);
    }
    describe(*entries);
    best_ptx(*entries, 120);
  }
}

}  // namespace
}  // namespace doppel::driver
