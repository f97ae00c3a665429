// SPDX-License-Identifier: Apache-2.0
#include "engine/local_memory.h"

#include <sys/mman.h>

namespace doppel::engine {
namespace {
constexpr std::size_t kPage = 4096;
}

LocalMemory::~LocalMemory() {
  if (base_ != nullptr) munmap(base_, bytes_ + kPage);
}

bool LocalMemory::grow(std::size_t bytes) {
  const std::size_t rounded = (bytes + kPage - 1) / kPage * kPage;
  void* memory = mmap(nullptr, rounded + kPage, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return false;
  // What the runtime reads of it (a string to its end) stops here.
  mprotect(static_cast<std::byte*>(memory) + rounded, kPage, PROT_NONE);
  if (base_ != nullptr) munmap(base_, bytes_ + kPage);
  base_ = static_cast<std::byte*>(memory);
  bytes_ = rounded;
  return true;
}

}  // namespace doppel::engine
