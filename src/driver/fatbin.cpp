// SPDX-License-Identifier: Apache-2.0
#include "driver/fatbin.h"

#include <fmt/format.h>
#include <lz4.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <set>

#include "driver/elf.h"

namespace doppel::driver {
namespace {

constexpr std::uint32_t kImageMagic = 0xBA55ED50;
constexpr std::uint16_t kImageVersion = 1;
constexpr std::size_t kImageHeaderBytes = 16;
constexpr std::size_t kEntryHeaderBytes = 64;
constexpr std::uint64_t kFlagLz4 = 0x2000;
constexpr std::uint64_t kFlagZstd = 0x8000;
// Far above any PTX text and what compresses of it; stop a damaged size from asking for the machine's memory.
constexpr std::uint64_t kLargestText = std::uint64_t{1} << 30;
constexpr std::uint64_t kLargestRatio = 4096;

// Entries stand at any alignment, so nothing is read through a typed pointer.
template <typename T>
T load(std::span<const std::byte> bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

Result<FatbinEntry> read_entry(std::span<const std::byte> rest, std::size_t& consumed) {
  const auto header_bytes = load<std::uint32_t>(rest, 4);
  const auto payload_bytes = load<std::uint64_t>(rest, 8);
  const auto compressed_bytes = load<std::uint32_t>(rest, 16);
  const auto flags = load<std::uint64_t>(rest, 40);
  if (header_bytes < kEntryHeaderBytes || header_bytes > rest.size())
    return fail(Error::Kind::InvalidInput,
                fmt::format("fatbin: an entry's header of {} bytes does not fit", header_bytes));
  if (payload_bytes > rest.size() - header_bytes)
    return fail(Error::Kind::InvalidInput,
                fmt::format("fatbin: an entry of {} bytes reaches past the image's end", payload_bytes));
  FatbinEntry entry;
  entry.kind = static_cast<FatbinEntry::Kind>(load<std::uint16_t>(rest, 0));
  entry.architecture = static_cast<int>(load<std::uint32_t>(rest, 28));
  entry.uncompressed_bytes = load<std::uint64_t>(rest, 56);
  if ((flags & kFlagLz4) != 0) entry.compression = FatbinEntry::Compression::Lz4;
  if ((flags & kFlagZstd) != 0) entry.compression = FatbinEntry::Compression::Zstd;
  std::uint64_t stored = payload_bytes;
  if (entry.compression != FatbinEntry::Compression::None) {
    if (compressed_bytes > payload_bytes)
      return fail(Error::Kind::InvalidInput, "fatbin: a compressed entry is larger than its payload");
    stored = compressed_bytes;
  }
  entry.payload = rest.subspan(header_bytes, stored);
  consumed = header_bytes + payload_bytes;
  return entry;
}

}  // namespace

Result<std::span<const std::byte>> fatbin_extent(const std::byte* image, std::size_t available) {
  if (available < kImageHeaderBytes)
    return fail(Error::Kind::InvalidInput, "fatbin: the image ends in its header");
  const std::span<const std::byte> header(image, kImageHeaderBytes);
  if (load<std::uint32_t>(header, 0) != kImageMagic)
    return fail(Error::Kind::InvalidInput, "fatbin: the image does not start with a fatbin's magic number");
  const auto version = load<std::uint16_t>(header, 4);
  if (version != kImageVersion)
    return fail(Error::Kind::NotSupported,
                fmt::format("fatbin: format version {}, expected {}", version, kImageVersion));
  const auto header_bytes = load<std::uint16_t>(header, 6);
  const auto body_bytes = load<std::uint64_t>(header, 8);
  if (header_bytes < kImageHeaderBytes || header_bytes > available || body_bytes > available - header_bytes)
    return fail(Error::Kind::InvalidInput,
                fmt::format("fatbin: the image says it has {} bytes, which it has not", body_bytes));
  return std::span<const std::byte>(image, header_bytes + body_bytes);
}

Result<std::vector<FatbinEntry>> read_fatbin(std::span<const std::byte> image) {
  const auto extent = fatbin_extent(image.data(), image.size());
  if (!extent) return tl::unexpected(extent.error());
  std::span<const std::byte> rest = extent->subspan(load<std::uint16_t>(*extent, 6));
  std::vector<FatbinEntry> entries;
  while (rest.size() >= kEntryHeaderBytes) {
    std::size_t consumed = 0;
    auto entry = read_entry(rest, consumed);
    if (!entry) return tl::unexpected(entry.error());
    entries.push_back(*entry);
    rest = rest.subspan(consumed);
  }
  return entries;
}

Result<std::string> unpack(const FatbinEntry& entry) {
  const char* stored = reinterpret_cast<const char*>(entry.payload.data());
  std::string text;
  if (entry.compression == FatbinEntry::Compression::None) {
    text.assign(stored, entry.payload.size());
  } else {
    if (entry.uncompressed_bytes > kLargestText || entry.payload.size() > kLargestText ||
        entry.uncompressed_bytes > entry.payload.size() * kLargestRatio)
      return fail(Error::Kind::InvalidInput,
                  fmt::format("fatbin: an entry says it unpacks to {} bytes", entry.uncompressed_bytes));
    text.resize(entry.uncompressed_bytes);
    if (entry.compression == FatbinEntry::Compression::Lz4) {
      const int written = LZ4_decompress_safe(stored, text.data(), static_cast<int>(entry.payload.size()),
                                              static_cast<int>(text.size()));
      if (written < 0) return fail(Error::Kind::InvalidInput, "fatbin: a damaged LZ4 entry");
      text.resize(static_cast<std::size_t>(written));
    } else {
      const std::size_t written = ZSTD_decompress(text.data(), text.size(), stored, entry.payload.size());
      if (ZSTD_isError(written) != 0)
        return fail(Error::Kind::InvalidInput,
                    fmt::format("fatbin: a damaged zstd entry: {}", ZSTD_getErrorName(written)));
      text.resize(written);
    }
  }
  return text;
}

Result<std::string> decompress(const FatbinEntry& entry) {
  return unpack(entry).map([](std::string text) {
    text.erase(std::find_if(text.rbegin(), text.rend(), [](char c) { return c != '\0'; }).base(), text.end());
    return text;
  });
}

const FatbinEntry* best_ptx(const std::vector<FatbinEntry>& entries, int compute_capability) {
  const FatbinEntry* best = nullptr;
  for (const FatbinEntry& entry : entries) {
    if (entry.kind != FatbinEntry::Kind::Ptx || entry.architecture > compute_capability) continue;
    if (best == nullptr || entry.architecture > best->architecture) best = &entry;
  }
  return best;
}

bool is_device_runtime(const std::vector<FatbinEntry>& entries) {
  for (const FatbinEntry& entry : entries) {
    if (entry.kind != FatbinEntry::Kind::Elf) continue;
    const auto code = unpack(entry);
    return code && elf_defines(std::as_bytes(std::span(*code)), "__cudaCDP2LaunchDeviceV2");
  }
  return false;
}

std::string describe(const std::vector<FatbinEntry>& entries) {
  std::set<std::string> machine_code;
  std::set<std::string> ptx;
  bool intermediate = false;
  for (const FatbinEntry& entry : entries) {
    if (entry.kind == FatbinEntry::Kind::Elf) machine_code.insert(fmt::format("sm_{}", entry.architecture));
    if (entry.kind == FatbinEntry::Kind::Ptx) ptx.insert(fmt::format("compute_{}", entry.architecture));
    if (entry.kind == FatbinEntry::Kind::LtoIr) intermediate = true;
  }
  std::vector<std::string> parts;
  if (!machine_code.empty())
    parts.push_back(fmt::format("machine code for {}", fmt::join(machine_code, ", ")));
  if (!ptx.empty()) parts.push_back(fmt::format("PTX for {}", fmt::join(ptx, ", ")));
  if (intermediate) parts.push_back("link-time intermediate code");
  return parts.empty() ? "nothing" : fmt::format("{}", fmt::join(parts, "; "));
}

}  // namespace doppel::driver
