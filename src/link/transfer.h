// SPDX-License-Identifier: Apache-2.0
// What copies take over PCI Express and NVLink: a latency, then bytes at the bandwidth that the card file
// says is sustained, and for rows with gaps a transaction each. What runs beside a copy is not known here
// (bus_schedule.h).
#pragma once

#include <cstdint>
#include <vector>

#include "card/card.h"

namespace doppel::link {

enum class Direction : std::uint8_t { HostToDevice, DeviceToHost };
enum class HostMemory : std::uint8_t { Pinned, Pageable };

// What a copy moves: rows of so many bytes. One row: a plain copy, or one whose rows follow each other
// without gaps on both sides.
struct Box {
  std::uint64_t row_bytes = 0;
  std::uint64_t rows = 1;
  std::uint64_t bytes() const { return row_bytes * rows; }
};

// Sustained bytes per second.
double pcie_bytes_per_second(const card::Card& card, Direction direction, HostMemory memory);

double host_copy_us(const card::Card& card, const Box& box, Direction direction, HostMemory memory);

// How the memory of one card comes to another's.
enum class PeerWay : std::uint8_t {
  NvLink,
  Pcie,    // from card to card, at the pace of the slower link
  Staged,  // to the host, and in parts from there, where nobody enabled access between the two
};
double peer_copy_us(const card::Card& from, const card::Card& to, const Box& box, PeerWay way);

// One direction of a card's link, for what shares it. Of NVLinks between two cards each direction is that of
// the card which sends.
enum class Channel : std::uint8_t { PcieToDevice, PcieToHost, NvLinkOut };
struct Use {
  int card = 0;  // by device ordinal
  Channel channel = Channel::PcieToDevice;
  double share = 1;  // of the channel's time, while the copy runs alone
};

// What a copy that takes `time_us` alone uses of the links. Of a peer copy: of both cards' links.
Use host_copy_use(const card::Card& card, int ordinal, const Box& box, Direction direction, double time_us);
std::vector<Use> peer_copy_uses(const card::Card& from, int from_ordinal, const card::Card& to,
                                int to_ordinal, const Box& box, PeerWay way, double time_us);

}  // namespace doppel::link
