// SPDX-License-Identifier: Apache-2.0
// A card described as data. Every scalar here is one key of a card file (cards/*.toml), where it stands with
// its source and its mark; `provenance` keeps both. No part asks which card it has: it asks for a number.
//
// Units are in the names. 'Per SM and cycle' counts thread operations (an instruction of 32 lanes is 32 of
// them). A number that the card does not have (an absent unit, such as NVLink or an fp4 path) is 0 or false.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace doppel::card {

// Where a number comes from.
struct Provenance {
  std::string
      mark;  // M measured on this card, M-n on a neighbour, V vendor, R research, D derived, K unconfirmed
  std::string source;  // the citation, in words
  int line = 0;        // of the card file
  std::string file;    // another card's file that the number comes from (based_on); empty: the card's own
};

struct ComputeCapability {
  int major = 0;
  int minor = 0;
  int number() const { return major * 10 + minor; }  // 86, 120
};

struct Chip {
  std::string name;          // "GA102"
  std::string architecture;  // "Ampere"
  int gpc_count = 0;
  int tpc_count = 0;
  int process_nm = 0;
  double transistors_billions = 0;
};

struct Clocks {
  double base_mhz = 0;  // advertised base; 0 where not known
  // Advertised boost: the specification table, the derived peaks and the driver's clock rate use it.
  double boost_mhz = 0;
  double max_mhz = 0;        // the highest that the card may be set to, as NVML says
  double sustained_mhz = 0;  // what the card runs at under compute while power does not bind: times use it
  double event_tick_us = 0;  // of the timer that events read
};

// Limits of one SM and of one block; what occupancy needs.
struct Sm {
  int sub_cores = 0;
  int warp_size = 0;
  int max_warps = 0;
  int max_threads = 0;
  int max_blocks = 0;
  int registers = 0;  // 32-bit registers of one SM
  int registers_per_block = 0;
  int max_registers_per_thread = 0;
  int register_allocation_unit = 0;     // registers, allocated per warp in multiples of this
  int warp_allocation_granularity = 0;  // warps are allocated in multiples of this
  int max_threads_per_block = 0;
  std::array<int, 3> max_block_dim{};
  std::array<int, 3> max_grid_dim{};
  int max_cluster_blocks = 0;  // of a thread block cluster; 0: there are no clusters
  int fp32_cores = 0;
  int tensor_cores = 0;
  int rt_cores = 0;
};

struct SharedMemory {
  int bytes_per_sm = 0;
  int bytes_per_block = 0;  // without opting in
  int bytes_per_block_optin = 0;
  int reserved_bytes_per_block = 0;  // taken by the driver from each block's share
  int allocation_unit_bytes = 0;
  std::vector<int> carveout_kib;  // sizes that the L1 may give away
  int banks = 0;
  int bank_bytes = 0;
  double bytes_per_cycle = 0;      // of one SM
  double load_latency_cycles = 0;  // result usable, no conflict
  double uniform_load_latency_cycles = 0;
  int atomic_units = 0;  // 32-bit integer atomics per SM and cycle; 0 where not known
};

// Fetch, decode and issue of one SM.
struct FrontEnd {
  int issue_per_sub_core = 0;          // warp instructions per cycle
  int instruction_buffer_entries = 0;  // per warp
  int l0_instruction_bytes = 0;        // per sub-core
  int l1_instruction_bytes = 0;        // per SM
  double l0_miss_latency_cycles = 0;
  int prefetch_entries = 0;  // stream buffer
  double constant_miss_latency_cycles = 0;
  int register_file_banks = 0;       // per sub-core
  int register_file_read_ports = 0;  // per bank
  double operand_read_cycles = 0;
};

// One execution pipe.
struct Pipe {
  double per_cycle = 0;       // thread operations per SM and cycle
  double latency_cycles = 0;  // issue until a dependent instruction may issue
};

