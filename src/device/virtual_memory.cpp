// SPDX-License-Identifier: Apache-2.0
#include "device/virtual_memory.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>

#include "device/host_clock.h"
#include "device/platform.h"
#include "memory/address_space.h"

namespace doppel::device {

Result<std::shared_ptr<PhysicalMemory>> PhysicalMemory::create(Device& device, std::uint64_t bytes) {
  if (bytes == 0 || bytes % granularity() != 0) {
    return fail(
        Error::Kind::InvalidArgument,
        fmt::format("{} bytes are not a positive multiple of the granularity, {}", bytes, granularity()));
  }
  Platform& platform = device.platform();
  platform.clock().advance_us(platform.host().memory.allocation_us(bytes));
  if (auto charged = device.memory().charge(bytes); !charged) return tl::unexpected(charged.error());
  const int file = memfd_create("doppel-device-memory", MFD_CLOEXEC);
  if (file < 0 || ftruncate(file, static_cast<off_t>(bytes)) != 0) {
    const int error = errno;
    if (file >= 0) close(file);
    device.memory().refund(bytes);
    return fail(Error::Kind::OutOfMemory,
                fmt::format("the host refuses {} bytes: {}", bytes, std::strerror(error)));
  }
  return std::shared_ptr<PhysicalMemory>(new PhysicalMemory(device, bytes, file));
}

PhysicalMemory::~PhysicalMemory() {
  close(file_);
  device_.memory().refund(bytes_);
}

class VirtualMemory::Implementation {
 public:
  struct Mapping {
    std::uint64_t bytes = 0;
    std::shared_ptr<PhysicalMemory> memory;
    MemoryAccess access = MemoryAccess::None;
  };
  explicit Implementation(Device& the_device) : device(the_device) {}
  Device& device;
  std::mutex mutex;
  std::map<std::uint64_t, Mapping> mappings;

  std::map<std::uint64_t, Mapping>::iterator holding(std::uint64_t address) {
    auto found = mappings.upper_bound(address);
    if (found == mappings.begin()) return mappings.end();
    --found;
    return address < found->first + found->second.bytes ? found : mappings.end();
  }
};

VirtualMemory::VirtualMemory(Device& device) : implementation_(std::make_unique<Implementation>(device)) {}
VirtualMemory::~VirtualMemory() = default;

Result<std::uint64_t> VirtualMemory::reserve(std::uint64_t bytes, std::uint64_t alignment,
                                             std::uint64_t wanted) {
  return implementation_->device.memory().reserve(bytes, alignment, wanted);
}

Result<void> VirtualMemory::release(std::uint64_t address, std::uint64_t bytes) {
  const std::lock_guard lock(implementation_->mutex);
  const auto next = implementation_->mappings.lower_bound(address);
  if (next != implementation_->mappings.end() && next->first < address + bytes) {
    return fail(Error::Kind::InvalidArgument, fmt::format("memory is still mapped at {:#x}", next->first));
  }
  return implementation_->device.memory().release(address, bytes);
}

Result<void> VirtualMemory::map(std::uint64_t address, std::uint64_t bytes, std::uint64_t offset,
                                std::shared_ptr<PhysicalMemory> memory) {
  if (bytes == 0 || offset > memory->bytes() || bytes > memory->bytes() - offset) {
    return fail(Error::Kind::InvalidArgument,
                fmt::format("{} bytes from offset {} do not lie in a memory of {} bytes", bytes, offset,
                            memory->bytes()));
  }
  const std::lock_guard lock(implementation_->mutex);
  auto mapped = implementation_->device.memory().map(address, bytes, memory->file(), offset);
  if (mapped) implementation_->mappings[address] = {bytes, std::move(memory), MemoryAccess::None};
  return mapped;
}

Result<void> VirtualMemory::unmap(std::uint64_t address, std::uint64_t bytes) {
  const std::lock_guard lock(implementation_->mutex);
  auto unmapped = implementation_->device.memory().unmap(address, bytes);
  if (unmapped) {
    auto& mappings = implementation_->mappings;
    mappings.erase(mappings.lower_bound(address), mappings.lower_bound(address + bytes));
  }
  return unmapped;
}

Result<void> VirtualMemory::set_access(std::uint64_t address, std::uint64_t bytes, MemoryAccess access) {
  const std::lock_guard lock(implementation_->mutex);
  auto done = implementation_->device.memory().protect(address, bytes, access != MemoryAccess::None,
                                                       access == MemoryAccess::ReadWrite);
  if (done) {
    auto& mappings = implementation_->mappings;
    for (auto each = implementation_->holding(address);
         each != mappings.end() && each->first < address + bytes; ++each)
      each->second.access = access;
  }
  return done;
}

Result<MemoryAccess> VirtualMemory::access(std::uint64_t address) const {
  const std::lock_guard lock(implementation_->mutex);
  const auto found = implementation_->holding(address);
  if (found == implementation_->mappings.end())
    return fail(Error::Kind::InvalidArgument, fmt::format("nothing is mapped at {:#x}", address));
  return found->second.access;
}

std::shared_ptr<PhysicalMemory> VirtualMemory::mapped(std::uint64_t address) const {
  const std::lock_guard lock(implementation_->mutex);
  const auto found = implementation_->holding(address);
  return found == implementation_->mappings.end() ? nullptr : found->second.memory;
}

}  // namespace doppel::device
