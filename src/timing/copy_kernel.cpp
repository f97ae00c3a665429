// SPDX-License-Identifier: Apache-2.0
#include "timing/copy_kernel.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "timing/sm_parameters.h"

namespace doppel::timing {
namespace {

// Blocks of 512 threads with 32 bytes each, two on an SM at most. Assumed: the driver's kernel is not
// published.
constexpr std::uint64_t kBytesPerBlock = 16384;
constexpr std::uint64_t kBlocksPerSm = 2;
constexpr double kWarpsPerBlock = 16;

// How many rows there are before the next one lies at the same place of an access of DRAM.
std::uint64_t places(std::uint64_t pitch, std::uint64_t count, std::uint64_t access) {
  return std::min(count, access / std::gcd(std::max<std::uint64_t>(pitch, 1), access));
}

// Of one row: its units of memory of some size, and those that it covers in part.
struct Units {
  std::uint64_t touched = 0, partial = 0;
};
Units units_of(std::uint64_t begin, std::uint64_t bytes, std::uint64_t unit) {
  const std::uint64_t end = begin + bytes;
  const std::uint64_t first = begin / unit, past = (end + unit - 1) / unit;
  const std::uint64_t whole_from = (begin + unit - 1) / unit, whole_to = end / unit;
  const std::uint64_t whole = whole_to > whole_from ? whole_to - whole_from : 0;
  return {past - first, past - first - whole};
}

// What moves, of both sides of a copy, or the one of a fill.
struct Traffic {
  SectorCount read, written;
  double read_present = 0, written_present = 0;  // in L2
  double write_back = 0;                         // bytes that leave for each that comes in
};

CopyKernel kernel_of(const card::Card& card, const Traffic& traffic) {
  const SmParameters parameters = sm_parameters(card, card.clocks.sustained_mhz);
  CopyKernel kernel;
  const double moved = traffic.read.bytes + traffic.written.bytes;
  const double comes_in =
      traffic.read.bytes * (1 - traffic.read_present) + traffic.written.bytes * (1 - traffic.written_present);
  kernel.l2_bytes = moved;
  kernel.dram_read_bytes = traffic.read.access_bytes * (1 - traffic.read_present);
  kernel.dram_write_bytes = comes_in * traffic.write_back;
  // L2 keeps a mask of the bytes that were written; DRAM takes them so, unless each sector has a code of its
  // own (ECC): then the rest of it is read first.
  if (card.memory.ecc && traffic.written.bytes > 0)
    kernel.dram_read_bytes += kernel.dram_write_bytes * traffic.written.partial_bytes / traffic.written.bytes;

  const double dram_bytes = kernel.dram_read_bytes + kernel.dram_write_bytes;
  const double writes = dram_bytes > 0 ? kernel.dram_write_bytes / dram_bytes : 0;
  const double dram = dram_cycles(parameters, kernel.dram_read_bytes, kernel.dram_write_bytes, writes);
  const double l2 = std::max(traffic.read.bytes / parameters.l2_read_bytes_per_cycle,
                             traffic.written.bytes / parameters.l2_write_bytes_per_cycle);

  const auto sms = static_cast<std::uint64_t>(card.sm_count);
  GridDemand& grid = kernel.grid;
  grid.blocks_at_once = kBlocksPerSm * sms;
  grid.blocks =
      std::clamp<std::uint64_t>(static_cast<std::uint64_t>(moved) / kBytesPerBlock, 1, grid.blocks_at_once);
  // Blocks come one to each SM first.
  const auto active = static_cast<double>(std::min(grid.blocks, sms));
  const double port = moved / active / parameters.port_bytes_per_cycle;
  const double load_store = moved / active / parameters.l1_bytes_per_cycle;
  // From the first request to its answer.
  const auto l2_latency = static_cast<double>(parameters.l2_latency);
  const double latency = traffic.read.bytes > 0
                             ? l2_latency + (static_cast<double>(parameters.dram_latency) - l2_latency) *
                                                (1 - traffic.read_present)
                             : l2_latency;
  const double cycles = latency + std::max({dram, l2, port, load_store});
  const double start = card.launch.start_us * card.clocks.sustained_mhz;
  kernel.time_us = (start + cycles) / card.clocks.sustained_mhz;

  grid.time_us = kernel.time_us;
  grid.room[static_cast<std::size_t>(Room::Warps)] = kWarpsPerBlock / card.sm.max_warps;
  grid.room[static_cast<std::size_t>(Room::Blocks)] = 1.0 / card.sm.max_blocks;
  const auto ask = [&](Rate rate, double busy) {
    grid.rates[static_cast<std::size_t>(rate)] = busy / (start + cycles);
  };
  ask(Rate::Dram, dram);
  ask(Rate::L2, l2);
  ask(Rate::LoadStore, load_store * active / static_cast<double>(sms));
  return kernel;
}

}  // namespace

SectorCount sectors_of(const card::Card& card, const Rows& rows) {
  const auto sector = static_cast<std::uint64_t>(card.l2.sector_bytes);
  const auto access = std::max(sector, static_cast<std::uint64_t>(card.memory.access_bytes));
  const std::uint64_t of_rows = places(rows.pitch, rows.count, access);
  const std::uint64_t of_slices = places(rows.slice_pitch, rows.slices, access);
  double sectors = 0, partial = 0, accesses = 0;
  for (std::uint64_t slice = 0; slice < of_slices; ++slice) {
    for (std::uint64_t row = 0; row < of_rows; ++row) {
      const std::uint64_t begin = rows.begin + slice * rows.slice_pitch + row * rows.pitch;
      const Units of_sectors = units_of(begin, rows.width, sector);
      sectors += static_cast<double>(of_sectors.touched);
      partial += static_cast<double>(of_sectors.partial);
      accesses += static_cast<double>(units_of(begin, rows.width, access).touched);
    }
  }
  const double all = static_cast<double>(rows.count * rows.slices) / static_cast<double>(of_rows * of_slices);
  // Rows that lie near to each other have sectors in common.
  const auto most = [&](std::uint64_t unit) {
    return static_cast<double>(units_of(rows.begin, rows.extent(), unit).touched);
  };
  SectorCount count;
  count.bytes = std::min(sectors * all, most(sector)) * static_cast<double>(sector);
  count.access_bytes = std::min(accesses * all, most(access)) * static_cast<double>(access);
  count.partial_bytes = std::min(partial * all * static_cast<double>(sector), count.bytes);
  return count;
}

MemoryRange range_of(const Rows& rows, bool written) {
  return {rows.begin, rows.begin + rows.extent(), written, true};
}

CopyKernel predict_copy(const card::Card& card, const Rows& destination, const Rows& source, L2History& l2) {
  const std::array ranges{range_of(source, false), range_of(destination, true)};
  const L2Start start = l2.pass(ranges);
  Traffic traffic;
  traffic.read = sectors_of(card, source);
  traffic.written = sectors_of(card, destination);
  traffic.read_present = start.present[0];
  traffic.written_present = start.present[1];
  traffic.write_back = start.write_back;
  return kernel_of(card, traffic);
}

CopyKernel predict_fill(const card::Card& card, const Rows& destination, L2History& l2) {
  const MemoryRange range = range_of(destination, true);
  const L2Start start = l2.pass({&range, 1});
  Traffic traffic;
  traffic.written = sectors_of(card, destination);
  traffic.written_present = start.present[0];
  traffic.write_back = start.write_back;
  return kernel_of(card, traffic);
}

}  // namespace doppel::timing
