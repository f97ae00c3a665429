// SPDX-License-Identifier: Apache-2.0
#include "device/flag_use.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <variant>

namespace doppel::device {
namespace {

constexpr std::uint64_t kSectorBytes = 32;
constexpr std::size_t kMostKnown = 1 << 16;
// From where an argument points on: flags and mailboxes are small, and stand where a pointer points.
constexpr std::uint64_t kMostCopied = 4096;

bool meet(const FlagUse::Range& a, const FlagUse::Range& b) { return a.begin < b.end && b.begin < a.end; }

FlagUse flag_use(const CopyWork& work) {
  const CopyWork::Side& to = work.destination;
  const std::uint64_t pitch = to.pitch != 0 ? to.pitch : work.width;
  const std::uint64_t slice = pitch * (to.slice_rows != 0 ? to.slice_rows : work.height);
  FlagUse use;
  if (work.width > 0 && work.height > 0 && work.depth > 0)
    use.written.push_back(
        {to.address, to.address + (work.depth - 1) * slice + (work.height - 1) * pitch + work.width});
  return use;
}

FlagUse flag_use(const MemsetWork& work) {
  const std::uint64_t row = work.width * work.element_bytes;
  FlagUse use;
  if (row > 0 && work.height > 0)
    use.written.push_back(
        {work.address, work.address + (work.height - 1) * (work.pitch != 0 ? work.pitch : row) + row});
  return use;
}

FlagUse flag_use(const ValueWork& work) {
  FlagUse use;
  for (const ValueWork::Step& step : work.steps) {
    const FlagUse::Range place{step.address, step.address + step.bytes};
    if (step.operation == ValueWork::Operation::Write) {
      use.written.push_back(place);
    } else if (step.operation != ValueWork::Operation::Barrier) {
      use.polled.push_back(place);
    }
  }
  return use;
}

void move(std::vector<FlagUse::Range>& ranges, std::span<const PointerArgument> from,
          std::span<const PointerArgument> to) {
  for (FlagUse::Range& range : ranges) {
    const PointerArgument* best = nullptr;
    for (const PointerArgument& each : from) {
      const bool inside = range.begin >= each.allocation && range.begin < each.allocation_end;
      if (inside && each.address <= range.begin && (best == nullptr || each.address > best->address))
        best = &each;
    }
    if (best == nullptr) continue;
    const auto other = std::ranges::find(to, best->offset, &PointerArgument::offset);
    if (other == to.end()) continue;
    range.begin += other->address - best->address;
    range.end += other->address - best->address;
  }
}

}  // namespace

const FlagUse::Range* match(const FlagUse& waiting, const FlagUse& writer) {
  for (const FlagUse::Range& written : writer.written) {
    if (std::ranges::any_of(waiting.polled, [&](const auto& polled) { return meet(polled, written); }))
      return &written;
  }
  return nullptr;
}

std::shared_ptr<const FlagUse> flag_use(const Work& work) {
  FlagUse use;
  if (const auto* copy = std::get_if<CopyWork>(&work)) {
    use = flag_use(*copy);
  } else if (const auto* memset = std::get_if<MemsetWork>(&work)) {
    use = flag_use(*memset);
  } else if (const auto* values = std::get_if<ValueWork>(&work)) {
    use = flag_use(*values);
  }
  return use.empty() ? nullptr : std::make_shared<const FlagUse>(std::move(use));
}

namespace {

// Where a sector of a trace lies; nothing where the trace does not tell the whole address.
std::optional<std::uint64_t> address_of(std::uint64_t sector, const memory::AddressSpace& memory,
                                        std::span<const engine::Peer> peers) {
  if (sector < analysis::kFirstForeignSector) return memory.base() + sector * kSectorBytes;
  for (const engine::Peer& peer : peers) {
    const std::uint64_t behind = sector - peer.first_sector();
    if (behind < analysis::kSectorsOfPeer) return peer.base + behind * kSectorBytes;
  }
  return std::nullopt;
}

}  // namespace

FlagUse flag_use(const timing::FlagAccesses& flags, const memory::AddressSpace& memory,
                 std::span<const engine::Peer> peers) {
  FlagUse use;
  const auto add = [&](std::vector<FlagUse::Range>& to, const std::vector<std::uint64_t>& sectors) {
    for (const std::uint64_t sector : sectors) {
      if (const auto address = address_of(sector, memory, peers))
        to.push_back({*address, *address + kSectorBytes, std::ranges::binary_search(flags.added, sector)});
    }
  };
  add(use.polled, flags.polled);
  add(use.written, flags.written);
  return use;
}

void KnownFlags::note(const PredictionCache::Key& key, const ArgumentSignature& arguments,
                      const FlagUse& use) {
  const std::lock_guard lock(mutex_);
  if (known_.size() >= kMostKnown) known_.clear();
  known_[{key, arguments.value}] = {use, arguments.pointers};
}

FlagUse KnownFlags::of(const PredictionCache::Key& key, const ArgumentSignature& arguments) const {
  const std::lock_guard lock(mutex_);
  const auto known = known_.find({key, arguments.value});
  if (known == known_.end()) return {};
  FlagUse use = known->second.use;
  move(use.polled, known->second.pointers, arguments.pointers);
  move(use.written, known->second.pointers, arguments.pointers);
  return use;
}

namespace {

// The program may write there meanwhile: each byte is read once, as it was before or is after. That is what
// is asked for, so ThreadSanitizer need not say it.
#if defined(__clang__)
__attribute__((no_sanitize("thread")))
#endif
bool differ(std::uint64_t address, std::span<const std::byte> bytes) {
  const volatile auto* const now = reinterpret_cast<const volatile std::byte*>(address);
  const std::byte* const before = bytes.data();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (now[i] != before[i]) return true;
  }
  return false;
}

}  // namespace

HostFlags::HostFlags(const ArgumentSignature& arguments, const memory::AddressSpace& memory) {
  for (const PointerArgument& each : arguments.pointers) {
    const auto allocation = memory.find(each.address);
    if (!allocation || (allocation->kind != memory::AllocationKind::HostPinned &&
                        allocation->kind != memory::AllocationKind::Managed))
      continue;
    // Whole sectors, as traces have them.
    const std::uint64_t begin = each.address / kSectorBytes * kSectorBytes;
    const std::uint64_t end = std::min(each.allocation_end, begin + kMostCopied);
    Copy copy{begin, std::vector<std::byte>(end - begin)};
    std::memcpy(copy.bytes.data(), reinterpret_cast<const void*>(begin), copy.bytes.size());
    copies_.push_back(std::move(copy));
  }
}

bool HostFlags::changed(std::span<const FlagUse::Range> places) const {
  return std::ranges::any_of(copies_, [&](const Copy& copy) {
    return std::ranges::any_of(places, [&](const FlagUse::Range& place) {
      const std::uint64_t begin = std::max(place.begin, copy.address);
      const std::uint64_t end = std::min(place.end, copy.address + copy.bytes.size());
      return begin < end && differ(begin, std::span(copy.bytes).subspan(begin - copy.address, end - begin));
    });
  });
}

}  // namespace doppel::device
