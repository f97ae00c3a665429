// SPDX-License-Identifier: Apache-2.0
// How much memory this host can still give. Linux grants more than it has and kills later; Doppel asks first.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

namespace doppel::memory {

struct HostMemory {
  std::uint64_t available = 0;  // bytes that can be touched before the host has none left
  std::string limited_by;       // "the host" or "the control group /..."
};

// Reads /proc and the process's control group.
HostMemory read_host_memory();
std::uint64_t resident_bytes();  // of this process

// Grants that together never exceed what the host can back, counting what was granted and not yet touched.
// One for the process.
class HostBudget {
 public:
  static HostBudget& instance();
  // True: granted. False: `reason` says what there is.
  bool grant(std::uint64_t bytes, std::string& reason);
  void give_back(std::uint64_t bytes);
  // Memory of the process that the host does not count as its own: in files that are not mapped just now.
  void set_hidden_bytes(std::uint64_t bytes);

 private:
  std::mutex mutex_;
  std::uint64_t hidden_ = 0;
  std::uint64_t granted_ = 0;
  std::uint64_t unchecked_ = 0;  // may be granted before the host is asked again
};

}  // namespace doppel::memory