struct Pipes {
  Pipe fp32;
  Pipe int32;                  // add, logic, shift, compare
  int int32_shared_lanes = 0;  // lanes per SM that serve FP32 and INT32 both (so their sum is bounded)
  Pipe int32_multiply;         // IMAD
  Pipe fp16;                   // HFMA2: two results per thread operation
  Pipe fp64;
  Pipe sfu;      // rcp, rsqrt, sin, cos, ex2, lg2
  Pipe convert;  // conversions but those from and to 64 bits
  Pipe convert64;
  Pipe bit_count;  // popc, clz, bfind, brev
  Pipe shuffle;
  Pipe vote;
  Pipe warp_reduce;
  Pipe uniform;    // the uniform data path: one operation per warp
  Pipe predicate;  // results to predicate registers, seen by a branch
  Pipe branch;
  double barrier_cycles = 0;  // of a block's barrier: from the last arrival to the next issue
  double membar_block_cycles = 0;
  double membar_device_cycles = 0;
  double membar_system_cycles = 0;
};

// Dense FLOP or OP per SM and cycle of warp-level mma; 2:4 sparsity doubles those that have it. 0: the card
// has no such form.
struct Tensor {
  double fp16_acc_fp16 = 0;
  double fp16_acc_fp32 = 0;
  double bf16_acc_fp32 = 0;
  double tf32 = 0;
  double int8 = 0;
  double int4 = 0;
  double binary = 0;
  double fp8 = 0;
  double fp6 = 0;
  double fp4 = 0;               // the plain (f8f6f4) path
  double fp4_block_scaled = 0;  // mxfp4, nvfp4
  double sparse_factor = 0;
  double latency_cycles = 0;  // of an m16n8k16 with fp32 accumulation, to a dependent mma
  // How floats are added up: kept are so many bits behind the largest exponent, and so many bits of a row of
  // A are one sum, to which the next is added. 0: the card has no tensor cores.
  int fraction_bits = 0;
  int bits_of_sum = 0;
  int fp4_fraction_bits = 0;  // of fp4 in scaled blocks
};

struct RayTracing {
  double tflops_per_core_ghz = 0;  // the vendor's 'RT TFLOPS' per core and GHz of boost
};

// The path from a sub-core to L1.
struct LoadStore {
  int queue_entries_per_sub_core = 0;
  double request_interval_cycles = 0;    // the shared pipe accepts one request in so many cycles
  double shared_interval_cycles = 0;     // and one of shared memory
  double sub_core_interval_cycles = 0;   // one memory instruction of a sub-core in so many cycles
  double address_latency_cycles = 0;     // L1 minimum latency of the pipe (queueing excluded)
  double store_read_latency_cycles = 0;  // a store's operands may be overwritten after this
};

struct L1 {
  int bytes = 0;  // together with shared memory
  int line_bytes = 0;
  int sector_bytes = 0;
  double load_bytes_per_cycle = 0;
  double lines_per_cycle = 0;  // tag look-ups of one SM
  double load_latency_cycles = 0;
  double uniform_load_latency_cycles = 0;
};

struct L2 {
  std::int64_t bytes = 0;
  int line_bytes = 0;
  int sector_bytes = 0;
  int slices = 0;
  int ways = 0;                      // lines of one set
  double read_bytes_per_cycle = 0;   // whole chip, SM cycles
  double write_bytes_per_cycle = 0;  // the same; both at once
  double port_bytes_per_cycle = 0;   // between one SM and the L2, each way
  double latency_cycles = 0;         // a load that hits L2, from issue, SM cycles
  std::int64_t max_persisting_bytes = 0;
  std::int64_t max_access_window_bytes = 0;
};

