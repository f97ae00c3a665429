// SPDX-License-Identifier: Apache-2.0
// What a traced run of a sampled thread block leaves for the timing model: which basic blocks each warp
// entered with which lanes, and which memory each access touched. The engine writes it, timing reads it;
// neither knows the other.
#pragma once

#include <cstdint>
#include <vector>

namespace doppel::analysis {

// A basic block of a module: function index in the high, block number in the low 16 bits.
struct TraceBlockId {
  std::uint32_t value = 0;
  std::uint32_t function() const { return value >> 16; }
  std::uint32_t block() const { return value & 0xffff; }
};

enum class AccessSpace : std::uint8_t { Global, Local, Shared, Const, Param };

// One event of one warp, in program order. Memory events follow the Block event of the block that holds the
// instruction.
struct TraceEvent {
  enum class Kind : std::uint8_t {
    Block,   // block, mask
    Access,  // instruction, mask, space, payload
    Wait,    // a barrier: the events after it happen when all its members arrived. instruction, mask
    // The round of a loop that ends by a clock, whose first block follows. It does not end before
    // sectors[payload] cycles of the SM have passed since the reading `id` of the clock was made.
    Clock,
    Sleep,  // instruction; payload: nanoseconds
    Phase,  // instruction, mask, payload: a phase of one of the block's mbarriers, to which so many arrivals
            // are made by it, or come with its copies: count. 0: it has waited for the phase's end
  };
  Kind kind = Kind::Block;
  AccessSpace space = AccessSpace::Global;
  std::uint8_t bytes_per_lane = 0;
  bool atomic = false;
  std::uint32_t mask = 0;
  // TraceBlockId, or for an operation its number (AnalysedKernel::first_operations), kFromStart: in place of
  // a reading the start of the warp
  std::uint32_t id = 0;
  // Global, Local, Const: the 32-byte sectors touched are sectors[payload .. payload + count), in ascending
  // order, each once. Shared: count is the number of conflict-free passes the banks need (32 banks of 4
  // bytes); payload is unused. Global, not atomic: serial is that number for the banks of the L1. Atomic:
  // count as above, and serial is the largest number of lanes on one address; that of each sector follows
  // them: sectors[payload + count .. payload + 2 count).
  std::uint32_t payload = 0;
  std::uint16_t count = 0;
  std::uint16_t serial = 1;
  // Of textures and surfaces: footprints of up to four texels, and whether more than one of each counts.
  std::uint16_t samples = 0;
  bool filtered = false;
};

inline constexpr std::uint32_t kFromStart = UINT32_MAX;

// Sectors are addresses / 32, relative to the start of the card's memory (the same on every host). From
// kFirstBusSector on lies what the card reaches over its bus: pinned memory of the host first, from
// kFirstPeerSector on the memory of other cards; from kFirstNvLinkSector on that of cards at the other end of
// its NVLinks; from kFirstLocalSector on the local memory of all threads, which is the card's again. Each
// other card has kSectorsOfPeer sectors, by its number.
inline constexpr std::uint64_t kFirstBusSector = std::uint64_t{1} << 34;
inline constexpr std::uint64_t kFirstForeignSector = std::uint64_t{1} << 40;  // other memory than pinned
inline constexpr std::uint64_t kFirstPeerSector = std::uint64_t{5} << 38;
inline constexpr std::uint64_t kFirstNvLinkSector = std::uint64_t{6} << 38;
inline constexpr std::uint64_t kFirstLocalSector = std::uint64_t{1} << 41;
inline constexpr std::uint64_t kSectorsOfPeer = std::uint64_t{1} << 34;
inline constexpr std::uint32_t kMostPeers = 16;
static_assert(kFirstPeerSector + kMostPeers * kSectorsOfPeer <= kFirstNvLinkSector);
static_assert(kFirstNvLinkSector + kMostPeers * kSectorsOfPeer <= kFirstLocalSector);
inline constexpr bool is_over_bus(std::uint64_t sector) {
  return sector >= kFirstBusSector && sector < kFirstNvLinkSector;
}
inline constexpr bool is_over_nvlink(std::uint64_t sector) {
  return sector >= kFirstNvLinkSector && sector < kFirstLocalSector;
}
// Whether it lies in the memory of a card that is not the kernel's own.
inline constexpr bool is_of_peer(std::uint64_t sector) {
  return sector >= kFirstPeerSector && sector < kFirstLocalSector;
}
inline constexpr bool is_elsewhere(std::uint64_t sector) {  // not in the card's own memory
  return sector >= kFirstBusSector && sector < kFirstLocalSector;
}

struct WarpTrace {
  std::vector<TraceEvent> events;
  std::vector<std::uint64_t> sectors;
  bool truncated = false;  // the recorder's limit was reached: a prefix
};

struct BlockTrace {
  std::uint64_t block_index = 0;  // x + grid.x * (y + grid.y * z)
  std::vector<WarpTrace> warps;
};

// Counted over all blocks of the grid, sampled or not: how often a basic block was entered, and by how many
// lanes in sum.
struct BlockCount {
  std::uint64_t warps = 0;
  std::uint64_t lanes = 0;
  bool operator==(const BlockCount&) const = default;
};

// What one thread block ran, in PTX instructions of its warps, without loops that wait.
struct BlockWork {
  std::uint64_t instructions = 0;  // of all its warps
  std::uint64_t longest_warp = 0;
  std::uint64_t waited_cycles = 0;  // for clocks, and asleep: of the warp that did so for longest
};

}  // namespace doppel::analysis
