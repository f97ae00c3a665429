// SPDX-License-Identifier: Apache-2.0
#include "driver/image.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

#include "driver/readable.h"
#include "fatbin_builder.h"

namespace doppel::driver {
namespace {

using testing::Bytes;
using testing::entry;
using testing::fatbin;
using testing::Wrapper;
using Kind = FatbinEntry::Kind;

TEST(Image, TextIsTakenAsItIs) {
  const auto source = read_image(static_cast<const void*>(".version 8.0\n"), 86);
  ASSERT_TRUE(source.has_value());
  EXPECT_EQ(source->ptx, std::vector<std::string>{".version 8.0\n"});
}

TEST(Image, AShortTextIsNotReadPastItsEnd) {
  for (const std::string_view text : {"", "a", "ab", "abc"}) {
    // A copy of exactly this size, so that a read past its end is seen by the sanitizers.
    const auto copy = std::make_unique<char[]>(text.size() + 1);
    std::ranges::copy(text, copy.get());
    const auto source = read_image(static_cast<const void*>(copy.get()), 86);
    ASSERT_TRUE(source.has_value());
    EXPECT_EQ(source->ptx, std::vector<std::string>{std::string(text)});
  }
}

TEST(Image, WrapperOfOneImage) {
  const Bytes image = fatbin({entry(Kind::Ptx, 75, "one"), entry(Kind::Ptx, 86, "two")});
  const Wrapper wrapper{.image = image.data()};
  const auto source = read_image(static_cast<const void*>(&wrapper), 86);
  ASSERT_TRUE(source.has_value()) << source.error().message;
  EXPECT_EQ(source->ptx, std::vector<std::string>{"two"});
}

TEST(Image, WrapperOfAListIsToBeLinked) {
  const Bytes first = fatbin({entry(Kind::Ptx, 86, "one")});
  const Bytes second = fatbin({entry(Kind::Ptx, 86, "two")});
  const std::array<const void*, 3> images = {first.data(), second.data(), nullptr};
  const Wrapper wrapper{.version = 2, .images = images.data()};
  const auto source = read_image(static_cast<const void*>(&wrapper), 86);
  ASSERT_TRUE(source.has_value()) << source.error().message;
  EXPECT_EQ(source->ptx, (std::vector<std::string>{"one", "two"}));
}

TEST(Image, WithoutPtxNamesWhatItHoldsAndWhatToDo) {
  const Bytes image = fatbin({entry(Kind::Elf, 90, "x"), entry(Kind::Ptx, 90, "y")});
  const auto source = read_image(std::span<const std::byte>(image), 86);
  ASSERT_FALSE(source.has_value());
  EXPECT_EQ(source.error().kind, Error::Kind::NotFound);
  EXPECT_NE(source.error().message.find("machine code for sm_90; PTX for compute_90"), std::string::npos);
  EXPECT_NE(source.error().message.find("-gencode arch=compute_86,code=compute_86"), std::string::npos);
}

TEST(Image, MachineCodeIsNamed) {
  const auto source = read_image(static_cast<const void*>("\177ELF\2\1\1"), 120);
  ASSERT_FALSE(source.has_value());
  EXPECT_NE(source.error().message.find("machine code"), std::string::npos);
}

TEST(Image, UnknownWrapperVersionsAndEmptyListsAreErrors) {
  const std::array<const void*, 1> none = {nullptr};
  for (const Wrapper& wrapper : {Wrapper{}, Wrapper{.version = 2},
                                 Wrapper{.version = 2, .images = none.data()}, Wrapper{.version = 3}})
    EXPECT_FALSE(read_image(static_cast<const void*>(&wrapper), 86).has_value());
}

TEST(Image, MemoryThatEndsBeforeTheImageDoesIsAnError) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  auto* pages = static_cast<std::byte*>(
      mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(pages, MAP_FAILED);
  ASSERT_EQ(mprotect(pages + page, page, PROT_NONE), 0);
  const Bytes image = fatbin({entry(Kind::Ptx, 86, std::string(1000, 'x'))});
  std::byte* late = pages + page - 512;
  std::memcpy(late, image.data(), 512);
  EXPECT_EQ(readable_bytes(late, 4096), 512U);
  EXPECT_FALSE(read_image(static_cast<const void*>(late), 86).has_value());
  std::memset(late, ' ', 512);  // text without an end
  EXPECT_FALSE(read_image(static_cast<const void*>(late), 86).has_value());
  EXPECT_FALSE(read_image(static_cast<const void*>(pages + page), 86).has_value());
  munmap(pages, 2 * page);
}

TEST(Image, LinkedImageComesBack) {
  const ModuleSource source{{"first", "second\n", ""}};
  const std::string packed = pack_linked(source);
  EXPECT_EQ(read_image(static_cast<const void*>(packed.c_str()), 86)->ptx, source.ptx);
  for (std::size_t size = 16; size < packed.size(); ++size)
    EXPECT_FALSE(read_image(static_cast<const void*>(packed.substr(0, size).c_str()), 86).has_value())
        << size;
}

}  // namespace
}  // namespace doppel::driver
