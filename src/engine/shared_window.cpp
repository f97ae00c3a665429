// SPDX-License-Identifier: Apache-2.0
#include "engine/shared_window.h"

#include <sys/mman.h>

#include <cstring>

#include "jit/warp_abi.h"

namespace doppel::engine {
namespace {
constexpr std::size_t kPage = 4096;
constexpr std::size_t kReserved =
    jit::kSharedMarginBefore + jit::kSharedWindowBytes + jit::kSharedMarginBehind;
}  // namespace

SharedWindow::~SharedWindow() {
  if (base_ != nullptr) munmap(base_ - jit::kSharedMarginBefore, kReserved);
}

bool SharedWindow::fit(std::size_t bytes) {
  if (base_ == nullptr) {
    void* memory = mmap(nullptr, kReserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return false;
    base_ = static_cast<std::byte*>(memory) + jit::kSharedMarginBefore;
    if (mprotect(base_ + jit::kReservedSharedOffset, kPage, PROT_READ | PROT_WRITE) != 0) return false;
  }
  const std::size_t wanted = (bytes + kPage - 1) / kPage * kPage;
  if (wanted > accessible_ &&
      mprotect(base_ + accessible_, wanted - accessible_, PROT_READ | PROT_WRITE) != 0)
    return false;
  if (wanted < accessible_ && mprotect(base_ + wanted, accessible_ - wanted, PROT_NONE) != 0) return false;
  accessible_ = wanted;
  return true;
}

void SharedWindow::clear_reserved() {
  std::memset(base_ + jit::kReservedSharedOffset, 0, jit::kReservedSharedBytes);
}

}  // namespace doppel::engine
