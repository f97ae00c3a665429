// SPDX-License-Identifier: Apache-2.0
// What copies take: PCI Express, NVLink and the card's own memory. A copy is a latency and then bytes at the
// bandwidth that the card file says is sustained. Two directions of a link do not slow each other; the caller
// knows what shares an engine.
#pragma once

#include <cstdint>

#include "card/card.h"

namespace doppel::link {

enum class Direction : std::uint8_t { HostToDevice, DeviceToHost };
enum class HostMemory : std::uint8_t { Pinned, Pageable };

// Sustained bytes per second.
double pcie_bytes_per_second(const card::Card& card, Direction direction, HostMemory memory);

double host_copy_us(const card::Card& card, std::uint64_t bytes, Direction direction, HostMemory memory);

// From one place of the card's memory to another: each byte is read and written.
double device_copy_us(const card::Card& card, std::uint64_t bytes);

// A memset.
double fill_us(const card::Card& card, std::uint64_t bytes);

// Whether two such cards, side by side, can be joined by NVLink: both have it and are of one model.
bool joined_by_nvlink(const card::Card& a, const card::Card& b);

// From one card's memory to another's, over NVLink where they are joined, else over PCI Express at the pace
// of the slower.
double peer_copy_us(const card::Card& from, const card::Card& to, std::uint64_t bytes);

}  // namespace doppel::link
