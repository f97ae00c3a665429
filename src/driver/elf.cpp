// SPDX-License-Identifier: Apache-2.0
#include "driver/elf.h"

#include <charconv>
#include <cstring>

namespace doppel::driver {
namespace {

constexpr std::string_view kElf64LittleEndian = "\177ELF\2\1";
constexpr std::string_view kArchive = "!<arch>\n";
constexpr std::size_t kArchiveHeaderBytes = 60;
constexpr std::uint32_t kSymbolTable = 2;  // SHT_SYMTAB
constexpr std::uint32_t kNoBits = 8;       // SHT_NOBITS: takes no bytes of the file
constexpr std::size_t kSectionHeaderBytes = 64;
constexpr std::size_t kSymbolBytes = 24;

bool starts_with(std::span<const std::byte> image, std::string_view magic) {
  return image.size() >= magic.size() && std::memcmp(image.data(), magic.data(), magic.size()) == 0;
}

// 0 where it lies behind the end.
template <typename T>
T read(std::span<const std::byte> bytes, std::uint64_t offset) {
  T value{};
  if (offset <= bytes.size() && sizeof(T) <= bytes.size() - offset)
    std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

std::span<const std::byte> part(std::span<const std::byte> bytes, std::uint64_t offset, std::uint64_t size) {
  if (offset > bytes.size() || size > bytes.size() - offset) return {};
  return bytes.subspan(offset, size);
}

std::string_view string_at(std::span<const std::byte> strings, std::uint64_t offset) {
  if (offset >= strings.size()) return {};
  const auto* text = reinterpret_cast<const char*>(strings.data()) + offset;
  return {text, strnlen(text, strings.size() - offset)};
}

}  // namespace

bool is_elf(std::span<const std::byte> image) { return starts_with(image, kElf64LittleEndian); }
bool is_archive(std::span<const std::byte> image) { return starts_with(image, kArchive); }

std::vector<ElfSection> elf_sections(std::span<const std::byte> image) {
  std::vector<ElfSection> sections;
  if (!is_elf(image)) return sections;
  const auto table = read<std::uint64_t>(image, 40);         // e_shoff
  const auto header_bytes = read<std::uint16_t>(image, 58);  // e_shentsize
  const auto count = read<std::uint16_t>(image, 60);         // e_shnum
  const auto names_index = read<std::uint16_t>(image, 62);   // e_shstrndx
  const auto headers = part(image, table, std::uint64_t{count} * header_bytes);
  if (header_bytes < kSectionHeaderBytes || headers.empty() || names_index >= count) return sections;
  const auto bytes_of = [&](std::span<const std::byte> header) {
    if (read<std::uint32_t>(header, 4) == kNoBits) return std::span<const std::byte>{};
    return part(image, read<std::uint64_t>(header, 24), read<std::uint64_t>(header, 32));
  };
  const auto names = bytes_of(headers.subspan(std::size_t{names_index} * header_bytes, header_bytes));
  for (std::size_t i = 0; i < count; ++i) {
    const auto header = headers.subspan(i * header_bytes, header_bytes);
    sections.push_back({string_at(names, read<std::uint32_t>(header, 0)), read<std::uint32_t>(header, 4),
                        read<std::uint32_t>(header, 40), bytes_of(header)});
  }
  return sections;
}

bool elf_defines(std::span<const std::byte> image, std::string_view symbol) {
  const auto sections = elf_sections(image);
  for (const ElfSection& section : sections) {
    if (section.type != kSymbolTable || section.link >= sections.size()) continue;
    const auto strings = sections[section.link].bytes;
    for (std::size_t at = 0; at + kSymbolBytes <= section.bytes.size(); at += kSymbolBytes) {
      const bool defined = read<std::uint16_t>(section.bytes, at + 6) != 0;  // st_shndx is not SHN_UNDEF
      if (defined && string_at(strings, read<std::uint32_t>(section.bytes, at)) == symbol) return true;
    }
  }
  return false;
}

std::vector<std::span<const std::byte>> archive_members(std::span<const std::byte> image) {
  std::vector<std::span<const std::byte>> members;
  if (!is_archive(image)) return members;
  std::size_t at = kArchive.size();
  while (at + kArchiveHeaderBytes <= image.size()) {
    // A name of 16 characters and numbers in decimal; names that begin with '/' and no digit are tables.
    const std::string_view header(reinterpret_cast<const char*>(image.data()) + at, kArchiveHeaderBytes);
    std::size_t size = 0;
    const auto digits = header.substr(48, 10);
    if (std::from_chars(digits.data(), digits.data() + digits.size(), size).ec != std::errc{}) break;
    at += kArchiveHeaderBytes;
    if (size > image.size() - at) break;
    const bool is_table = header[0] == '/' && (header[1] < '0' || header[1] > '9');
    if (!is_table) members.push_back(image.subspan(at, size));
    at += size + size % 2;
  }
  return members;
}

}  // namespace doppel::driver
