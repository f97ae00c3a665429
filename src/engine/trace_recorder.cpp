// SPDX-License-Identifier: Apache-2.0
#include "engine/trace_recorder.h"

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "engine/grid_run.h"
#include "ir/types.h"
#include "memory/address_space.h"

namespace doppel::engine {
namespace {

constexpr std::size_t kMaxEvents = std::size_t{1} << 18;
constexpr std::size_t kMaxSectors = std::size_t{1} << 20;
constexpr std::uint64_t kSectorBytes = 32;
// Where the local memory of all threads starts in traces: behind everything a card can have.
constexpr std::uint64_t kLocalWindow = analysis::kFirstLocalSector * kSectorBytes;
// Addresses outside of the reserved range (registered memory of the host) keep their low part there.
constexpr std::uint64_t kForeignWindow = analysis::kFirstForeignSector * kSectorBytes;
static_assert(memory::kHostWindowOffset == analysis::kFirstBusSector * kSectorBytes);
static_assert(memory::kHostWindowOffset <= analysis::kSectorsOfPeer * kSectorBytes);
static_assert(memory::kRangeBytes <= kForeignWindow);

bool full(analysis::WarpTrace& trace) {
  if (trace.events.size() < kMaxEvents && trace.sectors.size() < kMaxSectors) return false;
  trace.truncated = true;
  return true;
}

analysis::AccessSpace space_of(const Warp& warp, std::uint32_t flags, std::uint64_t address) {
  switch (static_cast<ir::Space>(flags >> jit::kAccessSpaceShift & 0xf)) {
    case ir::Space::Shared:
    case ir::Space::SharedCluster:
      return analysis::AccessSpace::Shared;
    case ir::Space::Local:
      return analysis::AccessSpace::Local;
    case ir::Space::Const:
      return analysis::AccessSpace::Const;
    case ir::Space::Param:
      return analysis::AccessSpace::Param;
    case ir::Space::Global:
      return analysis::AccessSpace::Global;
    default:
      break;
  }
  if (warp.block->knows(address)) return analysis::AccessSpace::Shared;
  const auto local = reinterpret_cast<std::uint64_t>(warp.context.local);
  if (address - local < warp.context.local_stride * jit::kWarpLanes) return analysis::AccessSpace::Local;
  return analysis::AccessSpace::Global;
}

// Address for the trace: the same on every host.
std::uint64_t traced_address(const Warp& warp, analysis::AccessSpace space, std::uint64_t address,
                             std::uint32_t lane) {
  if (space == analysis::AccessSpace::Local) {
    // Local memory is interleaved: the same word of all lanes lies side by side (CUDA C++ Programming Guide,
    // "Local Memory").
    const std::uint64_t stride = warp.context.local_stride;
    const std::uint64_t offset =
        address - reinterpret_cast<std::uint64_t>(warp.context.local) - lane * stride;
    const std::uint64_t warp_index = warp.block->index * warp.context.warps_per_block + warp.context.warp_id;
    return kLocalWindow + warp_index * stride * jit::kWarpLanes + offset / 4 * 128 + std::uint64_t{lane} * 4 +
           offset % 4;
  }
  const Launch& launch = warp.block->grid->launch;
  if (launch.memory != nullptr && launch.memory->contains(address)) {
    const std::uint64_t offset = address - launch.memory->base();
    const int holder = launch.memory->other_holder(address);
    if (holder < 0) return offset;
    for (const Peer& peer : launch.peers) {
      if (peer.number == static_cast<std::uint32_t>(holder))
        return peer.first_sector() * kSectorBytes + offset;
    }
    return kForeignWindow + (address & 0xffffffff);
  }
  for (const Peer& peer : launch.peers) {
    if (address - peer.base < memory::kHostWindowOffset)
      return peer.first_sector() * kSectorBytes + (address - peer.base);
  }
  // Parameters by a generic address.
  const std::uint64_t in_parameters = address - reinterpret_cast<std::uint64_t>(warp.context.parameters);
  if (in_parameters < launch.parameters.size()) return kForeignWindow + in_parameters;
  return kForeignWindow + (address & 0xffffffff);
}

// How the lanes of a full warp lie.
enum class Row { None, Same, Neighbours };

Row row_of(std::uint32_t mask, std::uint32_t bytes, const std::uint64_t* addresses) {
  if (mask != ~0u || bytes < 4) return Row::None;
  const std::uint64_t step = addresses[1] - addresses[0];
  if (step != 0 && step != bytes) return Row::None;
  for (std::uint32_t lane = 2; lane < jit::kWarpLanes; ++lane) {
    if (addresses[lane] - addresses[lane - 1] != step) return Row::None;
  }
  return step == 0 ? Row::Same : Row::Neighbours;
}

// Of each sector of an atomic's event: the most lanes that are on one address. `addresses`: of the lanes,
// ascending.
void add_lanes_on_one_address(const Warp& warp, const analysis::TraceEvent& event,
                              std::span<const std::uint64_t> addresses, analysis::WarpTrace& trace) {
  const std::size_t first = trace.sectors.size();
  trace.sectors.insert(trace.sectors.end(), event.count, 1);
  for (std::size_t i = 0; i < addresses.size();) {
    std::size_t run = 1;
    while (i + run < addresses.size() && addresses[i + run] == addresses[i]) ++run;
    const std::uint64_t sector = traced_address(warp, event.space, addresses[i], 0) / kSectorBytes;
    const auto begin = trace.sectors.begin() + event.payload;
    const auto at = std::lower_bound(begin, begin + event.count, sector) - begin;
    if (at < event.count) {
      std::uint64_t& most = trace.sectors[first + static_cast<std::size_t>(at)];
      most = std::max<std::uint64_t>(most, run);
    }
    i += run;
  }
}

// The event that a round of a loop by a clock begins with.
analysis::TraceEvent* clock_of(const PollRound& round, analysis::WarpTrace& trace) {
  if (round.loop == nullptr || !round.loop->by_clock || round.first_event >= trace.events.size())
    return nullptr;
  analysis::TraceEvent& event = trace.events[round.first_event];
  return event.kind == analysis::TraceEvent::Kind::Clock ? &event : nullptr;
}

// A round of a loop that waits, behind which the same lanes go round again, was a poll that failed: how
// many of those there are is the host's affair. So none is kept, and a wait takes no room however long it
// lasts.
void note_round(Warp& warp, analysis::TraceBlockId id, std::uint32_t mask) {
  const std::vector<analysis::SpinLoop>& loops = warp.block->grid->kernel->analysed->spin_loops;
  if (loops.empty()) return;
  PollRound& round = warp.round;
  analysis::WarpTrace& trace = *warp.trace;
  if (round.loop != nullptr && !round.loop->holds(id)) {
    if ((round.mask & mask) != 0) {
      // Some have left. Where a write was the reason, they waited for no clock.
      if (analysis::TraceEvent* const clock = clock_of(round, trace);
          clock != nullptr && round.loop->or_by_memory &&
          std::ranges::find(round.loop->clock_exits, round.last_block) == round.loop->clock_exits.end())
        trace.sectors[clock->payload] = 0;
      round.loop = nullptr;
    } else if (round.end_event == 0) {
      round.end_event = trace.events.size();
    }
    return;
  }
  const analysis::SpinLoop* const loop =
      round.loop != nullptr ? round.loop : analysis::spin_loop_of(loops, id);
  if (loop == nullptr) return;
  if (!loop->begins_at(id)) {
    if (round.end_event != 0) round.loop = nullptr;  // it goes on behind what other lanes did: it stays
    round.last_block = id.block();
    return;
  }
  const bool again = round.loop != nullptr;
  analysis::TraceEvent clock{
      .kind = analysis::TraceEvent::Kind::Clock, .mask = mask, .id = analysis::kFromStart};
  std::uint64_t cycles = 0;
  if (const analysis::TraceEvent* const before = clock_of(round, trace)) {
    clock.id = before->id;
    cycles = trace.sectors[before->payload];
  }
  if (again && round.mask == mask) {
    const auto first = trace.events.begin() + static_cast<std::ptrdiff_t>(round.first_event);
    if (round.end_event == 0) {
      trace.events.erase(first, trace.events.end());
      trace.sectors.resize(round.first_sector);
    } else {
      trace.events.erase(first, trace.events.begin() + static_cast<std::ptrdiff_t>(round.end_event));
    }
  }
  round = {loop, mask, trace.events.size(), trace.sectors.size(), 0, again, id.block()};
  if (!loop->by_clock || full(trace)) return;
  // Where this round reads no clock, it is left by what the one before has read.
  clock.payload = static_cast<std::uint32_t>(trace.sectors.size());
  clock.count = 1;
  trace.sectors.push_back(cycles);
  trace.events.push_back(clock);
}

// Lanes at a barrier, while others wait in a loop.
void note_wait(Warp& warp) {
  if (warp.round.loop != nullptr && warp.round.end_event == 0)
    warp.round.end_event = warp.trace->events.size();
}

}  // namespace

std::uint32_t shared_passes(std::uint32_t mask, std::uint32_t bytes_per_lane,
                            const std::uint64_t* addresses) {
  constexpr std::uint32_t kBanks = 32;
  const std::uint32_t words = std::max<std::uint32_t>(1, (bytes_per_lane + 3) / 4);
  // Lanes whose words go out together: all of them up to 8 bytes each, half of them for 16. Lanes on the same
  // word count once.
  const std::uint32_t lanes_per_phase = words > 2 ? kBanks / 2 : kBanks;
  std::uint32_t passes = 0;
  for (std::uint32_t first = 0; first < kBanks; first += lanes_per_phase) {
    std::array<std::array<std::uint64_t, 2 * 32>, kBanks> words_of_bank;
    std::array<std::uint8_t, kBanks> count{};
    std::uint32_t most = 0;
    for (std::uint32_t lane = first; lane < std::min(first + lanes_per_phase, kBanks); ++lane) {
      if ((mask >> lane & 1) == 0) continue;
      for (std::uint32_t word = 0; word < words; ++word) {
        const std::uint64_t at = addresses[lane] / 4 + word;
        const std::uint32_t bank = at % kBanks;
        const auto begin = words_of_bank[bank].begin();
        const auto end = begin + count[bank];
        if (std::find(begin, end, at) == end) {
          *end = at;
          most = std::max<std::uint32_t>(most, ++count[bank]);
        }
      }
    }
    passes += most;
  }
  return std::max<std::uint32_t>(passes, 1);
}

void record_block(Warp& warp, std::uint32_t trace_block_id, std::uint32_t mask) {
  if (warp.trace == nullptr) return;
  note_round(warp, {trace_block_id}, mask);
  if (full(*warp.trace)) return;
  analysis::TraceEvent event;
  event.kind = analysis::TraceEvent::Kind::Block;
  event.id = trace_block_id;
  event.mask = mask;
  warp.trace->events.push_back(event);
}

void record_wait(Warp& warp, std::uint32_t mask) {
  if (warp.trace == nullptr) return;
  note_wait(warp);
  if (full(*warp.trace)) return;
  analysis::TraceEvent event;
  event.kind = analysis::TraceEvent::Kind::Wait;
  event.mask = mask;
  warp.trace->events.push_back(event);
}

void record_clock(Warp& warp, std::uint32_t operation, const analysis::SpinLoop* loop, std::uint64_t now,
                  std::uint64_t skipped) {
  if (warp.trace == nullptr) return;
  warp.clock_bases.note(operation, now + skipped);
  // What the first round reads may have come far enough without a wait.
  if (loop == nullptr || warp.round.loop != loop || !warp.round.again) return;
  analysis::TraceEvent* const event = clock_of(warp.round, *warp.trace);
  if (event == nullptr) return;
  const ClockBases::Base base = warp.clock_bases.of(warp.block->grid->kernel->clock_loops, *loop);
  event->id = base.operation;
  // The clock came to where the loop ends somewhere on the way.
  const std::uint64_t end = now + skipped / 2;
  warp.trace->sectors[event->payload] = end - std::min(end, base.cycles);
}

void record_sleep(Warp& warp, std::uint32_t operation, std::uint32_t nanoseconds) {
  if (warp.trace == nullptr || nanoseconds == 0 || full(*warp.trace)) return;
  analysis::TraceEvent event;
  event.kind = analysis::TraceEvent::Kind::Sleep;
  event.id = operation;
  event.payload = nanoseconds;
  warp.trace->events.push_back(event);
}

void record_bulk(Warp& warp, std::uint32_t operation, std::uint32_t mask, std::span<const BulkRange> ranges) {
  if (warp.trace == nullptr || full(*warp.trace)) return;
  analysis::WarpTrace& trace = *warp.trace;
  analysis::TraceEvent event;
  event.kind = analysis::TraceEvent::Kind::Access;
  event.space = analysis::AccessSpace::Global;
  event.id = operation;
  event.mask = mask;
  event.payload = static_cast<std::uint32_t>(trace.sectors.size());
  std::uint64_t bytes = 0;
  for (const BulkRange& range : ranges) {
    if (range.bytes == 0) continue;
    bytes += range.bytes;
    const std::uint64_t first = traced_address(warp, event.space, range.address, 0) / kSectorBytes;
    const std::uint64_t count =
        (range.address % kSectorBytes + range.bytes + kSectorBytes - 1) / kSectorBytes;
    // What follows in the same sector comes with it.
    const bool goes_on = trace.sectors.size() > event.payload && trace.sectors.back() == first;
    for (std::uint64_t i = goes_on ? 1 : 0; i < count; ++i) trace.sectors.push_back(first + i);
  }
  if (bytes == 0) return;
  if (trace.sectors.size() - event.payload > UINT16_MAX) trace.sectors.resize(event.payload + UINT16_MAX);
  event.bytes_per_lane = static_cast<std::uint8_t>(std::min<std::uint64_t>(bytes, UINT8_MAX));
  event.count = static_cast<std::uint16_t>(trace.sectors.size() - event.payload);
  trace.events.push_back(event);
}

void record_arrival(Warp& warp, std::uint32_t operation, std::uint32_t mask, std::uint32_t phase,
                    std::uint32_t arrivals) {
  if (warp.trace == nullptr || full(*warp.trace)) return;
  // Lanes of one operation at one barrier are one event.
  if (!warp.trace->events.empty()) {
    analysis::TraceEvent& last = warp.trace->events.back();
    if (last.kind == analysis::TraceEvent::Kind::Phase && last.id == operation && last.payload == phase &&
        (last.mask & mask) == 0 && (last.count == 0) == (arrivals == 0) &&
        last.count + arrivals <= UINT16_MAX) {
      last.mask |= mask;
      last.count = static_cast<std::uint16_t>(last.count + arrivals);
      return;
    }
  }
  analysis::TraceEvent event;
  event.kind = analysis::TraceEvent::Kind::Phase;
  event.id = operation;
  event.mask = mask;
  event.payload = phase;
  event.count = static_cast<std::uint16_t>(std::min<std::uint32_t>(arrivals, UINT16_MAX));
  warp.trace->events.push_back(event);
}

void record_texture(Warp& warp, std::uint32_t number, std::uint32_t mask, ir::Op op,
                    const texture::Touched& touched) {
  if (mask == 0 || touched.addresses.empty() || full(*warp.trace)) return;
  analysis::WarpTrace& trace = *warp.trace;
  const memory::AddressSpace* const memory = warp.block->grid->launch.memory;
  analysis::TraceEvent event;
  event.kind = analysis::TraceEvent::Kind::Access;
  event.space = analysis::AccessSpace::Global;
  event.id = number;
  event.mask = mask;
  event.bytes_per_lane = static_cast<std::uint8_t>(touched.texel_bytes);
  event.atomic = op == ir::Op::SurfaceReduce;
  event.samples = static_cast<std::uint16_t>(std::min<std::uint32_t>(touched.samples, UINT16_MAX));
  event.filtered = touched.filtered;
  std::vector<std::uint64_t> sectors;
  for (const std::uint64_t address : touched.addresses)
    sectors.push_back((memory != nullptr ? traced_address(warp, event.space, address, 0) : address) /
                      kSectorBytes);
  std::ranges::sort(sectors);
  const auto repeated = std::ranges::unique(sectors);
  sectors.erase(repeated.begin(), repeated.end());
  event.payload = static_cast<std::uint32_t>(trace.sectors.size());
  event.count = static_cast<std::uint16_t>(std::min<std::size_t>(sectors.size(), UINT16_MAX));
  trace.sectors.insert(trace.sectors.end(), sectors.begin(), sectors.begin() + event.count);
  // The operations on each sector, as of other atomics: one a lane that meets there is not told apart.
  if (event.atomic) trace.sectors.insert(trace.sectors.end(), event.count, 1);
  trace.events.push_back(event);
}

void record_access(Warp& warp, std::uint32_t instruction, std::uint32_t mask, std::uint32_t flags,
                   const std::uint64_t* addresses) {
  if (warp.trace == nullptr || mask == 0 || full(*warp.trace)) return;
  analysis::WarpTrace& trace = *warp.trace;
  const std::uint32_t bytes = std::max(flags & jit::kAccessSizeMask, 1u);
  analysis::TraceEvent event;
  event.kind = analysis::TraceEvent::Kind::Access;
  event.id = instruction;
  event.mask = mask;
  event.bytes_per_lane = static_cast<std::uint8_t>(bytes);
  event.atomic = (flags & jit::kAccessAtomic) != 0;

  std::array<std::uint64_t, jit::kWarpLanes> sorted;
  std::uint32_t lanes = 0;
  std::uint32_t first_lane = 0;
  for (std::uint32_t lane = 0; lane < jit::kWarpLanes; ++lane) {
    if ((mask >> lane & 1) == 0) continue;
    if (lanes == 0) first_lane = lane;
    sorted[lanes++] = addresses[lane];
  }
  event.space = space_of(warp, flags, addresses[first_lane]);
  if (event.atomic) {
    std::sort(sorted.begin(), sorted.begin() + lanes);
    std::uint32_t run = 1;
    std::uint32_t longest = 1;
    for (std::uint32_t i = 1; i < lanes; ++i) {
      run = sorted[i] == sorted[i - 1] ? run + 1 : 1;
      longest = std::max(longest, run);
    }
    event.serial = static_cast<std::uint16_t>(longest);
  }
  if (event.space == analysis::AccessSpace::Shared) {
    const Row row = row_of(mask, bytes, addresses);
    event.count = static_cast<std::uint16_t>(row == Row::Same && bytes <= 8 ? 1
                                             : row == Row::Neighbours && bytes == 4
                                                 ? 1
                                                 : shared_passes(mask, bytes, addresses));
  } else {
    const Row row = row_of(mask, bytes, addresses);
    const memory::AddressSpace* const memory = warp.block->grid->launch.memory;
    if (event.space == analysis::AccessSpace::Global && row != Row::None && memory != nullptr &&
        memory->contains(addresses[first_lane]) && memory->other_holder(addresses[first_lane]) < 0) {
      // Most accesses: one place for all lanes, or neighbours in their order. No sorting, no search.
      const std::uint64_t first = (addresses[first_lane] - memory->base()) / kSectorBytes;
      const std::uint64_t length = row == Row::Same ? bytes : std::uint64_t{lanes} * bytes;
      const std::uint64_t last = (addresses[first_lane] - memory->base() + length - 1) / kSectorBytes;
      event.payload = static_cast<std::uint32_t>(trace.sectors.size());
      event.count = static_cast<std::uint16_t>(last - first + 1);
      for (std::uint64_t sector = first; sector <= last; ++sector) trace.sectors.push_back(sector);
      if (event.atomic) {
        trace.sectors.insert(trace.sectors.end(), event.count, event.serial);
      } else {
        const std::uint64_t phases = bytes > 8 ? 2 : 1;
        event.serial =
            static_cast<std::uint16_t>(row == Row::Same ? phases : std::max(phases, (length + 127) / 128));
      }
      trace.events.push_back(event);
      return;
    }
    std::array<std::uint64_t, std::size_t{jit::kWarpLanes} * 9> sectors;
    std::size_t count = 0;
    for (std::uint32_t lane = 0; lane < jit::kWarpLanes; ++lane) {
      if ((mask >> lane & 1) == 0) continue;
      for (std::uint32_t word = 0; word < bytes;) {
        const std::uint64_t address = traced_address(warp, event.space, addresses[lane] + word, lane);
        const std::uint64_t sector = address / kSectorBytes;
        if (count == 0 || sectors[count - 1] != sector) sectors[count++] = sector;
        // To the next word of local memory (it lies elsewhere), to the next sector of any other.
        word += event.space == analysis::AccessSpace::Local
                    ? 4
                    : static_cast<std::uint32_t>(kSectorBytes - address % kSectorBytes);
      }
    }
    std::sort(sectors.begin(), sectors.begin() + static_cast<std::ptrdiff_t>(count));
    const auto end = std::unique(sectors.begin(), sectors.begin() + static_cast<std::ptrdiff_t>(count));
    // The L1 has the banks of shared memory, so scattered words meet there, too.
    if (event.space == analysis::AccessSpace::Global && !event.atomic) {
      event.serial = static_cast<std::uint16_t>(shared_passes(mask, bytes, addresses));
    }
    event.payload = static_cast<std::uint32_t>(trace.sectors.size());
    event.count = static_cast<std::uint16_t>(end - sectors.begin());
    trace.sectors.insert(trace.sectors.end(), sectors.begin(), end);
    if (event.atomic) add_lanes_on_one_address(warp, event, {sorted.data(), lanes}, trace);
  }
  trace.events.push_back(event);
}

}  // namespace doppel::engine
