// SPDX-License-Identifier: Apache-2.0
// Makes fat binaries as nvcc writes them, for tests.
#pragma once

#include <lz4.h>
#include <zstd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "driver/fatbin.h"

namespace doppel::driver::testing {

using Bytes = std::vector<std::byte>;

template <typename T>
void put(Bytes& bytes, std::size_t offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof(value));
}

inline Bytes entry(FatbinEntry::Kind kind, int architecture, const std::string& text,
                   FatbinEntry::Compression compression = FatbinEntry::Compression::None) {
  std::string stored = text;
  std::uint64_t flags = 0x11;  // 64 bits, Linux
  if (compression == FatbinEntry::Compression::Lz4) {
    stored.resize(static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(text.size()))));
    stored.resize(static_cast<std::size_t>(LZ4_compress_default(
        text.data(), stored.data(), static_cast<int>(text.size()), static_cast<int>(stored.size()))));
    flags |= 0x2000;
  } else if (compression == FatbinEntry::Compression::Zstd) {
    stored.resize(ZSTD_compressBound(text.size()));
    stored.resize(ZSTD_compress(stored.data(), stored.size(), text.data(), text.size(), 3));
    flags |= 0x8000;
  }
  const bool compressed = compression != FatbinEntry::Compression::None;
  const std::size_t padded = (stored.size() + 7) / 8 * 8;
  Bytes bytes(64 + padded);
  put<std::uint16_t>(bytes, 0, static_cast<std::uint16_t>(kind));
  put<std::uint16_t>(bytes, 2, 0x0101);
  put<std::uint32_t>(bytes, 4, 64);
  put<std::uint64_t>(bytes, 8, padded);
  put<std::uint32_t>(bytes, 16, compressed ? static_cast<std::uint32_t>(stored.size()) : 0);
  put<std::uint32_t>(bytes, 28, static_cast<std::uint32_t>(architecture));
  put<std::uint64_t>(bytes, 40, flags);
  put<std::uint64_t>(bytes, 56, compressed ? text.size() : 0);
  std::memcpy(bytes.data() + 64, stored.data(), stored.size());
  return bytes;
}

inline Bytes fatbin(const std::vector<Bytes>& entries) {
  Bytes bytes(16);
  for (const Bytes& one : entries) bytes.insert(bytes.end(), one.begin(), one.end());
  put<std::uint32_t>(bytes, 0, 0xBA55ED50);
  put<std::uint16_t>(bytes, 4, 1);
  put<std::uint16_t>(bytes, 6, 16);
  put<std::uint64_t>(bytes, 8, bytes.size() - 16);
  return bytes;
}

// As in a program's data; `image` or `images` must outlive it.
struct Wrapper {
  std::uint32_t magic = 0x466243B1;
  std::uint32_t version = 1;
  const void* image = nullptr;
  const void* images = nullptr;
};

}  // namespace doppel::driver::testing
