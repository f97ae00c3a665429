// SPDX-License-Identifier: Apache-2.0
#include "device/virtual_memory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "device/host_clock.h"
#include "device/platform.h"
#include "memory/address_space.h"

namespace doppel::device {

namespace {

constexpr std::string_view kLinkPrefix = "/memfd:", kName = "doppel-card-";

// The name of a file that holds memory of a card: which one, in every process.
std::string name_for(const Device& device) {
  std::string name(kName);
  for (const std::uint8_t byte : device.uuid()) name += fmt::format("{:02x}", byte);
  return name;
}

}  // namespace

Result<std::shared_ptr<PhysicalMemory>> PhysicalMemory::create(Device& device, std::uint64_t bytes,
                                                               bool shareable) {
  if (bytes == 0 || bytes % granularity() != 0) {
    return fail(
        Error::Kind::InvalidArgument,
        fmt::format("{} bytes are not a positive multiple of the granularity, {}", bytes, granularity()));
  }
  Platform& platform = device.platform();
  platform.clock().advance_us(platform.host().memory.allocation_us(bytes));
  if (auto charged = device.memory().charge(bytes); !charged) return tl::unexpected(charged.error());
  const int file = memfd_create(name_for(device).c_str(), MFD_CLOEXEC);
  if (file < 0 || ftruncate(file, static_cast<off_t>(bytes)) != 0) {
    const int error = errno;
    if (file >= 0) close(file);
    device.memory().refund(bytes);
    return fail(Error::Kind::OutOfMemory,
                fmt::format("the host refuses {} bytes: {}", bytes, std::strerror(error)));
  }
  return std::shared_ptr<PhysicalMemory>(new PhysicalMemory(device, bytes, file, shareable, true));
}

Result<std::shared_ptr<PhysicalMemory>> PhysicalMemory::import(Platform& platform, int file) {
  std::array<char, 128> link{};
  const ssize_t length = readlink(fmt::format("/proc/self/fd/{}", file).c_str(), link.data(), link.size());
  std::string_view name(link.data(), static_cast<std::size_t>(std::max<ssize_t>(0, length)));
  struct stat status{};
  if (!name.starts_with(kLinkPrefix) || !name.substr(kLinkPrefix.size()).starts_with(kName) ||
      fstat(file, &status) != 0)
    return fail(Error::Kind::InvalidArgument,
                fmt::format("{} is no file descriptor of a card's memory", file));
  name.remove_prefix(kLinkPrefix.size());
  name = name.substr(0, name.find(' '));  // " (deleted)"
  for (int i = 0; i < platform.device_count(); ++i) {
    Device& device = platform.device(i);
    if (name != name_for(device)) continue;
    const int own = fcntl(file, F_DUPFD_CLOEXEC, 0);
    if (own < 0)
      return fail(Error::Kind::OutOfMemory,
                  fmt::format("the host refuses a file descriptor: {}", std::strerror(errno)));
    return std::shared_ptr<PhysicalMemory>(
        new PhysicalMemory(device, static_cast<std::uint64_t>(status.st_size), own, true, false));
  }
  return fail(Error::Kind::InvalidHandle, "the memory is of a card that this process does not have");
}

Result<int> PhysicalMemory::share() const {
  if (!shareable_)
    return fail(Error::Kind::InvalidArgument, "the memory was not made to be shared by file descriptors");
  const int copy = fcntl(file_, F_DUPFD_CLOEXEC, 0);
  if (copy < 0)
    return fail(Error::Kind::OutOfMemory,
                fmt::format("the host refuses a file descriptor: {}", std::strerror(errno)));
  return copy;
}

PhysicalMemory::~PhysicalMemory() {
  close(file_);
  if (counted_) device_.memory().refund(bytes_);
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
  const int holder = &memory->device() != &implementation_->device ? memory->device().ordinal() : -1;
  auto mapped = implementation_->device.memory().map(address, bytes, memory->file(), offset, holder);
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
