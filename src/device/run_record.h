// SPDX-License-Identifier: Apache-2.0
// What one process did on one card: the contents of a run record file.
//
// The driver writes one file for each process that used the card, when the process ends (normally or not),
// into the folder that DOPPEL_RECORD names: DOPPEL_RECORD/PID.json. `doppel run` and `doppel compare` read
// them back and make the report. Times and energies are the modelled card's, in microseconds and joules;
// `host` times are this machine's.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "support/result.h"

namespace doppel::device {

// How busy one unit of the card was during a kernel.
struct Utilisation {
  std::string unit;
  double share = 0;  // of the time, 0 to 1
};

// A place of a kernel's code and its part of the time that the SMs' sub-cores had.
struct CodeRecord {
  std::string function;
  int line = 0;             // of the PTX; 0: not one
  std::string source;       // "file.cu:12"; empty: not known
  std::string instruction;  // "ld.global.f32"; empty: not one alone
  double share = 0;         // 0 to 1
  double issued = 0;        // the part of it in which it was issued
  std::string stall;        // what most of the rest was
  double stalled = 0;       // and its share
  // Of an access of a warp: 32-byte sectors, or turns of the banks of shared memory, and as few as would do
  // for the bytes it moves; else 0.
  double transfers = 0;
  double least_transfers = 0;
  bool shared_memory = false;
};

// A basic block of a kernel's code.
struct BlockRecord {
  std::string function;
  int block = 0;
  int first_line = 0, last_line = 0;  // of the PTX
  double share = 0;
  double warps = 0;  // that entered it, in one launch
};

// Where the time of a kernel's last simulated launch went.
struct ExplanationRecord {
  double simulated = 0;                  // of its instructions; the rest was extrapolated from these
  double achieved_occupancy = 0;         // resident warps on a working SM, on average / its maximum
  int working_sms = 0;                   // SMs that got a block
  std::vector<Utilisation> slots;        // of the sub-cores' cycles: issuing, each stall, idle: they sum to 1
  std::vector<Utilisation> candidates;   // what may have bound it, largest first
  std::vector<CodeRecord> instructions;  // the largest, largest first, as are the next two
  std::vector<CodeRecord> lines;         // of the user's source; empty: not known
  std::vector<BlockRecord> blocks;
};

// All launches of one kernel with the same grid and block.
struct KernelRecord {
  std::string name;  // demangled where it is a C++ name
  std::array<unsigned, 3> grid{1, 1, 1};
  std::array<unsigned, 3> block{1, 1, 1};
  std::uint64_t calls = 0;
  double time_us = 0;  // of all calls together
  double min_us = 0;   // of one call
  double max_us = 0;
  std::string bound;  // what limits it: "dram", "fp32", "latency", "launch", … (timing decides the words)
  std::string explanation;      // one sentence, may be empty
  std::string advice;           // one sentence, may be empty
  int registers = 0;            // per thread
  int spilled_bytes = 0;        // per thread: what registers could not hold
  int shared_bytes = 0;         // per block, static and dynamic
  double occupancy = 0;         // resident warps / the SM's warps, 0 to 1
  std::string occupancy_limit;  // "registers", "shared memory", "warps", "blocks", "barriers", "grid"
  std::uint64_t thread_instructions = 0;  // of all calls together, as are the counts below
  std::uint64_t warp_instructions = 0;
  std::uint64_t flops = 0;  // arithmetic of all floating-point types; an FMA is two
  std::uint64_t dram_bytes = 0;
  double l1_hit = 0;  // share of sectors, 0 to 1
  double l2_hit = 0;
  double waves = 0;                      // grid blocks / blocks resident at once
  double clock_mhz = 0;                  // mean clock it ran at
  bool power_bound = false;              // the power limit lowered the clock
  double energy_j = 0;                   // of all calls together: their part of RunRecord::energy_j
  std::vector<Utilisation> utilisation;  // largest first
  ExplanationRecord detail;
  // Which calls were simulated by a trace of their own, 1 for the first, the first kMostSimulatedNamed of
  // them; the others were found to be like one of these, and took its time. Of the first process with the
  // kernel.
  std::vector<std::uint64_t> simulated_calls;
};

// All copies and fills of one kind.
struct CopyRecord {
  std::string kind;  // "host to device", "device to host", "device to device", "peer", "fill"; pageable ones
                     // end in " (pageable)", those between cards through the host in " (staged)"
  std::uint64_t bytes = 0;
  std::uint64_t calls = 0;
  double time_us = 0;
  double energy_j = 0;  // their part of RunRecord::energy_j
};

// One stretch of the virtual timeline, for traces.
struct TimelineSlice {
  std::string track;  // "stream 7", "copies to the card", "host thread 1"
  std::string label;  // kernel, kind of copy, or function of the interface
  double start_us = 0;
  double duration_us = 0;
  std::string category;     // "kernel", "copy", "host call" or, within one, "host waits"
  int kernel = -1;          // of a kernel: its place in RunRecord::kernels
  std::uint64_t bytes = 0;  // of a copy
};

// What the card draws, and its clock, from that moment on. For traces.
struct PowerRecord {
  double time_us = 0;
  double watts = 0;
  double clock_mhz = 0;
};

// By how much the room that a kernel, or a copy within the card, takes of the SMs changes at that moment. For
// traces.
struct SmRoomRecord {
  double time_us = 0;
  std::string label;  // kernel or kind of copy
  double sms = 0;     // so many SMs' worth of blocks more, or fewer
};

// What one pass over kernels took on this machine, all runs of it together.
struct PassRecord {
  std::string pass;
  double seconds = 0;
  std::uint64_t runs = 0;
};

struct Diagnostic {
  std::string kind;  // "refused launch", "illegal address", "unfinished", … (src/report/README.md)
  std::string text;
  std::uint64_t count = 1;
};

struct RunRecord {
  std::string card;        // id
  std::string partition;   // of the card, that the process had: "1g.24gb"; empty: all of it
  int device_ordinal = 0;  // of the devices of the process
  std::int64_t process_id = 0;
  std::string program;       // as started
  std::string timing_depth;  // "fast", "full", "off"
  double time_us = 0;        // from the first use of the card to its end, on the virtual timeline
  double busy_us = 0;        // at least one engine of the card at work
  double host_us = 0;        // the rest of time_us: the card waits for the program
  double context_us = 0;     // of host_us: contexts were made and destroyed
  double energy_j = 0;       // in time_us: of kernels, of copies, and of waiting
  double waiting_energy_j = 0;
  std::uint64_t peak_memory_bytes = 0;  // of the card
  std::vector<KernelRecord> kernels;
  std::vector<CopyRecord> copies;
  std::vector<TimelineSlice> timeline;  // at most kMaxTimelineSlices of the card and of the host
                                        // each; the first ones are kept
  std::uint64_t timeline_dropped = 0;
  std::vector<PowerRecord> power;  // where there is a timeline; at most kMaxTimelineSlices, as is the next
  std::vector<SmRoomRecord> sm_room;
  std::vector<Diagnostic> diagnostics;
  bool predict_only = false;       // launches ran only the blocks that predictions need
  std::vector<PassRecord> passes;  // where they were asked for; of the process, in its first record
};

inline constexpr std::size_t kMostSimulatedNamed = 1000;
inline constexpr std::size_t kMaxTimelineSlices = 200000;

// A pipe in the folder, where the reader of the records has made one, by which it hears of compilations. At
// each change a process writes one line of four numbers: its id, how many compilations it has under way, and
// of the kernel that was begun last which one it is of those launched so far, and how many these are.
inline constexpr const char* kCompilationsPipe = "compiling";

// A file holds an array of records: one for each card that the process used.
std::string to_json(const std::vector<RunRecord>& records);
// Errors: InvalidInput with what is wrong in `text`.
Result<std::vector<RunRecord>> run_records_from_json(const std::string& text);

// Writes `folder`/PID.json in one step (a reader never sees half a file). Error Io names the file.
Result<void> write_run_records(const std::filesystem::path& folder, const std::vector<RunRecord>& records);
// All records of `folder`, ordered by process and device. A folder without files gives none.
Result<std::vector<RunRecord>> read_run_records(const std::filesystem::path& folder);

}  // namespace doppel::device
