// SPDX-License-Identifier: Apache-2.0
// A pool of stream-ordered allocations.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>

#include "device/device.h"
#include "support/result.h"

namespace doppel::device {

class MemoryPool {
 public:
  explicit MemoryPool(Device& device) : device_(device) {}
  Device& device() const { return device_; }

  struct Usage {
    std::uint64_t used = 0, used_high = 0, reserved = 0, reserved_high = 0;
  };
  Usage usage() const;
  void reset_used_high();
  void reset_reserved_high();
  // Bytes kept when the program synchronises; kept as told, memory goes back to the card at once.
  std::uint64_t release_threshold() const { return release_threshold_; }
  void set_release_threshold(std::uint64_t bytes) { release_threshold_ = bytes; }
  bool reuse_follow_event_dependencies = true, reuse_allow_opportunistic = true,
       reuse_allow_internal_dependencies = true;
  void trim(std::uint64_t keep_bytes);

  // Of streams: memory at once; given back in stream order.
  Result<std::uint64_t> allocate(std::uint64_t bytes);
  Result<void> free(std::uint64_t address);

 private:
  Device& device_;
  mutable std::mutex mutex_;
  Usage usage_;
  std::uint64_t release_threshold_ = 0;
};

}  // namespace doppel::device
