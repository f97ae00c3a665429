// SPDX-License-Identifier: Apache-2.0
#include "link/transfer.h"

#include <algorithm>
#include <cmath>

#include "support/units.h"

namespace doppel::link {
namespace {

double stream_us(double bytes, double bytes_per_second) {
  return bytes / bytes_per_second * kMicrosecondsPerSecond;
}

// Of one row, while the link is busy with nothing else.
double row_on_link_s(const card::Card& card, std::uint64_t row_bytes, Direction direction) {
  const auto payload = static_cast<std::uint64_t>(card.pcie.max_payload_bytes);
  const auto packet_s = [&](std::uint64_t bytes) {
    return direction == Direction::HostToDevice ? card.pcie.answer_s(static_cast<double>(bytes))
                                                : card.pcie.write_s(static_cast<double>(bytes));
  };
  const std::uint64_t full = row_bytes / payload, rest = row_bytes % payload;
  return static_cast<double>(full) * packet_s(payload) + (rest > 0 ? packet_s(rest) : 0);
}

// For how long a box keeps the link; a plain copy at the rate that was measured of such.
double on_link_us(const card::Card& card, const Box& box, Direction direction) {
  if (box.rows == 1) {
    return stream_us(static_cast<double>(box.row_bytes),
                     pcie_bytes_per_second(card, direction, HostMemory::Pinned));
  }
  return static_cast<double>(box.rows) * row_on_link_s(card, box.row_bytes, direction) *
         kMicrosecondsPerSecond;
}

// For how long a card copies a box, from its first answer or write on. To read rows, as many requests are
// under way as the card has numbers for: each takes a round trip.
double pinned_us(const card::Card& card, const Box& box, Direction direction) {
  const double on_link = on_link_us(card, box, direction);
  if (direction == Direction::DeviceToHost || box.rows == 1) return on_link;
  const auto payload = static_cast<std::uint64_t>(card.pcie.max_payload_bytes);
  const std::uint64_t requests = box.rows * ((box.row_bytes + payload - 1) / payload);
  return std::max(on_link,
                  static_cast<double>(requests) * card.pcie.round_trip_ns / card.pcie.read_requests / 1000);
}

double nvlink_us(const card::Card& card, const Box& box) {
  return stream_us(static_cast<double>(box.bytes()), card.nvlink.copy_bytes_per_second());
}

// Of a copy from card to card over the bus, for how long it lasts behind its latency. Of rows nobody tells:
// no faster than either card copies such.
double peer_over_pcie_us(const card::Card& from, const card::Card& to, const Box& box) {
  const double slower = std::min(from.pcie.to_peer_bytes_per_second(), to.pcie.to_peer_bytes_per_second());
  const double us = stream_us(static_cast<double>(box.bytes()), slower);
  if (box.rows == 1) return us;
  return std::max(
      {us, pinned_us(from, box, Direction::DeviceToHost), pinned_us(to, box, Direction::HostToDevice)});
}

}  // namespace

double pcie_bytes_per_second(const card::Card& card, Direction direction, HostMemory memory) {
  const double efficiency =
      direction == Direction::HostToDevice ? card.pcie.to_device_efficiency : card.pcie.to_host_efficiency;
  const double staging = memory == HostMemory::Pinned ? 1.0 : card.pcie.pageable_efficiency;
  return card.pcie.peak_bytes_per_second() * efficiency * staging;
}

double host_copy_us(const card::Card& card, const Box& box, Direction direction, HostMemory memory) {
  double us = pinned_us(card, box, direction);
  // The driver goes through a buffer of its own. What it does of rows is not known: no less than for pinned
  // ones.
  if (memory == HostMemory::Pageable)
    us = std::max(
        us, stream_us(static_cast<double>(box.bytes()), pcie_bytes_per_second(card, direction, memory)));
  return card.pcie.latency_us + us;
}

double peer_copy_us(const card::Card& from, const card::Card& to, const Box& box, PeerWay way) {
  if (way == PeerWay::NvLink) return from.nvlink.latency_us + nvlink_us(from, box);
  if (way == PeerWay::Pcie)
    return std::max(from.pcie.latency_us, to.pcie.latency_us) + peer_over_pcie_us(from, to, box);
  // Part by part: the second link begins when the first part has come through the first one.
  const double part =
      std::min(1.0, from.pcie.staging_bytes / std::max(1.0, static_cast<double>(box.bytes())));
  const double out_us = pinned_us(from, box, Direction::DeviceToHost);
  const double in_us = pinned_us(to, box, Direction::HostToDevice);
  return from.pcie.latency_us + to.pcie.latency_us + part * (out_us + in_us) +
         (1 - part) * std::max(out_us, in_us);
}

Use host_copy_use(const card::Card& card, int ordinal, const Box& box, Direction direction, double time_us) {
  return {ordinal, direction == Direction::HostToDevice ? Channel::PcieToDevice : Channel::PcieToHost,
          time_us > 0 ? std::min(1.0, on_link_us(card, box, direction) / time_us) : 0};
}

std::vector<Use> peer_copy_uses(const card::Card& from, int from_ordinal, const card::Card& to,
                                int to_ordinal, const Box& box, PeerWay way, double time_us) {
  if (way == PeerWay::NvLink) {
    const double share = time_us > 0 ? std::min(1.0, nvlink_us(from, box) / time_us) : 0;
    return {{from_ordinal, Channel::NvLinkOut, share},
            {to_ordinal, Channel::NvLinkOut, share * from.nvlink.reverse_share}};
  }
  return {host_copy_use(from, from_ordinal, box, Direction::DeviceToHost, time_us),
          host_copy_use(to, to_ordinal, box, Direction::HostToDevice, time_us)};
}

}  // namespace doppel::link
