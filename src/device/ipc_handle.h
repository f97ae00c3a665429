// SPDX-License-Identifier: Apache-2.0
// Handles by which one process finds what another one shares: a file without a name, which is opened by way
// of /proc/PID/fd. Plain data of at most 64 bytes; programs send them as they like.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

#include "support/result.h"

namespace doppel::device {

// A file of a process's, of which the number may be used again.
struct IpcFile {
  std::uint32_t magic = 0;  // tells a handle from other bytes
  std::int32_t process = 0;
  std::uint64_t started = 0;  // when the process was (node/process_life.h)
  std::int32_t descriptor = -1;
  std::uint32_t serial = 0;  // in the name of the file
  bool operator==(const IpcFile&) const = default;
  auto operator<=>(const IpcFile&) const = default;
};

struct IpcMemoryHandle {
  static constexpr std::uint32_t kMagic = 0x6d706c64;  // "dlpm", read as bytes
  IpcFile file;
  std::uint64_t offset = 0, bytes = 0;
  std::array<std::uint8_t, 16> card{};  // its UUID
};

struct IpcEventHandle {
  static constexpr std::uint32_t kMagic = 0x65706c64;  // "dlpe"
  IpcFile file;
};

inline constexpr std::size_t kIpcHandleBytes = 64;
static_assert(sizeof(IpcMemoryHandle) <= kIpcHandleBytes && sizeof(IpcEventHandle) <= kIpcHandleBytes);

// Of the calling process.
IpcFile own_ipc_file(std::uint32_t magic, int descriptor, std::uint32_t serial);
bool is_of_this_process(const IpcFile& file);
bool is_alive(const IpcFile& file);  // the process

// A descriptor of an open file, closed with it.
class OpenFile {
 public:
  explicit OpenFile(int descriptor) : descriptor_(descriptor) {}
  ~OpenFile();
  OpenFile(OpenFile&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int descriptor() const { return descriptor_; }
  std::uint64_t bytes() const;  // its length

 private:
  int descriptor_;
};

// serial_of(link): the serial number in the name of a file of that kind, or nothing. InvalidHandle: it is no
// handle of that kind, its process has ended, or what it stands for is gone.
Result<OpenFile> open_ipc_file(const IpcFile& file, std::uint32_t magic,
                               std::optional<std::uint32_t> (*serial_of)(std::string_view link));

}  // namespace doppel::device
