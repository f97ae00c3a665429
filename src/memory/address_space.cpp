// SPDX-License-Identifier: Apache-2.0
#include "memory/address_space.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <deque>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <shared_mutex>

#include "memory/extent_allocator.h"
#include "memory/host_memory.h"

namespace doppel::memory {
namespace {

constexpr std::uint64_t kPage = 4096;
// What cuMemAlloc promises at least (CUDA C++ Programming Guide, "Device Memory Accesses").
constexpr std::uint64_t kMinAlignment = 256;
// Allocations of pages of their own take two of the kernel's memory maps at worst (vm.max_map_count is 65,530
// by default, and the program needs some).
constexpr std::size_t kMaxOfPages = 16384;
// Beyond that, allocations share chunks.
constexpr std::uint64_t kDenseChunk = std::uint64_t{64} << 20;
// Freed addresses are not used again until so many others, or so many bytes, were freed after them.
constexpr std::size_t kQuarantineEntries = 512;
constexpr std::uint64_t kQuarantineBytes = std::uint64_t{8} << 30;
constexpr std::size_t kRememberedFrees = 1024;
// A card maps its memory in pages of this size (facts of its driver: cuMemGetAllocationGranularity), so that
// an access a little beside an allocation does not fault there, nor here. --check tells allocations apart to
// the byte.
constexpr std::uint64_t kHugePage = std::uint64_t{2} << 20;
constexpr std::uint64_t kReservedBytes = kRangeBytes + 2 * kMarginBytes;
// Places that are tried for a card's range, before any that the host finds: another double of the process (or
// a sanitizer) may have the first. All of them are ThreadSanitizer's own.
#ifdef DOPPEL_TSAN
constexpr std::uint64_t kPlaces = 0;
#else
constexpr std::uint64_t kPlaces = 4;
#endif

std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) { return (value + unit - 1) / unit * unit; }

const char* maker(AllocationKind kind) {
  switch (kind) {
    case AllocationKind::Device:
      return "device memory";
    case AllocationKind::Pitched:
      return "pitched device memory";
    case AllocationKind::Managed:
      return "managed memory";
    case AllocationKind::Pool:
      return "stream-ordered memory";
    case AllocationKind::Mapped:
      return "mapped virtual memory";
    case AllocationKind::Heap:
      return "memory of the device heap";
    case AllocationKind::Symbol:
      return "a module's variable";
    case AllocationKind::Array:
      return "an array";
    case AllocationKind::Imported:
      return "another process's memory";
    case AllocationKind::HostPinned:
      return "pinned host memory";
    case AllocationKind::HostRegistered:
      return "registered host memory";
  }
  return "memory";
}

std::atomic<std::uint64_t> next_serial{1};

}  // namespace

class AddressSpace::Implementation {
 public:
  struct Block {
    Allocation allocation;
    std::uint64_t extent = 0;  // what it takes of the range, guard included
    std::uint64_t extent_bytes = 0;
    std::uint64_t pages = 0;  // first accessible page
    std::uint64_t pages_bytes = 0;
    bool dense = false;
  };

  std::uint64_t base = 0;
  std::uint64_t capacity = 0;
  std::atomic<std::uint64_t> used{0};
  std::uint64_t peak = 0;
  mutable std::shared_mutex mutex;
  ExtentAllocator device_extents, host_extents, dense_extents;
  std::map<std::uint64_t, Block> blocks;  // by address
  std::size_t of_pages = 0;
  // Allocations in each of the card's pages that several may share: those at an allocation's ends.
  std::map<std::uint64_t, std::size_t> shared_pages;
  struct Freed {
    Allocation allocation;
  };
  std::map<std::uint64_t, Allocation> freed;  // recently
  std::deque<std::uint64_t> freed_order;
  std::deque<std::pair<std::uint64_t, std::uint64_t>> quarantine;  // extents of the device part
  std::uint64_t quarantine_bytes = 0;
  std::map<std::uint64_t, std::uint64_t> reservations;
  bool watches_managed = false;
  std::set<std::uint64_t> managed;            // addresses of such allocations
  std::set<std::uint64_t> managed_variables;  // of these, modules'
  std::uint64_t managed_bytes = 0;
  std::unique_ptr<TouchedPages> touched;
  SharedPool* pool = nullptr;
  SharedPages shared_with_processes;
  PlantedErrors errors;
  std::atomic<std::size_t> of_other_cards{0};  // mappings

