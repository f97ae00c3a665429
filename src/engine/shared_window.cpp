// SPDX-License-Identifier: Apache-2.0
#include "engine/shared_window.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "jit/warp_abi.h"

namespace doppel::engine {
namespace {
constexpr std::size_t kPage = 4096;
constexpr std::size_t kReserved =
    jit::kSharedMarginBefore + jit::kSharedWindowBytes + jit::kSharedMarginBehind;

constexpr std::size_t pages_of(std::size_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }

}  // namespace

SharedWindow::~SharedWindow() {
  if (base_ != nullptr) munmap(base_ - jit::kSharedMarginBefore, kReserved);
}

bool SharedWindow::reserve() {
  if (base_ != nullptr) return true;
  void* memory = mmap(nullptr, kReserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return false;
  base_ = static_cast<std::byte*>(memory) + jit::kSharedMarginBefore;
  return mprotect(base_ + jit::kReservedSharedOffset, kPage, PROT_READ | PROT_WRITE) == 0;
}

bool SharedWindow::fit(std::size_t bytes) {
  if (!reserve()) return false;
  const std::size_t wanted = pages_of(bytes);
  if (wanted > accessible_ &&
      mprotect(base_ + accessible_, wanted - accessible_, PROT_READ | PROT_WRITE) != 0)
    return false;
  if (wanted < accessible_ && mprotect(base_ + wanted, accessible_ - wanted, PROT_NONE) != 0) return false;
  accessible_ = wanted;
  return true;
}

bool SharedWindow::join(std::span<SharedWindow* const> windows, std::size_t bytes) {
  const std::size_t each = pages_of(std::max<std::size_t>(bytes, 1));
  const int memory = memfd_create("doppel-cluster", MFD_CLOEXEC);
  if (memory < 0) return false;
  bool done = ftruncate(memory, static_cast<off_t>(each * windows.size())) == 0;
  const auto show = [&](const SharedWindow& window, std::size_t rank, std::size_t offset) {
    void* const wanted = window.base_ + offset;
    return mmap(wanted, each, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, memory,
                static_cast<off_t>(each * rank)) == wanted;
  };
  for (std::size_t own = 0; own < windows.size() && done; ++own) {
    SharedWindow& window = *windows[own];
    done = window.reserve() && show(window, own, 0);
    for (std::size_t rank = 0; rank < windows.size() && done; ++rank)
      done = show(window, rank, (rank + 1) << jit::kClusterRankShift);
    if (done) window.accessible_ = each;
  }
  close(memory);
  return done;
}

void SharedWindow::clear_reserved() {
  std::memset(base_ + jit::kReservedSharedOffset, 0, jit::kReservedSharedBytes);
}

}  // namespace doppel::engine