struct Memory {
  std::string type;              // "GDDR6"
  std::int64_t bytes = 0;        // what a program sees
  std::int64_t board_bytes = 0;  // what the management tools show
  int bus_width_bits = 0;
  double clock_mhz = 0;  // as the driver reports it: two transfers per cycle
  int channels = 0;
  int sub_partitions = 0;  // per channel
  int page_bytes = 0;      // of one open row in one channel, 0 where not known
  int access_bytes = 32;   // that L2 reads at least, where a sector of them is missing
  double latency_ns = 0;   // a load that misses every cache, from issue
  // What a read waits for writes on average while the memory writes: a share of the time.
  double write_wait_ns = 0;
  double read_efficiency = 0;  // sustained / peak
  double write_efficiency = 0;
  double copy_efficiency = 0;  // one byte read for each written
  bool ecc = false;            // on in the state described

  double peak_bytes_per_second() const { return clock_mhz * 1e6 * 2 * bus_width_bits / 8; }
};

// What turning ECC on takes, of the memory described without it. memory_share 0: the file does not say.
struct Ecc {
  double memory_share = 0;     // of the bytes, that are left
  double bandwidth_share = 1;  // of what is sustained
  bool on_die = false;         // the memory chips correct single bits themselves, whatever the mode
  int spare_rows = 0;          // that take the place of bad ones
};

struct Launch {
  double start_us = 0;  // from the front end's start on a kernel to its first block's first instruction
  double block_interval_cycles = 0;  // between block starts of the whole card, SM cycles
  double warp_start_cycles = 0;      // between the first instructions of a block's warps
  // From the end of a block to the first instruction of the one that takes its place on the SM.
  double block_start_cycles = 0;
  double gap_us = 0;         // from the end of a kernel to the start of the next one on its stream
  double graph_gap_us = 0;   // the same between the nodes of a graph
  double round_trip_us = 0;  // submit, run, notice on the host
};

struct Pcie {
  int generation = 0;
  int lanes = 0;
  double gigatransfers_per_second = 0;  // per lane
  double encoding_efficiency = 0;       // 128/130
  double to_device_efficiency = 0;      // of pinned copies, sustained / peak
  double to_host_efficiency = 0;
  double pageable_efficiency = 0;  // pageable copies relative to pinned ones
  double latency_us = 0;           // of one copy, before the first byte
  int max_payload_bytes = 0;       // of a packet
  int answer_header_bytes = 0;     // of a packet that brings what the card asked for, framing and all
  int write_header_bytes = 0;      // of one that the card writes with
  int read_requests = 0;           // of the card that may be under way at once
  double round_trip_ns = 0;        // of a read
  double peer_efficiency = 0;      // of copies from card to card, sustained / peak
  std::int64_t staging_bytes = 0;  // of a copy between cards through the host: what is led on at once
  int vendor_id = 0;
  int device_id = 0;

  double peak_bytes_per_second() const {  // one direction
    return gigatransfers_per_second * 1e9 / 8 * encoding_efficiency * lanes;
  }
  double to_device_bytes_per_second() const { return peak_bytes_per_second() * to_device_efficiency; }
  double to_host_bytes_per_second() const { return peak_bytes_per_second() * to_host_efficiency; }
  double to_peer_bytes_per_second() const { return peak_bytes_per_second() * peer_efficiency; }
  // Seconds for which one of many packets keeps the link, by the bytes of the program's that it carries: what
  // is sustained with packets of max_payload_bytes, a header with each. Of what the card reads, and of what
  // it writes.
  double answer_s(double bytes) const {
    return packet_s(bytes, answer_header_bytes, to_device_bytes_per_second());
  }
  double write_s(double bytes) const {
    return packet_s(bytes, write_header_bytes, to_host_bytes_per_second());
  }

 private:
  double packet_s(double bytes, double header, double bytes_per_second) const {
    return (bytes + header) / (max_payload_bytes + header) * max_payload_bytes / bytes_per_second;
  }
};

// Pages of managed memory that move because somebody touched them.
struct Managed {
  double fault_us = 0;          // from the first touch until the page comes
  double fault_efficiency = 0;  // bytes per second, relative to a copy of pinned memory
};