  ~Implementation() {
    if (base == 0) return;
    for (const auto& [address, block] : blocks) HostBudget::instance().give_back(block.allocation.size);
    munmap(reinterpret_cast<void*>(base - kMarginBytes), kReservedBytes);
  }

  Result<void> take_of_card(std::uint64_t bytes) {
    std::uint64_t free_bytes = capacity - used;
    if (bytes > free_bytes || (pool != nullptr && !pool->take(bytes, free_bytes))) {
      return fail(
          Error::Kind::OutOfMemory,
          fmt::format("{} bytes asked for, {} of the card's {} bytes are free", bytes, free_bytes, capacity));
    }
    used += bytes;
    return {};
  }

  void give_to_card(std::uint64_t bytes) {
    used -= bytes;
    if (pool != nullptr) pool->give_back(bytes);
  }

  static bool make_inaccessible(std::uint64_t address, std::uint64_t bytes) {
    // A fresh mapping gives pages and page tables back, and joins with its neighbours.
    return mmap(reinterpret_cast<void*>(address), bytes, PROT_NONE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) != MAP_FAILED;
  }

  static std::uint64_t first_page(std::uint64_t address) { return address / kHugePage * kHugePage; }

  // The card's pages that hold these bytes can be touched from here on ...
  bool open_pages(std::uint64_t start, std::uint64_t bytes) {
    const std::uint64_t first = first_page(start), last = first_page(start + bytes - 1);
    if (mprotect(reinterpret_cast<void*>(first), last + kHugePage - first, PROT_READ | PROT_WRITE) != 0)
      return false;
    ++shared_pages[first];
    if (last != first) ++shared_pages[last];
    return true;
  }

  // ... until no allocation is left in them. What is given up reads as zero next.
  void close_pages(std::uint64_t start, std::uint64_t bytes) {
    const std::uint64_t first = first_page(start), last = first_page(start + bytes - 1);
    std::uint64_t begin = first, end = last + kHugePage;
    const auto leave = [&](std::uint64_t page) {
      const auto found = shared_pages.find(page);
      if (--found->second != 0) return false;
      shared_pages.erase(found);
      return true;
    };
    const bool whole_first = leave(first);
    const bool whole_last = last == first ? whole_first : leave(last);
    if (!whole_first) begin = first + kHugePage;
    if (!whole_last) end = last;
    if (begin < end) make_inaccessible(begin, end - begin);
    const auto clear = [&](std::uint64_t from, std::uint64_t to) {
      if (from < to) madvise(reinterpret_cast<void*>(from), to - from, MADV_DONTNEED);
    };
    if (!whole_first) clear(start, std::min(start + bytes, first + kHugePage));
    if (!whole_last && last != first) clear(last, start + bytes);
  }

  std::optional<std::uint64_t> take_extent(ExtentAllocator& extents, std::uint64_t bytes,
                                           std::uint64_t alignment) {
    auto start = extents.take(bytes, alignment);
    while (!start && !quarantine.empty()) {
      leave_quarantine();
      start = extents.take(bytes, alignment);
    }
    return start;
  }

  void leave_quarantine() {
    const auto [start, bytes] = quarantine.front();
    quarantine.pop_front();
    quarantine_bytes -= bytes;
    device_extents.give_back(start, bytes);
  }

  void remember_freed(const Allocation& allocation) {
    freed[allocation.address] = allocation;
    freed_order.push_back(allocation.address);
    while (freed_order.size() > kRememberedFrees) {
      const auto found = freed.find(freed_order.front());
      // A newer entry at the same address has its own place in the order.
      if (found != freed.end() &&
          std::count(freed_order.begin(), freed_order.end(), freed_order.front()) == 1)
        freed.erase(found);
      freed_order.pop_front();
    }
  }

