// SPDX-License-Identifier: Apache-2.0
// Explicit virtual memory: address ranges reserved apart from the memory mapped into them.
#pragma once

#include <cstdint>
#include <memory>

#include "device/device.h"
#include "support/result.h"

namespace doppel::device {

// Memory of a card without an address. The same may be mapped at several addresses.
class PhysicalMemory {
 public:
  // bytes: a multiple of granularity().
  static Result<std::shared_ptr<PhysicalMemory>> create(Device& device, std::uint64_t bytes,
                                                        bool shareable = false);
  // Of another process, or this one: a file that share() gave, which stays the caller's. InvalidArgument: it
  // is none. InvalidHandle: of a card that this process does not have. Counted by who made it.
  static Result<std::shared_ptr<PhysicalMemory>> import(Platform& platform, int file);
  ~PhysicalMemory();
  // A descriptor for the caller to close. InvalidArgument: it was not made to be shared.
  Result<int> share() const;
  bool is_shareable() const { return shareable_; }
  static constexpr std::uint64_t granularity() { return std::uint64_t{2} << 20; }
  Device& device() const { return device_; }
  std::uint64_t bytes() const { return bytes_; }
  int file() const { return file_; }

 private:
  PhysicalMemory(Device& device, std::uint64_t bytes, int file, bool shareable, bool counted)
      : device_(device), bytes_(bytes), file_(file), shareable_(shareable), counted_(counted) {}
  Device& device_;
  std::uint64_t bytes_;
  int file_;
  bool shareable_;
  bool counted_;
};

enum class MemoryAccess : std::uint8_t { None, Read, ReadWrite };

class VirtualMemory {
 public:
  explicit VirtualMemory(Device& device);
  ~VirtualMemory();
  Result<std::uint64_t> reserve(std::uint64_t bytes, std::uint64_t alignment, std::uint64_t wanted_address);
  Result<void> release(std::uint64_t address, std::uint64_t bytes);
  Result<void> map(std::uint64_t address, std::uint64_t bytes, std::uint64_t offset,
                   std::shared_ptr<PhysicalMemory> memory);
  Result<void> unmap(std::uint64_t address, std::uint64_t bytes);
  Result<void> set_access(std::uint64_t address, std::uint64_t bytes, MemoryAccess access);
  Result<MemoryAccess> access(std::uint64_t address) const;
  std::shared_ptr<PhysicalMemory> mapped(std::uint64_t address) const;  // null: none

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace doppel::device
