// SPDX-License-Identifier: Apache-2.0
// The memory of one double: a reserved range of host addresses, so that a device pointer is a host pointer.
//
// Only the card's pages of 2 MiB in which something is allocated can be touched; the host gives memory when
// it is first touched. The range starts at a fixed address for each device ordinal, so that addresses (and
// with them predictions) repeat.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "memory/planted_errors.h"
#include "memory/shared_pages.h"
#include "memory/touched_pages.h"
#include "support/result.h"

namespace doppel::memory {

enum class AllocationKind : std::uint8_t {
  Device,
  Pitched,
  Managed,
  Pool,
  Mapped,
  Heap,
  Symbol,
  Array,
  Imported,
  HostPinned,
  HostRegistered,
};

// Pinned host memory lies this far and more behind base(): so that its addresses repeat too, and that a trace
// tells it from the card's.
inline constexpr std::uint64_t kHostWindowOffset = std::uint64_t{1} << 39;
inline constexpr std::uint64_t kRangeBytes = std::uint64_t{1} << 40;
// Before and behind the range, so many bytes can never be touched: code that has tested an address need not
// test those near it.
inline constexpr std::uint64_t kMarginBytes = std::uint64_t{64} << 30;

struct Allocation {
  std::uint64_t address = 0;
  std::uint64_t size = 0;  // as asked for, in bytes
  AllocationKind kind = AllocationKind::Device;
  std::uint64_t serial = 0;  // 1 for the first of the process: "allocation #3"
  std::string label;         // the variable's name for Symbol
  int holder = -1;           // of Mapped: the card whose memory it is, by ordinal, where that is another one
};

// What a card's memory is taken from where other processes take from it, too.
class SharedPool {
 public:
  virtual ~SharedPool() = default;
  // False: so many are not free, and nothing was taken; `free_bytes` says how many are.
  virtual bool take(std::uint64_t bytes, std::uint64_t& free_bytes) = 0;
  virtual void give_back(std::uint64_t bytes) = 0;
  virtual std::uint64_t taken_by_others() = 0;
};

class AddressSpace {
 public:
  // capacity: of the card in bytes. Fails with OutOfMemory where the host refuses to reserve the range.
  static Result<std::unique_ptr<AddressSpace>> create(unsigned ordinal, std::uint64_t capacity);
  ~AddressSpace();

  // Before the first allocation: what is allocated from here on is also taken from the pool, which outlives
  // this.
  void share(SharedPool* pool);

  std::uint64_t base() const;  // of the reserved range
  std::uint64_t capacity() const;
  // Bytes allocated now, as the card counts them. Managed memory takes the card's where its pages are there,
  // which is not known here.
  std::uint64_t used() const;
  std::uint64_t peak() const;

  // Zero size is InvalidArgument; more than the card has left, or than the host can back, is OutOfMemory and
  // says which.
  Result<std::uint64_t> allocate(std::uint64_t bytes, std::uint64_t alignment, AllocationKind kind,
                                 std::string label = {});
  // NotFound where address is not the start of a live allocation; the message tells what it is (freed before,
  // inside of #n).
  Result<void> free(std::uint64_t address);

  // Host memory the card may reach: pinned by the double, or the program's own, registered. Not counted
  // against the capacity.
  Result<std::uint64_t> allocate_host(std::uint64_t bytes);
  Result<void> free_host(std::uint64_t address);
  Result<void> register_host(std::uint64_t address, std::uint64_t bytes);
  Result<void> unregister_host(std::uint64_t address);

  // Explicit virtual memory. A reserved range can not be touched until a file is mapped into it. wanted: 0,
  // or the address to try first.
  Result<std::uint64_t> reserve(std::uint64_t bytes, std::uint64_t alignment, std::uint64_t wanted);
  Result<void> release(std::uint64_t address,
                       std::uint64_t bytes);  // NotFound where it is not a reserved range
  // Not accessible yet. holder: as in Allocation.
  Result<void> map(std::uint64_t address, std::uint64_t bytes, int file, std::uint64_t offset,
                   int holder = -1);
  Result<void> unmap(std::uint64_t address, std::uint64_t bytes);
  Result<void> protect(std::uint64_t address, std::uint64_t bytes, bool readable, bool writable);
  // Memory that processes share. What an allocation of the card's lies in, from now on; `offset` is that of
  // its start. NotFound: it is no start of an allocation. NotSupported: of one that has no pages of its own.
  struct SharedPart {
    SharedFile file;
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;  // of the allocation
  };
  Result<SharedPart> share_allocation(std::uint64_t address);
  // Maps such a part of another process, whose file the caller has opened: not counted here. It stays what it
  // is when the other one frees it, or ends.
  Result<std::uint64_t> import(int file, std::uint64_t offset, std::uint64_t bytes);
  Result<void> remove_import(std::uint64_t address);  // NotFound

  // Memory of the card without an address: counted, and OutOfMemory as for allocate().
  Result<void> charge(std::uint64_t bytes);
  void refund(std::uint64_t bytes);

  // The allocation that holds the byte, live ones only.
  std::optional<Allocation> find(std::uint64_t address) const;
  // For reports: the nearest live or recently freed allocation in words, with the distance.
  std::string describe(std::uint64_t address) const;
  bool contains(std::uint64_t address) const;  // inside the range of kRangeBytes
  // The other card whose memory is mapped there; -1: it is this one's, as nearly always.
  int other_holder(std::uint64_t address) const;

  std::vector<Allocation> live() const;
  // Errors that were planted in it; those in memory that is freed are gone.
  PlantedErrors& errors() const;

  // Managed memory that is allocated from now on tells which of its pages the program touches (as far as the
  // host can tell: a few allocations too many, and none is told of).
  void watch_managed();
  bool watches_managed() const;
  TouchedPages& touched() const;
  std::vector<std::uint64_t> managed_variables() const;  // of modules
  // The managed allocation that holds the byte, else the next one behind it.
  std::optional<Allocation> managed_from(std::uint64_t address) const;

 private:
  AddressSpace();
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace doppel::memory