  Result<Block> take_pages(std::uint64_t bytes, std::uint64_t alignment, bool host) {
    Block block;
    const std::uint64_t page_alignment = std::max(alignment, bytes >= kHugePage ? kHugePage : kPage);
    // The end lies at a page's: of host memory, running over it is seen at once. The start only needs its
    // alignment.
    const std::uint64_t rounded = round_up(bytes, alignment);
    block.pages_bytes = round_up(rounded, kPage);
    block.extent_bytes = block.pages_bytes + kPage;
    const auto start = take_extent(host ? host_extents : device_extents, block.extent_bytes, page_alignment);
    if (!start) return fail(Error::Kind::OutOfMemory, "no address range of that size is left");
    block.extent = block.pages = *start;
    block.allocation.address = (block.pages + block.pages_bytes - rounded) & ~(alignment - 1);
    const bool opened =
        host ? mprotect(reinterpret_cast<void*>(block.pages), block.pages_bytes, PROT_READ | PROT_WRITE) == 0
             : open_pages(block.pages, block.pages_bytes);
    if (!opened) {
      const int error = errno;
      (host ? host_extents : device_extents).give_back(block.extent, block.extent_bytes);
      return fail(Error::Kind::OutOfMemory, fmt::format("the host refuses memory: {}", std::strerror(error)));
    }
    if (bytes >= 2 * kHugePage)
      madvise(reinterpret_cast<void*>(block.pages), block.pages_bytes, MADV_HUGEPAGE);
    ++of_pages;
    return block;
  }

  Result<Block> take_dense(std::uint64_t bytes, std::uint64_t alignment) {
    Block block;
    block.dense = true;
    block.extent_bytes = round_up(bytes, kMinAlignment);
    auto start = dense_extents.take(block.extent_bytes, alignment);
    if (!start) {
      const std::uint64_t chunk = round_up(std::max(kDenseChunk, block.extent_bytes + alignment), kPage);
      const auto made = take_extent(device_extents, chunk + kPage, kPage);
      if (!made) return fail(Error::Kind::OutOfMemory, "no address range of that size is left");
      if (!open_pages(*made, chunk)) {
        device_extents.give_back(*made, chunk + kPage);
        return fail(Error::Kind::OutOfMemory,
                    fmt::format("the host refuses memory: {}", std::strerror(errno)));
      }
      dense_extents.give_back(*made, chunk);
      start = dense_extents.take(block.extent_bytes, alignment);
    }
    block.extent = block.pages = *start;
    block.pages_bytes = block.extent_bytes;
    block.allocation.address = *start;
    return block;
  }

  Result<std::uint64_t> allocate(std::uint64_t bytes, std::uint64_t alignment, AllocationKind kind,
                                 std::string label, bool host) {
    if (bytes == 0) return fail(Error::Kind::InvalidArgument, "an allocation of 0 bytes");
    if ((alignment & (alignment - 1)) != 0)
      return fail(Error::Kind::InvalidArgument, fmt::format("alignment {} is not a power of two", alignment));
    alignment = std::max(alignment, kMinAlignment);
    const std::unique_lock lock(mutex);
    // Managed memory may be more than the card has: what is not in use lies with the host.
    const bool counts = !host && kind != AllocationKind::Managed;
    if (counts) {
      if (auto taken = take_of_card(bytes); !taken) return tl::unexpected(taken.error());
    }
    std::string reason;
    if (!HostBudget::instance().grant(bytes, reason)) {
      if (counts) give_to_card(bytes);
      return fail(Error::Kind::OutOfMemory, fmt::format("{} bytes asked for, but {}", bytes, reason));
    }
    Result<Block> block =
        of_pages < kMaxOfPages || host ? take_pages(bytes, alignment, host) : take_dense(bytes, alignment);
    if (!block) {
      HostBudget::instance().give_back(bytes);
      if (counts) give_to_card(bytes);
      return tl::unexpected(block.error());
    }
    block->allocation.size = bytes;
    block->allocation.kind = kind;
    block->allocation.serial = next_serial++;
    block->allocation.label = std::move(label);
    const std::uint64_t address = block->allocation.address;
    if (kind == AllocationKind::Managed) {
      if (watches_managed && !block->dense) touched->watch(block->pages, block->pages_bytes);
      managed.insert(address);
      if (!block->allocation.label.empty()) managed_variables.insert(address);
      managed_bytes += bytes;
    }
    blocks.emplace(address, std::move(*block));
    peak = std::max(peak, std::min(capacity, used + managed_bytes));
    return address;
  }

