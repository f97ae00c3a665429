// SPDX-License-Identifier: Apache-2.0
#include "driver/elf.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "driver/image.h"
#include "fatbin_builder.h"

namespace doppel::driver {
namespace {

using testing::Bytes;
using testing::put;

// An object with one section of the given name and content, and a symbol table with one name.
Bytes object(int machine, const std::string& section, const Bytes& content, const std::string& symbol,
             bool defined) {
  const std::string names = std::string("\0.strtab\0.symtab\0", 17) + section + '\0';
  const std::string symbols = '\0' + symbol + '\0';
  constexpr std::size_t kHeader = 64;
  constexpr std::size_t kSections = 5;
  const std::size_t names_at = kHeader;
  const std::size_t symbols_at = names_at + names.size();
  const std::size_t table_at = symbols_at + symbols.size();
  const std::size_t content_at = table_at + 48;
  const std::size_t headers_at = content_at + content.size();
  Bytes bytes(headers_at + kSections * 64);
  std::memcpy(bytes.data(), "\177ELF\2\1\1", 7);
  put<std::uint16_t>(bytes, 18, static_cast<std::uint16_t>(machine));
  put<std::uint64_t>(bytes, 40, headers_at);
  put<std::uint16_t>(bytes, 58, 64);
  put<std::uint16_t>(bytes, 60, kSections);
  put<std::uint16_t>(bytes, 62, 1);
  std::memcpy(bytes.data() + names_at, names.data(), names.size());
  std::memcpy(bytes.data() + symbols_at, symbols.data(), symbols.size());
  put<std::uint32_t>(bytes, table_at + 24, 1);  // the name; the first symbol is empty
  put<std::uint16_t>(bytes, table_at + 24 + 6, defined ? 4 : 0);
  if (!content.empty()) std::memcpy(bytes.data() + content_at, content.data(), content.size());
  const auto header = [&](std::size_t index, std::uint32_t name, std::uint32_t type, std::uint32_t link,
                          std::size_t offset, std::size_t size) {
    const std::size_t at = headers_at + index * 64;
    put<std::uint32_t>(bytes, at, name);
    put<std::uint32_t>(bytes, at + 4, type);
    put<std::uint64_t>(bytes, at + 24, offset);
    put<std::uint64_t>(bytes, at + 32, size);
    put<std::uint32_t>(bytes, at + 40, link);
  };
  header(1, 1, 3, 0, names_at, names.size());
  header(2, 1, 3, 0, symbols_at, symbols.size());
  header(3, 9, 2, 2, table_at, 48);
  header(4, 17, 1, 0, content_at, content.size());
  return bytes;
}

Bytes archive(const Bytes& member) {
  std::string text = "!<arch>\n";
  text += "/               0           0     0     0       4         `\n";
  text += std::string(4, '\0');
  std::string header = "one.o/          0           0     0     644     " + std::to_string(member.size());
  header.resize(58, ' ');
  text += header + "`\n";
  Bytes bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  bytes.insert(bytes.end(), member.begin(), member.end());
  return bytes;
}

std::string as_text(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

constexpr int kX86 = 62;
constexpr int kCuda = 190;
const char* const kPtx = ".version 7.0\n.target sm_75\n.address_size 64\n";

TEST(Elf, SymbolsAreDefinedOrOnlyNamed) {
  EXPECT_TRUE(elf_defines(object(kCuda, ".text", {}, "one", true), "one"));
  EXPECT_FALSE(elf_defines(object(kCuda, ".text", {}, "one", false), "one"));
  EXPECT_FALSE(elf_defines(object(kCuda, ".text", {}, "one", true), "on"));
}

TEST(Elf, DamagedFilesHaveNoSections) {
  const Bytes whole = object(kX86, ".nv_fatbin", Bytes(100), "s", true);
  EXPECT_EQ(elf_sections(whole).size(), 5U);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_TRUE(elf_sections(cut).empty()) << size;
    EXPECT_FALSE(elf_defines(cut, "s")) << size;
  }
  for (std::size_t at = 0; at < whole.size(); ++at) {
    Bytes changed = whole;
    changed[at] = std::byte{0xff};
    (void)elf_defines(changed, "s");
    (void)archive_members(archive(changed));
  }
}

TEST(Elf, ObjectsAndArchivesGiveTheirPtx) {
  const Bytes fatbin = testing::fatbin({testing::entry(FatbinEntry::Kind::Ptx, 75, kPtx)});
  const Bytes one = object(kX86, "__nv_relfatbin", fatbin, "main", true);
  for (const Bytes& image : {one, archive(one)}) {
    const auto source = read_image(std::span<const std::byte>(image), 86);
    ASSERT_TRUE(source) << source.error().message;
    EXPECT_EQ(source->ptx, std::vector<std::string>{kPtx});
  }
}

TEST(Elf, MachineCodeAloneIsRefusedButForTheDeviceRuntime) {
  const auto library = [](const char* symbol, bool defined) {
    const Bytes code = object(kCuda, ".text", {}, symbol, defined);
    const Bytes fatbin = testing::fatbin(
        {testing::entry(FatbinEntry::Kind::Elf, 86, as_text(code), FatbinEntry::Compression::Zstd)});
    return archive(object(kX86, "__nv_relfatbin", fatbin, "main", true));
  };
  const auto runtime = read_image(std::span<const std::byte>(library("__cudaCDP2LaunchDeviceV2", true)), 86);
  ASSERT_TRUE(runtime) << runtime.error().message;
  EXPECT_TRUE(runtime->ptx.empty());
  EXPECT_FALSE(read_image(std::span<const std::byte>(library("__cudaCDP2LaunchDeviceV2", false)), 86));
  EXPECT_FALSE(read_image(std::span<const std::byte>(library("other", true)), 86));
}

TEST(Elf, LinkedImagesKeepTheirRegisterLimit) {
  ModuleSource source;
  source.ptx = {kPtx, kPtx};
  source.max_registers = 38;
  const std::string packed = pack_linked(source);
  const auto read = read_image(packed.c_str(), 86);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->ptx, source.ptx);
  EXPECT_EQ(read->max_registers, 38U);
}

}  // namespace
}  // namespace doppel::driver
