// SPDX-License-Identifier: Apache-2.0
// Reads fat binaries: what nvcc puts into a program to carry one module for several architectures.
//
// Three nested layouts, all little-endian, learned from what nvcc 13 writes:
//   wrapper  { u32 magic 0x466243B1, u32 version, void* image, void* filename_or_images }
//            version 1: one image; version 2: filename_or_images is a null-terminated list of images to be
//            linked
//   image    { u32 magic 0xBA55ED50, u16 version 1, u16 header bytes, u64 bytes that follow }
//   entry    { u16 kind, u16 version 0x0101, u32 header bytes, u64 payload bytes, u32 compressed bytes @16,
//              u32 architecture @28, u64 flags @40, u64 uncompressed bytes @56 }
// Nothing here trusts a number it read: every offset is checked against the span it must lie in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/result.h"

namespace doppel::driver {

struct FatbinEntry {
  enum class Kind : std::uint16_t { Ptx = 1, Elf = 2, LtoIr = 8 };
  enum class Compression { None, Lz4, Zstd };
  Kind kind = Kind::Ptx;
  int architecture = 0;  // 86: compute_86 of PTX, sm_86 of ELF
  Compression compression = Compression::None;
  std::span<const std::byte> payload;    // as stored
  std::uint64_t uncompressed_bytes = 0;  // what the entry promises; 0 for an entry that is stored as it is
};

// The bytes of an image whose header starts at `image`, of which at most `available` may be read.
Result<std::span<const std::byte>> fatbin_extent(const std::byte* image, std::size_t available);

// All entries of one image, header included in `image`.
Result<std::vector<FatbinEntry>> read_fatbin(std::span<const std::byte> image);

// The entry's bytes as they were before compression; and its text, without trailing zeros.
Result<std::string> unpack(const FatbinEntry& entry);
Result<std::string> decompress(const FatbinEntry& entry);

// The newest PTX that a card of this compute capability (86, 120) may run: PTX runs on its own architecture
// and on every later one. Null where there is none.
const FatbinEntry* best_ptx(const std::vector<FatbinEntry>& entries, int compute_capability);

// NVIDIA's library of functions for launches from device code (libcudadevrt), which nvcc links into
// relocatable programs. Doppel has these functions of its own, so the library's code is not needed.
bool is_device_runtime(const std::vector<FatbinEntry>& entries);

// "sm_75 and sm_86 machine code, compute_90 PTX"
std::string describe(const std::vector<FatbinEntry>& entries);

}  // namespace doppel::driver
