// SPDX-License-Identifier: Apache-2.0
// Pages of a card's memory that other processes can map: they lie in files without names (memfd), which a
// process opens by way of /proc/PID/fd. Memory is private until somebody asks to share it; its pages are then
// moved into a file, while kernels and copies may be using them: who writes there meanwhile faults, and goes
// on when the pages are there (moved_meanwhile()).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

#include "support/result.h"

namespace doppel::memory {

// The file of neighbouring pages.
struct SharedFile {
  int descriptor = -1;
  std::uint32_t serial = 0;  // tells it from others of the process that had the descriptor before
};
// The serial number in the name of such a file, as /proc/PID/fd/N has it; nothing of another file's.
std::optional<std::uint32_t> serial_of_shared_file(std::string_view link);

class SharedPages {
 public:
  SharedPages() = default;
  ~SharedPages();
  SharedPages(const SharedPages&) = delete;
  SharedPages& operator=(const SharedPages&) = delete;

  // Of whole pages of the host's, which can be read and written, always the same together. OutOfMemory: the
  // host refuses.
  Result<SharedFile> share(std::uint64_t begin, std::uint64_t bytes);
  // They are private memory again, with nothing in it; no effect on what is not shared. Other processes that
  // have mapped them keep what they have.
  void forget(std::uint64_t begin, std::uint64_t bytes);

 private:
  std::map<std::uint64_t, SharedFile> files_;  // by their begin
};

// Called by a handler of SIGSEGV before anything else. True: pages were being moved, or have been since the
// thread last asked, and the access may succeed now. Async-signal-safe.
bool moved_meanwhile();

}  // namespace doppel::memory