struct NvLink {
  int links = 0;
  double bytes_per_second_per_link = 0;  // one direction
  double efficiency = 0;                 // of copies, sustained / peak
  double reverse_share = 0;              // of the other direction, what a copy keeps busy of its own
  double latency_us = 0;                 // of a copy, before the first byte
  int header_bytes = 0;                  // of a packet that a kernel's access makes, of a line at most
  double round_trip_ns = 0;              // of a kernel's read
  int max_peers = 0;                     // cards that it can be joined with

  double peak_bytes_per_second() const { return links * bytes_per_second_per_link; }  // one direction
  double copy_bytes_per_second() const { return peak_bytes_per_second() * efficiency; }
  // Seconds for which a packet keeps one direction, by the bytes of the program's that it carries.
  double packet_s(double bytes) const { return (bytes + header_bytes) / peak_bytes_per_second(); }
};

struct Engines {
  int copy = 0;
  int nvenc = 0;
  int nvenc_generation = 0;
  int nvdec = 0;
  int nvdec_generation = 0;
  int jpeg = 0;
  int optical_flow = 0;
};

// Energy and clock. Times of a launch at `sustained_mhz` become longer where these say the limit is reached.
struct Power {
  double limit_w = 0;
  double max_limit_w = 0;
  double limiter_ms = 0;  // time constant of the average that is held to limit_w
  double idle_w = 0;
  double idle_after_s =
      0;                // of waiting, before it falls to idle_w; 0: it stays awake while a process uses it
  double awake_w = 0;   // clocked up, nothing running
  double active_w = 0;  // every SM busy, no operation or byte counted
  double fp32_pj_per_flop = 0;
  double fp16_pj_per_flop = 0;
  double fp64_pj_per_flop = 0;
  double tensor_pj_per_flop = 0;  // fp16 with fp32 accumulation
  double instruction_pj = 0;      // a thread operation that is no floating-point arithmetic
  double dram_pj_per_byte = 0;
  double l2_pj_per_byte = 0;
  double bus_pj_per_byte = 0;  // of PCI Express and NVLink: the card's end
  double reference_mhz = 0;    // the clock at which the figures above hold
  double min_mhz = 0;          // the clock is never lowered below this
  double clock_step_mhz = 0;
  double voltage_exponent = 0;  // dynamic energy per operation grows with (clock / reference)^this
};

// How warm the card gets, to the first order: at P watts for long, `ambient_c` + P x `c_per_w`; it goes there
// with one time constant. No time constant: the card's temperature is not told.
struct Thermal {
  double ambient_c = 0;  // where the line through measured temperatures meets 0 W
  double c_per_w = 0;
  double time_constant_s = 0;
  double max_operating_c = 0;  // 0: not known, as the other two
  double slowdown_c = 0;
  double shutdown_c = 0;
};

// What management software (NVML) is told and may set, where no other group says it.
struct Management {
  std::string brand;        // "NVIDIA RTX", "NVIDIA"
  double min_limit_w = 0;   // lowest power limit that may be set; 0: the limit cannot be set
  int idle_memory_mhz = 0;  // of the memory, while the card idles
  int busy_state = 0;       // performance state (P0 to P15) while kernels run,
  int awake_state = 0;      // while it waits, clocked up,
  int idle_state = 0;       // and while it idles
  int fans = 0;             // 0: cooled by the case's
  double fan_percent = 0;   // of their full speed
  std::int64_t bar1_bytes = 0;
};

// How processes of which each has a context of its own share the SMs: one at a time, in turns. Without a
// slice, nobody says how long a turn is, and none waits for another.
struct TimeSlicing {
  double slice_us = 0;
  double switch_us = 0;  // from the work of one process to that of another
};

// Numbers of partitions are below this; what processes share has room for so many (node/partition_layout.h).
inline constexpr int kMostPartitions = 16;