  void drop(std::map<std::uint64_t, Block>::iterator found, bool host) {
    const Block& block = found->second;
    HostBudget::instance().give_back(block.allocation.size);
    remember_freed(block.allocation);
    if (!host && block.allocation.kind != AllocationKind::Managed) give_to_card(block.allocation.size);
    if (block.allocation.kind == AllocationKind::Managed) {
      touched->forget(block.pages, block.pages_bytes);
      managed.erase(block.allocation.address);
      managed_variables.erase(block.allocation.address);
      managed_bytes -= block.allocation.size;
    }
    if (!host && !block.dense) shared_with_processes.forget(block.pages, block.pages_bytes);
    if (block.dense) {
      const std::uint64_t first = round_up(block.pages, kPage);
      const std::uint64_t last = (block.pages + block.pages_bytes) / kPage * kPage;
      if (last > first) madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
      dense_extents.give_back(block.extent, block.extent_bytes);
    } else {
      --of_pages;
      if (host) {
        make_inaccessible(block.pages, block.pages_bytes);
        host_extents.give_back(block.extent, block.extent_bytes);
      } else {
        close_pages(block.pages, block.pages_bytes);
        quarantine.emplace_back(block.extent, block.extent_bytes);
        quarantine_bytes += block.extent_bytes;
        while (quarantine.size() > kQuarantineEntries ||
               (quarantine_bytes > kQuarantineBytes && quarantine.size() > 1))
          leave_quarantine();
      }
    }
    blocks.erase(found);
  }

  const Block* holding(std::uint64_t address) const {
    auto found = blocks.upper_bound(address);
    if (found == blocks.begin()) return nullptr;
    --found;
    const Allocation& allocation = found->second.allocation;
    return address < allocation.address + allocation.size ? &found->second : nullptr;
  }

  Error not_an_allocation(std::uint64_t address) const {
    if (const Block* block = holding(address)) {
      return {Error::Kind::NotFound,
              fmt::format("{:#x} is inside of allocation #{}, {} bytes behind its start", address,
                          block->allocation.serial, address - block->allocation.address)};
    }
    if (const auto found = freed.find(address); found != freed.end()) {
      return {Error::Kind::NotFound,
              fmt::format("{:#x} was allocation #{}, which was freed before", address, found->second.serial)};
    }
    return {Error::Kind::NotFound, fmt::format("{:#x} is no allocation", address)};
  }
};

AddressSpace::AddressSpace() : implementation_(std::make_unique<Implementation>()) {}
AddressSpace::~AddressSpace() = default;

Result<std::unique_ptr<AddressSpace>> AddressSpace::create(unsigned ordinal, std::uint64_t capacity) {
  std::unique_ptr<AddressSpace> space(new AddressSpace);
  Implementation& self = *space->implementation_;
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  void* range = MAP_FAILED;
  for (std::uint64_t attempt = 0; attempt < kPlaces && range == MAP_FAILED; ++attempt) {
    const std::uint64_t wanted =
        (std::uint64_t{0x20} << 40) + (attempt * 16 + ordinal) * 2 * kRangeBytes - kMarginBytes;
    range =
        mmap(reinterpret_cast<void*>(wanted), kReservedBytes, PROT_NONE, flags | MAP_FIXED_NOREPLACE, -1, 0);
    if (range != MAP_FAILED &&
        range != reinterpret_cast<void*>(wanted)) {  // a kernel that does not know the flag
      munmap(range, kReservedBytes);
      range = MAP_FAILED;
    }
  }
  if (range == MAP_FAILED) range = mmap(nullptr, kReservedBytes, PROT_NONE, flags, -1, 0);
  if (range == MAP_FAILED) {
    return fail(Error::Kind::OutOfMemory,
                fmt::format("the host refuses to reserve {} GiB of addresses for the card's memory: {} (is "
                            "there a limit on virtual memory, ulimit -v?)",
                            kReservedBytes >> 30, std::strerror(errno)));
  }
  // Core files of the program do not need it.
  madvise(range, kReservedBytes, MADV_DONTDUMP);
  self.base = reinterpret_cast<std::uint64_t>(range) + kMarginBytes;
  self.capacity = capacity;
  self.touched = std::make_unique<TouchedPages>(self.base, kHostWindowOffset);
  // The first page stays unmapped, so that address `base` is never handed out.
  self.device_extents.add(self.base + kHugePage, kHostWindowOffset - kHugePage);
  self.host_extents.add(self.base + kHostWindowOffset, kRangeBytes - kHostWindowOffset);
  return space;
}

