// SPDX-License-Identifier: Apache-2.0
#include "device/argument_signature.h"

#include <algorithm>
#include <cstring>

#include "timing/hash.h"

namespace doppel::device {

ArgumentSignature argument_signature(std::span<const std::byte> parameters,
                                     const memory::AddressSpace& memory) {
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  constexpr std::uint64_t kLineBytes = 128;
  ArgumentSignature signature;
  const auto add = [&](std::uint64_t value) { signature.value = timing::mix(signature.value ^ value) + 1; };
  for (std::size_t at = 0; at < parameters.size(); at += kWord) {
    std::uint64_t word = 0;
    std::memcpy(&word, parameters.data() + at, std::min(kWord, parameters.size() - at));
    const auto allocation = memory.contains(word) ? memory.find(word) : std::nullopt;
    if (!allocation) {
      add(word);
      continue;
    }
    const auto same =
        std::ranges::find(signature.pointers, allocation->address, &PointerArgument::allocation);
    add(static_cast<std::uint64_t>(same - signature.pointers.begin()));
    add(same == signature.pointers.end() ? word % kLineBytes : word - same->address);
    add(static_cast<std::uint64_t>(allocation->kind));
    signature.pointers.push_back(
        {at, word, allocation->address, allocation->address + std::max<std::uint64_t>(allocation->size, 1)});
  }
  return signature;
}

}  // namespace doppel::device
