// SPDX-License-Identifier: Apache-2.0
// Shared memory of a resident block: 4 GiB of addresses with margins around, of which only the block's bytes
// can be touched, so that any 32-bit offset beyond them is a page fault, with its sign or without.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "jit/warp_abi.h"

namespace doppel::engine {

class SharedWindow {
 public:
  SharedWindow() = default;
  ~SharedWindow();
  SharedWindow(const SharedWindow&) = delete;
  SharedWindow& operator=(const SharedWindow&) = delete;

  // Makes exactly the pages of `bytes` accessible, and the reserved part (jit::kReservedSharedOffset). False:
  // the host refuses.
  bool fit(std::size_t bytes);
  // In place of fit(): so many bytes of each, and those of all, by rank, in the window of each (see
  // jit::kClusterRankShift).
  static bool join(std::span<SharedWindow* const> windows, std::size_t bytes);
  void clear_reserved();
  std::byte* base() const { return base_; }
  bool contains(std::uint64_t address) const {
    return address - reinterpret_cast<std::uint64_t>(base_) < kBytes;
  }
  static constexpr std::uint64_t kBytes = jit::kSharedWindowBytes;

 private:
  bool reserve();
  std::byte* base_ = nullptr;
  std::size_t accessible_ = 0;
};

}  // namespace doppel::engine