void AddressSpace::share(SharedPool* pool) { implementation_->pool = pool; }

std::uint64_t AddressSpace::base() const { return implementation_->base; }
std::uint64_t AddressSpace::capacity() const { return implementation_->capacity; }
std::uint64_t AddressSpace::used() const { return implementation_->used; }
std::uint64_t AddressSpace::peak() const {
  const std::shared_lock lock(implementation_->mutex);
  return implementation_->peak;
}

Result<std::uint64_t> AddressSpace::allocate(std::uint64_t bytes, std::uint64_t alignment,
                                             AllocationKind kind, std::string label) {
  return implementation_->allocate(bytes, alignment, kind, std::move(label), false);
}

Result<void> AddressSpace::free(std::uint64_t address) {
  Implementation& self = *implementation_;
  std::unique_lock lock(self.mutex);
  const auto found = self.blocks.find(address);
  if (found == self.blocks.end() || found->second.allocation.kind >= AllocationKind::Imported ||
      found->second.allocation.kind == AllocationKind::Mapped) {
    return tl::unexpected(self.not_an_allocation(address));
  }
  // Outside of the lock: who is told may ask this.
  const Allocation freed = found->second.allocation;
  self.drop(found, false);
  lock.unlock();
  self.errors.forget(freed.address, freed.size);
  return {};
}

PlantedErrors& AddressSpace::errors() const { return implementation_->errors; }

Result<std::uint64_t> AddressSpace::allocate_host(std::uint64_t bytes) {
  return implementation_->allocate(bytes, kPage, AllocationKind::HostPinned, {}, true);
}

Result<void> AddressSpace::free_host(std::uint64_t address) {
  Implementation& self = *implementation_;
  const std::unique_lock lock(self.mutex);
  const auto found = self.blocks.find(address);
  if (found == self.blocks.end() || found->second.allocation.kind != AllocationKind::HostPinned) {
    return tl::unexpected(self.not_an_allocation(address));
  }
  self.drop(found, true);
  return {};
}

Result<void> AddressSpace::register_host(std::uint64_t address, std::uint64_t bytes) {
  if (bytes == 0) return fail(Error::Kind::InvalidArgument, "0 bytes to register");
  Implementation& self = *implementation_;
  const std::unique_lock lock(self.mutex);
  const auto next = self.blocks.lower_bound(address);
  if (self.holding(address) != nullptr || (next != self.blocks.end() && next->first < address + bytes)) {
    return fail(Error::Kind::AlreadyDone,
                fmt::format("part of [{:#x}, {:#x}) is registered already", address, address + bytes));
  }
  Implementation::Block block;
  block.allocation = {address, bytes, AllocationKind::HostRegistered, next_serial++, {}};
  self.blocks.emplace(address, std::move(block));
  return {};
}

Result<void> AddressSpace::unregister_host(std::uint64_t address) {
  Implementation& self = *implementation_;
  const std::unique_lock lock(self.mutex);
  const auto found = self.blocks.find(address);
  if (found == self.blocks.end() || found->second.allocation.kind != AllocationKind::HostRegistered) {
    return fail(Error::Kind::NotEnabled, fmt::format("{:#x} is not registered", address));
  }
  self.blocks.erase(found);
  return {};
}

Result<std::uint64_t> AddressSpace::reserve(std::uint64_t bytes, std::uint64_t alignment,
                                            std::uint64_t wanted) {
  if (bytes == 0 || bytes % kPage != 0)
    return fail(Error::Kind::InvalidArgument,
                fmt::format("{} bytes are not a positive multiple of the page size", bytes));
  if (alignment == 0) alignment = kHugePage;
  if ((alignment & (alignment - 1)) != 0)
    return fail(Error::Kind::InvalidArgument, fmt::format("alignment {} is not a power of two", alignment));
  Implementation& self = *implementation_;
  const std::unique_lock lock(self.mutex);
  std::optional<std::uint64_t> start;
  // Pages of its own, of the card's size, and one that cannot be touched.
  const std::uint64_t extent = round_up(bytes + kPage, kHugePage);
  if (wanted != 0 && wanted % kHugePage == 0 && self.device_extents.take_at(wanted, extent)) start = wanted;
  if (!start) start = self.take_extent(self.device_extents, extent, std::max(alignment, kHugePage));
  if (!start)
    return fail(Error::Kind::OutOfMemory, fmt::format("no range of {} bytes is left to reserve", bytes));
  self.reservations.emplace(*start, bytes);
  return *start;
}

