// SPDX-License-Identifier: Apache-2.0
// How much of the program's memory may be read from an address on. Module images come without their size, so
// a damaged header would otherwise lead past what is mapped.
#pragma once

#include <cstddef>
#include <string_view>

namespace doppel::driver {

// Bytes from `start` that can be read, at most `limit`. Whole pages are probed, none is touched.
std::size_t readable_bytes(const void* start, std::size_t limit);

// The text at `start` up to its NUL, or up to where memory ends: `terminated` says which.
struct HostText {
  std::string_view text;
  bool terminated = false;
};
HostText readable_text(const void* start);

}  // namespace doppel::driver
