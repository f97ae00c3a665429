// SPDX-License-Identifier: Apache-2.0
// An mbarrier object as it lies in shared memory (PTX ISA 9.7.13.15), 64 bits that are opaque to programs;
// and a state, which is the object as it was before an arrival.
#pragma once

#include <cstdint>

namespace doppel::engine {

struct Mbarrier {
  static constexpr std::uint32_t kMostArrivals = (1u << 20) - 1;
  static constexpr std::int32_t kMostTx = (1 << 20) - 1;

  std::uint32_t pending = 0;   // arrivals that the current phase still waits for
  std::uint32_t expected = 0;  // of the phase behind it; 0: no barrier
  std::int32_t tx = 0;         // bytes that the current phase still waits for
  bool odd = false;            // the current phase: the first is even

  static Mbarrier unpack(std::uint64_t bits);
  std::uint64_t pack() const;

  bool is_valid() const { return expected != 0 || pending != 0; }
  // Completes the phase where nothing is left that it waits for; true: it has.
  bool settle();
};

}  // namespace doppel::engine