Result<void> AddressSpace::release(std::uint64_t address, std::uint64_t bytes) {
  Implementation& self = *implementation_;
  const std::unique_lock lock(self.mutex);
  const auto found = self.reservations.find(address);
  if (found == self.reservations.end() || found->second != bytes) {
    return fail(Error::Kind::NotFound,
                fmt::format("[{:#x}, {:#x}) is not a reserved range", address, address + bytes));
  }
  Implementation::make_inaccessible(address, bytes);
  self.device_extents.give_back(address, round_up(bytes + kPage, kHugePage));
  self.reservations.erase(found);
  return {};
}

Result<void> AddressSpace::map(std::uint64_t address, std::uint64_t bytes, int file, std::uint64_t offset,
                               int holder) {
  Implementation& self = *implementation_;
  const std::unique_lock lock(self.mutex);
  const auto behind = self.reservations.upper_bound(address);
  const auto reserved = behind == self.reservations.begin() ? behind : std::prev(behind);
  if (reserved == behind || address + bytes > reserved->first + reserved->second) {
    return fail(Error::Kind::InvalidArgument,
                fmt::format("[{:#x}, {:#x}) is not inside of a reserved range", address, address + bytes));
  }
  const auto next = self.blocks.lower_bound(address);
  if (self.holding(address) != nullptr || (next != self.blocks.end() && next->first < address + bytes)) {
    return fail(Error::Kind::AlreadyDone,
                fmt::format("part of [{:#x}, {:#x}) is mapped already", address, address + bytes));
  }
  if (mmap(reinterpret_cast<void*>(address), bytes, PROT_NONE, MAP_SHARED | MAP_FIXED, file,
           static_cast<off_t>(offset)) == MAP_FAILED) {
    return fail(Error::Kind::OutOfMemory,
                fmt::format("the host refuses the mapping: {}", std::strerror(errno)));
  }
  Implementation::Block block;
  block.allocation = {address, bytes, AllocationKind::Mapped, next_serial++, {}, holder};
  self.blocks.emplace(address, std::move(block));
  if (holder >= 0) ++self.of_other_cards;
  return {};
}

Result<void> AddressSpace::unmap(std::uint64_t address, std::uint64_t bytes) {
  Implementation& self = *implementation_;
  const std::unique_lock lock(self.mutex);
  // A call may cover several mappings, never part of one.
  std::uint64_t covered = address;
  auto found = self.blocks.find(address);
  for (; found != self.blocks.end() && found->first == covered &&
         found->second.allocation.kind == AllocationKind::Mapped && covered < address + bytes;
       ++found) {
    covered += found->second.allocation.size;
  }
  if (covered != address + bytes || bytes == 0) {
    return fail(Error::Kind::InvalidArgument,
                fmt::format("[{:#x}, {:#x}) is not made of whole mappings", address, address + bytes));
  }
  for (auto each = self.blocks.find(address); each != found;) {
    self.remember_freed(each->second.allocation);
    if (each->second.allocation.holder >= 0) --self.of_other_cards;
    each = self.blocks.erase(each);
  }
  Implementation::make_inaccessible(address, bytes);
  return {};
}

Result<void> AddressSpace::protect(std::uint64_t address, std::uint64_t bytes, bool readable, bool writable) {
  const int protection = (readable ? PROT_READ : 0) | (writable ? PROT_READ | PROT_WRITE : 0);
  const std::unique_lock lock(implementation_->mutex);
  for (std::uint64_t at = address; at < address + bytes;) {
    const Implementation::Block* block = implementation_->holding(at);
    if (block == nullptr)
      return fail(Error::Kind::InvalidArgument, fmt::format("nothing is mapped at {:#x}", at));
    at = block->allocation.address + block->allocation.size;
  }
  if (mprotect(reinterpret_cast<void*>(address), bytes, protection) != 0) {
    return fail(Error::Kind::InvalidArgument, fmt::format("access to [{:#x}, {:#x}) cannot be changed: {}",
                                                          address, address + bytes, std::strerror(errno)));
  }
  return {};
}

