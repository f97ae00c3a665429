// SPDX-License-Identifier: Apache-2.0
// The little of ELF (64 bits, little-endian; System V ABI, chapter 4) that finds device code in host objects
// and tells what machine code defines. Nothing here trusts a number it read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace doppel::driver {

struct ElfSection {
  std::string_view name;
  std::uint32_t type = 0;  // sh_type
  std::uint32_t link = 0;  // sh_link: of a symbol table the index of its strings
  std::span<const std::byte> bytes;
};

bool is_elf(std::span<const std::byte> image);

// All sections in their order; none where the image is no such ELF file or is damaged.
std::vector<ElfSection> elf_sections(std::span<const std::byte> image);

// Does the symbol table hold `symbol`, in some section of this file?
bool elf_defines(std::span<const std::byte> image, std::string_view symbol);

// The files in a Unix archive ("!<arch>"), without the archive's own tables; none where it is no archive.
std::vector<std::span<const std::byte>> archive_members(std::span<const std::byte> image);
bool is_archive(std::span<const std::byte> image);

}  // namespace doppel::driver
