// SPDX-License-Identifier: Apache-2.0
// Our kernels on a double, by the public interface, as the measured programs run and time them.
#pragma once

#include <doppel/session.h>

#include <string>

namespace doppel::truth {

// As its file in cards/ says, but for a limit of power: measurements hold at their clocks.
Card find_card(const std::string& id);

// A module of kernels on a card.
struct Runner {
  Runner(const Card& card, const char* ptx);

  // Buffers begin at multiples of 512 bytes: how arrays lie to each other tells a little in a time.
  Buffer allocate(std::size_t bytes);
  // Of a launch behind one of its kind, which warmed L2 as far as it goes.
  Prediction predict(const Launch& launch);
  // Shared memory a block that leaves room for no more than `blocks` blocks of 32 threads on an SM.
  std::uint32_t shared_bytes_for(const std::string& kernel, std::uint32_t blocks) const;

  Session session;
  Module module;
};

}  // namespace doppel::truth
