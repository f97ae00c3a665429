// SPDX-License-Identifier: Apache-2.0
#include "link/transfer.h"

#include <algorithm>

namespace doppel::link {
namespace {

constexpr double kMicrosecondsPerSecond = 1e6;

double stream_us(double bytes, double bytes_per_second) {
  return bytes / bytes_per_second * kMicrosecondsPerSecond;
}

}  // namespace

double pcie_bytes_per_second(const card::Card& card, Direction direction, HostMemory memory) {
  const double efficiency =
      direction == Direction::HostToDevice ? card.pcie.to_device_efficiency : card.pcie.to_host_efficiency;
  const double staging = memory == HostMemory::Pinned ? 1.0 : card.pcie.pageable_efficiency;
  return card.pcie.peak_bytes_per_second() * efficiency * staging;
}

double host_copy_us(const card::Card& card, std::uint64_t bytes, Direction direction, HostMemory memory) {
  return card.pcie.latency_us +
         stream_us(static_cast<double>(bytes), pcie_bytes_per_second(card, direction, memory));
}

double device_copy_us(const card::Card& card, std::uint64_t bytes) {
  const double rate = card.memory.peak_bytes_per_second() * card.memory.copy_efficiency;
  return card.launch.start_us + stream_us(2.0 * static_cast<double>(bytes), rate);
}

double fill_us(const card::Card& card, std::uint64_t bytes) {
  const double rate = card.memory.peak_bytes_per_second() * card.memory.write_efficiency;
  return card.launch.start_us + stream_us(static_cast<double>(bytes), rate);
}

bool joined_by_nvlink(const card::Card& a, const card::Card& b) { return a.nvlink.links > 0 && a.id == b.id; }

double peer_copy_us(const card::Card& from, const card::Card& to, std::uint64_t bytes) {
  if (joined_by_nvlink(from, to)) {
    return from.nvlink.latency_us + stream_us(static_cast<double>(bytes),
                                              from.nvlink.peak_bytes_per_second() * from.nvlink.efficiency);
  }
  return std::max(host_copy_us(from, bytes, Direction::DeviceToHost, HostMemory::Pinned),
                  host_copy_us(to, bytes, Direction::HostToDevice, HostMemory::Pinned));
}

}  // namespace doppel::link