Result<AddressSpace::SharedPart> AddressSpace::share_allocation(std::uint64_t address) {
  Implementation& self = *implementation_;
  const std::unique_lock lock(self.mutex);
  const auto found = self.blocks.find(address);
  const auto is_of_card = [](AllocationKind kind) {
    return kind == AllocationKind::Device || kind == AllocationKind::Pitched;
  };
  if (found == self.blocks.end() || !is_of_card(found->second.allocation.kind))
    return fail(Error::Kind::NotFound, fmt::format("{:#x} is no start of device memory", address));
  const Implementation::Block& block = found->second;
  if (block.dense)
    return fail(Error::Kind::NotSupported,
                fmt::format("more than {} allocations: the later ones cannot be shared with other processes",
                            kMaxOfPages));
  const auto file = self.shared_with_processes.share(block.pages, block.pages_bytes);
  if (!file) return tl::unexpected(file.error());
  return SharedPart{*file, address - block.pages, block.allocation.size};
}

Result<std::uint64_t> AddressSpace::import(int file, std::uint64_t offset, std::uint64_t bytes) {
  Implementation& self = *implementation_;
  const std::unique_lock lock(self.mutex);
  const std::uint64_t pages_bytes = round_up(offset + bytes, kPage);
  // Pages of its own, of the card's size, and one that cannot be touched.
  const std::uint64_t extent = round_up(pages_bytes + kPage, kHugePage);
  const auto start = self.take_extent(self.device_extents, extent, kHugePage);
  if (!start) return fail(Error::Kind::OutOfMemory, "no address range of that size is left");
  if (mmap(reinterpret_cast<void*>(*start), pages_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file,
           0) == MAP_FAILED) {
    const int error = errno;
    Implementation::make_inaccessible(*start, pages_bytes);
    self.device_extents.give_back(*start, extent);
    return fail(Error::Kind::OutOfMemory,
                fmt::format("the host refuses the mapping: {}", std::strerror(error)));
  }
  Implementation::Block block;
  block.allocation = {*start + offset, bytes, AllocationKind::Imported, next_serial++, {}};
  block.extent = block.pages = *start;
  block.extent_bytes = extent;
  block.pages_bytes = pages_bytes;
  self.blocks.emplace(block.allocation.address, std::move(block));
  return *start + offset;
}

Result<void> AddressSpace::remove_import(std::uint64_t address) {
  Implementation& self = *implementation_;
  const std::unique_lock lock(self.mutex);
  const auto found = self.blocks.find(address);
  if (found == self.blocks.end() || found->second.allocation.kind != AllocationKind::Imported)
    return fail(Error::Kind::NotFound, fmt::format("{:#x} is no memory of another process", address));
  const Implementation::Block& block = found->second;
  self.remember_freed(block.allocation);
  Implementation::make_inaccessible(block.pages, block.pages_bytes);
  self.device_extents.give_back(block.extent, block.extent_bytes);
  self.blocks.erase(found);
  return {};
}

Result<void> AddressSpace::charge(std::uint64_t bytes) {
  Implementation& self = *implementation_;
  const std::unique_lock lock(self.mutex);
  if (auto taken = self.take_of_card(bytes); !taken) return taken;
  std::string reason;
  if (!HostBudget::instance().grant(bytes, reason)) {
    self.give_to_card(bytes);
    return fail(Error::Kind::OutOfMemory, fmt::format("{} bytes asked for, but {}", bytes, reason));
  }
  self.peak = std::max(self.peak, self.used.load());
  return {};
}

void AddressSpace::refund(std::uint64_t bytes) {
  const std::unique_lock lock(implementation_->mutex);
  implementation_->give_to_card(bytes);
  HostBudget::instance().give_back(bytes);
}