// What a partition (a GPU instance of MIG) may get.
struct PartitionProfile {
  std::string name;  // "1g.24gb"
  int kind = 0;      // NVML's number of a kind of profile (NVML_GPU_INSTANCE_PROFILE_...)
  int id = 0;        // NVML's number of the profile on this card, by which instances are made
  int slices = 0;    // of the compute slices; so many compute instances may share it
  int sm_count = 0;
  std::int64_t memory_mib = 0;  // MiB that an instance shows and gives to programs
  double memory_fraction = 0;
  double bandwidth_fraction = 0;  // of the memory's
  double sm_fraction = 0;
  double l2_fraction = 0;
  int nvenc = 0;
  int nvdec = 0;
  int jpeg = 0;
  int optical_flow = 0;
  int copy_engines = 0;
  bool graphics = false;
  int max_instances = 0;
  std::vector<int> placements;    // memory slices that an instance may begin at,
  int placement_size = 0;         // how many it takes from there,
  std::vector<int> instance_ids;  // and its number, by the place it has
  Provenance provenance;
  std::map<std::string, Provenance> provenances;  // of keys that have another, by name

  const Provenance& provenance_of(const std::string& key) const {
    const auto found = provenances.find(key);
    return found != provenances.end() ? found->second : provenance;
  }
};

// Limits of textures and surfaces and of addresses, as the driver reports them.
struct Textures {
  int alignment_bytes = 0;
  int pitch_alignment_bytes = 0;
  int surface_alignment_bytes = 0;
  double samples_per_cycle = 0;  // bilinear ones of an SM, of texels of up to 8 bytes
  double nearest_factor = 1;     // as many more of the nearest texel alone
  double wide_texel_cycles = 1;  // times as long, of texels of 16 bytes
  double latency_cycles = 0;     // of a fetch that the L1 has
  std::int64_t max_pitch_bytes = 0;
  int max_1d = 0;
  int max_1d_linear = 0;
  int max_1d_mipmapped = 0;
  std::array<int, 2> max_1d_layered{};  // width, layers
  std::array<int, 2> max_2d{};
  std::array<int, 3> max_2d_linear{};  // width, height, pitch
  std::array<int, 2> max_2d_mipmapped{};
  std::array<int, 2> max_2d_gather{};
  std::array<int, 3> max_2d_layered{};  // width, height, layers
  std::array<int, 3> max_3d{};
  std::array<int, 3> max_3d_alternate{};
  int max_cubemap = 0;
  std::array<int, 2> max_cubemap_layered{};  // width, layers
  int max_surface_1d = 0;
  std::array<int, 2> max_surface_1d_layered{};
  std::array<int, 2> max_surface_2d{};
  std::array<int, 3> max_surface_2d_layered{};
  std::array<int, 3> max_surface_3d{};
  int max_surface_cubemap = 0;
  std::array<int, 2> max_surface_cubemap_layered{};
};

struct Card {
  std::string id;           // "rtx-a6000": what --card takes
  std::string name;         // "NVIDIA RTX A6000": what the driver reports
  std::string description;  // one line
  ComputeCapability compute_capability;
  int sm_count = 0;
  std::int64_t constant_bytes = 0;
  Chip chip;
  Clocks clocks;
  Sm sm;
  SharedMemory shared;
  FrontEnd front_end;
  Pipes pipes;
  Tensor tensor;
  RayTracing ray_tracing;
  LoadStore load_store;
  L1 l1;
  L2 l2;
  Memory memory;
  Ecc ecc;
  Launch launch;
  Pcie pcie;
  Managed managed;
  NvLink nvlink;
  Engines engines;
  Power power;
  Textures textures;
  Thermal thermal;
  Management management;
  TimeSlicing time_slicing;
  std::vector<PartitionProfile> partitions;

  std::string based_on;                          // id of the card whose numbers it takes over, or empty
  std::string file;                              // where it was read from
  std::map<std::string, Provenance> provenance;  // by key, "clocks.boost_mhz"
};

}  // namespace doppel::card
