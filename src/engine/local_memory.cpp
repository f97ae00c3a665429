#include "engine/local_memory.h"

#include <sys/mman.h>

namespace doppel::engine {

LocalMemory::~LocalMemory() {
  if (base_ != nullptr) munmap(base_, bytes_);
}

bool LocalMemory::grow(std::size_t bytes) {
  constexpr std::size_t kPage = 4096;
  const std::size_t rounded = (bytes + kPage - 1) / kPage * kPage;
  void* memory =
      mmap(nullptr, rounded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return false;
  if (base_ != nullptr) munmap(base_, bytes_);
  base_ = static_cast<std::byte*>(memory);
  bytes_ = rounded;
  return true;
}

}  // namespace doppel::engine
