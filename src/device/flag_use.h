// SPDX-License-Identifier: Apache-2.0
// Memory by which operations of different streams, or the host, make each other wait: what one polls and what
// another writes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "device/argument_signature.h"
#include "device/prediction_cache.h"
#include "device/work.h"
#include "memory/address_space.h"
#include "timing/flag_accesses.h"

namespace doppel::device {

// Of one operation.
struct FlagUse {
  struct Range {
    std::uint64_t begin = 0, end = 0;  // addresses
    bool adds = false;                 // by atomics: others may have to add theirs, too
  };
  std::vector<Range> polled;     // it does not end before somebody has written there
  std::vector<Range> written;    // somebody may wait for it
  bool changed_on_host = false;  // memory of the host that it polled has changed since it was submitted

  bool empty() const { return polled.empty() && written.empty(); }
};

// Whether `writer` writes what `waiting` polls; null: not, else the place.
const FlagUse::Range* match(const FlagUse& waiting, const FlagUse& writer);

// Of what is no kernel; null: it neither waits nor writes.
std::shared_ptr<const FlagUse> flag_use(const Work& work);
// Of a launch. memory: of its card.
FlagUse flag_use(const timing::FlagAccesses& flags, const memory::AddressSpace& memory,
                 std::span<const engine::Peer> peers);

// What the launches of a program use, for those that are not traced: they do as the one before with the same
// arguments did. Thread-safe.
class KnownFlags {
 public:
  void note(const PredictionCache::Key& key, const ArgumentSignature& arguments, const FlagUse& use);
  FlagUse of(const PredictionCache::Key& key, const ArgumentSignature& arguments) const;

 private:
  // Places by the argument that points before them.
  struct Known {
    FlagUse use;
    std::vector<PointerArgument> pointers;
  };
  mutable std::mutex mutex_;
  std::map<std::pair<PredictionCache::Key, std::uint64_t>, Known> known_;
};

// What host memory, to which the arguments of a launch point, held when it was submitted.
class HostFlags {
 public:
  HostFlags() = default;
  HostFlags(const ArgumentSignature& arguments, const memory::AddressSpace& memory);
  // Whether one of the places has changed since.
  bool changed(std::span<const FlagUse::Range> places) const;

 private:
  struct Copy {
    std::uint64_t address = 0;
    std::vector<std::byte> bytes;
  };
  std::vector<Copy> copies_;
};

}  // namespace doppel::device
