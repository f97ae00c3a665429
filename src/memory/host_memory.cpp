// SPDX-License-Identifier: Apache-2.0
#include "memory/host_memory.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>

namespace doppel::memory {
namespace {

constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();
// What the process needs beside the buffers: left alone by every grant.
constexpr std::uint64_t kReserve = std::uint64_t{256} << 20;
// Small grants between two looks at the host.
constexpr std::uint64_t kUncheckedBytes = std::uint64_t{64} << 20;

std::uint64_t meminfo_available() {
  std::ifstream file("/proc/meminfo");
  std::string key;
  std::uint64_t kib = 0;
  std::uint64_t available = 0;
  bool found = false;
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    words >> key >> kib;
    if (key == "MemAvailable:") {
      available += kib << 10;
      found = true;
    } else if (key == "SwapFree:") {
      available += kib << 10;
    }
  }
  return found ? available : kNoLimit;
}

std::uint64_t read_number(const std::string& path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  return file >> value ? value : kNoLimit;  // "max" is no number
}

// The tightest limit among the process's control group and those above it.
void apply_control_groups(HostMemory& memory) {
  std::ifstream file("/proc/self/cgroup");
  std::string line;
  while (std::getline(file, line)) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool unified = controllers.empty();
    if (!unified && controllers != "memory") continue;
    const std::string root = unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory";
    const char* limit_name = unified ? "/memory.max" : "/memory.limit_in_bytes";
    const char* usage_name = unified ? "/memory.current" : "/memory.usage_in_bytes";
    for (std::string path = line.substr(second + 1);; path = path.substr(0, path.rfind('/'))) {
      const std::string folder = root + (path == "/" ? "" : path);
      const std::uint64_t limit = read_number(folder + limit_name);
      const std::uint64_t usage = read_number(folder + usage_name);
      if (limit != kNoLimit && usage != kNoLimit) {
        const std::uint64_t left = limit > usage ? limit - usage : 0;
        if (left < memory.available) memory = {left, "the control group " + folder};
      }
      if (path.empty() || path == "/") break;
    }
  }
}

}  // namespace

HostMemory read_host_memory() {
  HostMemory memory{meminfo_available(), "the host"};
  apply_control_groups(memory);
  return memory;
}

std::uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

HostBudget& HostBudget::instance() {
  static HostBudget budget;
  return budget;
}

bool HostBudget::grant(std::uint64_t bytes, std::string& reason) {
  const std::lock_guard lock(mutex_);
  if (bytes <= unchecked_) {
    unchecked_ -= bytes;
    granted_ += bytes;
    return true;
  }
  const HostMemory memory = read_host_memory();
  // Granted before and not touched yet: the host still counts it as available.
  const std::uint64_t resident = resident_bytes() + hidden_;
  const std::uint64_t untouched = granted_ > resident ? granted_ - resident : 0;
  const std::uint64_t usable = memory.available > kReserve ? memory.available - kReserve : 0;
  if (untouched > usable || bytes > usable - untouched) {
    reason = fmt::format("{} can give {} MiB more ({} MiB are promised to earlier allocations)",
                         memory.limited_by, usable >> 20, untouched >> 20);
    return false;
  }
  granted_ += bytes;
  unchecked_ = std::min(kUncheckedBytes, (usable - untouched - bytes) / 2);
  return true;
}

void HostBudget::set_hidden_bytes(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  hidden_ = bytes;
}

void HostBudget::give_back(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  granted_ -= std::min(granted_, bytes);
}

}  // namespace doppel::memory