std::optional<Allocation> AddressSpace::find(std::uint64_t address) const {
  const std::shared_lock lock(implementation_->mutex);
  const Implementation::Block* block = implementation_->holding(address);
  if (block == nullptr) return std::nullopt;
  return block->allocation;
}

std::string AddressSpace::describe(std::uint64_t address) const {
  const Implementation& self = *implementation_;
  const std::shared_lock lock(self.mutex);
  const auto in_words = [](const Allocation& allocation) {
    const std::string name = allocation.label.empty() ? "" : " '" + allocation.label + "'";
    return fmt::format("the {}-byte allocation #{} at {:#x} ({}{})", allocation.size, allocation.serial,
                       allocation.address, maker(allocation.kind), name);
  };
  if (const auto* block = self.holding(address)) {
    return fmt::format("{} bytes into {}", address - block->allocation.address, in_words(block->allocation));
  }
  const Allocation* nearest = nullptr;
  std::uint64_t nearest_distance = 0;
  bool nearest_freed = false;
  const auto consider = [&](const Allocation& allocation, bool was_freed) {
    const std::uint64_t end = allocation.address + allocation.size;
    const std::uint64_t distance = address < allocation.address ? allocation.address - address
                                   : address >= end             ? address - end + 1
                                                                : 0;
    if (nearest == nullptr || distance < nearest_distance) {
      nearest = &allocation;
      nearest_distance = distance;
      nearest_freed = was_freed;
    }
  };
  const auto consider_around = [&](const auto& map, auto&& project, bool was_freed) {
    auto above = map.upper_bound(address);
    if (above != map.end()) consider(project(above->second), was_freed);
    if (above != map.begin()) consider(project((--above)->second), was_freed);
  };
  consider_around(self.freed, std::identity(), true);
  consider_around(
      self.blocks, [](const Implementation::Block& block) -> const Allocation& { return block.allocation; },
      false);
  if (nearest == nullptr) return "nothing is allocated";
  // A freed allocation is told only where the address was inside of it, or where it is clearly nearer than
  // any live one.
  const std::string freed_text = nearest_freed ? ", which was freed before" : "";
  if (nearest_distance == 0)
    return fmt::format("{} bytes into {}{}", address - nearest->address, in_words(*nearest), freed_text);
  const bool before = address < nearest->address;
  return fmt::format("{} bytes {} {}{}", before ? nearest_distance : nearest_distance - 1,
                     before ? "before" : "after the end of", in_words(*nearest), freed_text);
}

void AddressSpace::watch_managed() {
  const std::unique_lock lock(implementation_->mutex);
  implementation_->watches_managed = true;
}

bool AddressSpace::watches_managed() const {
  const std::shared_lock lock(implementation_->mutex);
  return implementation_->watches_managed;
}

TouchedPages& AddressSpace::touched() const { return *implementation_->touched; }

std::vector<std::uint64_t> AddressSpace::managed_variables() const {
  const Implementation& self = *implementation_;
  const std::shared_lock lock(self.mutex);
  return {self.managed_variables.begin(), self.managed_variables.end()};
}

std::optional<Allocation> AddressSpace::managed_from(std::uint64_t address) const {
  const Implementation& self = *implementation_;
  const std::shared_lock lock(self.mutex);
  if (const auto* block = self.holding(address);
      block != nullptr && block->allocation.kind == AllocationKind::Managed)
    return block->allocation;
  const auto next = self.managed.lower_bound(address);
  if (next == self.managed.end()) return std::nullopt;
  return self.blocks.at(*next).allocation;
}

bool AddressSpace::contains(std::uint64_t address) const {
  return address - implementation_->base < kRangeBytes;
}

int AddressSpace::other_holder(std::uint64_t address) const {
  const Implementation& self = *implementation_;
  if (self.of_other_cards == 0) return -1;
  const std::shared_lock lock(self.mutex);
  const Implementation::Block* block = self.holding(address);
  return block != nullptr ? block->allocation.holder : -1;
}

std::vector<Allocation> AddressSpace::live() const {
  const std::shared_lock lock(implementation_->mutex);
  std::vector<Allocation> all;
  all.reserve(implementation_->blocks.size());
  for (const auto& [address, block] : implementation_->blocks) all.push_back(block.allocation);
  return all;
}

}  // namespace doppel::memory
