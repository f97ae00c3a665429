// SPDX-License-Identifier: Apache-2.0
// Bits of a card's memory that somebody has turned (doppel inject), with ECC on: what its check bits find
// when the memory is read, and when it is written over before. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

namespace doppel::memory {

struct PlantedError {
  std::uint64_t serial = 0;   // of whoever planted it
  std::uint64_t address = 0;  // of the byte in which it is
  int bits = 1;               // one is corrected, two are not
};

class PlantedErrors {
 public:
  // What the check bits stand for, in bytes: a sector of the memory.
  static constexpr std::uint64_t kGranule = 32;

  enum class Fate : std::uint8_t { Corrected, Uncorrectable, Overwritten, Freed };
  using Listener = std::function<void(const PlantedError&, Fate)>;

  // Is told what becomes of each, on the thread that finds it out, with no lock held.
  void listen(Listener listener);
  void plant(const PlantedError& error);
  bool any() const { return count_.load(std::memory_order_acquire) != 0; }

  // Before these bytes are read. An error of one bit is corrected, and gone. Of those that cannot be
  // corrected, the first: it stays.
  std::optional<PlantedError> read(std::uint64_t address, std::uint64_t bytes);
  // Before they are written. A granule that has been written as a whole has no error any more.
  void write(std::uint64_t address, std::uint64_t bytes);
  // Nobody's memory any more.
  void forget(std::uint64_t address, std::uint64_t bytes);

 private:
  struct Entry {
    PlantedError error;
    std::uint64_t granule = 0;
    std::uint32_t written = 0;  // its bytes that have been since, a bit each
    bool told = false;          // of what cannot be corrected: once
  };
  bool near(std::uint64_t address, std::uint64_t bytes) const;
  void tell(const std::vector<PlantedError>& errors, Fate fate) const;
  mutable std::mutex mutex_;
  Listener listener_;
  std::vector<Entry> entries_;
  std::atomic<std::size_t> count_{0};
  // Around all that there ever were: for a quick look.
  std::atomic<std::uint64_t> low_{~std::uint64_t{0}}, high_{0};
};

}  // namespace doppel::memory
