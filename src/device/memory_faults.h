// SPDX-License-Identifier: Apache-2.0
// Errors that somebody plants in a card's memory through the node (doppel inject): taken up here, found by
// what reads them, and told to the node.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include "node/layout.h"

namespace doppel::device {

class Context;
class Device;
class NodeReport;
class Platform;

class MemoryFaults {
 public:
  // node: null where nobody can plant any.
  MemoryFaults(Device& device, NodeReport* node);

  // Before an operation of this process touches the card's memory: takes up what was planted meanwhile.
  void look();
  // The same before a kernel, which counts.
  void begin_launch();

  // Before a copy or fill touches these bytes, of whichever card. False: what it reads cannot be corrected;
  // the context has ended.
  static bool may_read(Context& context, std::uint64_t address, std::uint64_t bytes);
  static void writes(const Platform& platform, std::uint64_t address, std::uint64_t bytes);
  // Whether some card's memory has errors, and what an access finds (engine::Launch::finds_error).
  static bool any(const Platform& platform);
  static bool finds(const Platform& platform, std::uint64_t address, std::uint64_t bytes, bool store);

 private:
  void take_up();
  void plant(const node::ErrorEntry& entry);
  // An address of one of the program's allocations; 0: it has none.
  std::uint64_t random_address(std::uint64_t seed) const;
  Device& device_;
  NodeReport* node_;
  std::mutex mutex_;
  std::atomic<std::uint64_t> seen_{0}, launches_{0};
  std::atomic<bool> waits_{false};  // one waits for a later kernel
};

}  // namespace doppel::device
