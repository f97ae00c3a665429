// SPDX-License-Identifier: Apache-2.0
#include "engine/mbarrier.h"

namespace doppel::engine {
namespace {

// From bit 0 on: pending, expected, tx with its sign, and the phase in the highest one.
constexpr unsigned kCountBits = 20, kTxBits = 21, kPhaseBit = 63;
constexpr std::uint64_t kCounts = (std::uint64_t{1} << kCountBits) - 1;
constexpr std::uint64_t kTx = (std::uint64_t{1} << kTxBits) - 1;

}  // namespace

Mbarrier Mbarrier::unpack(std::uint64_t bits) {
  Mbarrier barrier;
  barrier.pending = static_cast<std::uint32_t>(bits & kCounts);
  barrier.expected = static_cast<std::uint32_t>(bits >> kCountBits & kCounts);
  const auto tx = static_cast<std::uint32_t>(bits >> 2 * kCountBits & kTx);
  barrier.tx = static_cast<std::int32_t>(tx << (32 - kTxBits)) >> (32 - kTxBits);
  barrier.odd = bits >> kPhaseBit != 0;
  return barrier;
}

std::uint64_t Mbarrier::pack() const {
  return pending | std::uint64_t{expected} << kCountBits |
         (static_cast<std::uint64_t>(tx) & kTx) << 2 * kCountBits | std::uint64_t{odd} << kPhaseBit;
}

bool Mbarrier::settle() {
  if (pending != 0 || tx != 0) return false;
  pending = expected;
  odd = !odd;
  return true;
}

}  // namespace doppel::engine
