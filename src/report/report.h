// SPDX-License-Identifier: Apache-2.0
// What `doppel run` and `doppel compare` found: one run a card, and what follows from them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "device/run_record.h"
#include "report/error_band.h"

namespace doppel::report {

// One execution of the program on one card (or on the cards of DOPPEL_CARDS together).
struct Run {
  std::string card;          // id
  std::string card_name;     // "RTX A6000"
  double power_limit_w = 0;  // that was asked for; 0: the card's own
  int exit = 0;              // the program's status; 128 + signal where one ended it
  int signal = 0;            // that ended the program; 0: none
  bool timed_out = false;
  int processes = 0;  // that used the card
  int devices = 0;    // cards they used, all processes together
  std::string timing_depth;
  bool predict_only = false;  // launches ran only the blocks that predictions need
  double time_us = 0;         // the longest process from start to end, on the virtual timeline
  double busy_us = 0;         // the card at work
  double host_us = 0;         // the rest of time_us: the card waits for the program
  double context_us = 0;      // of host_us: contexts were made and destroyed
  double wall_s = 0;          // what the run took on this machine
  double energy_j = 0;        // of all cards and processes: of kernels, copies and waiting
  double waiting_energy_j = 0;
  std::uint64_t peak_memory_bytes = 0;
  std::vector<device::KernelRecord> kernels;  // longest first
  std::vector<device::CopyRecord> copies;
  std::vector<device::Diagnostic> diagnostics;
  std::vector<device::PassRecord> passes;  // empty: they were not asked for
  struct Track {                           // a process's share of the timeline
    std::int64_t process_id = 0;
    int device_ordinal = 0;
    std::vector<device::TimelineSlice> slices;
    std::uint64_t dropped = 0;
    std::vector<device::KernelRecord> kernels;  // that the slices name by their place
    std::vector<device::PowerRecord> power;
    std::vector<device::SmRoomRecord> sm_room;
  };
  std::vector<Track> timeline;
  double kernel_us() const;
  double kernel_energy_j() const;
  double copy_us() const;
  double copy_energy_j() const;
  std::uint64_t launches() const;
  bool timed() const { return devices > 0 && timing_depth != "off"; }
};

struct Verdict {
  std::string withheld;       // why there is none, in words; empty where there is one, or a single run
  std::string faster;         // card id, empty where there is nothing to compare
  double time_ratio = 0;      // slower / faster, of the time the card is at work; 0: not known
  std::string thriftier;      // card id with the lower energy
  double energy_ratio = 0;    // of the kernels
  bool within_error = false;  // the difference in time is no larger than the model's error
  std::vector<std::string> sentences;
  std::string text() const;  // the sentences in one line
};

struct Report {
  std::vector<std::string> program;  // and its arguments
  std::vector<std::string> flags;    // of doppel: the command, then its options
  std::string date;                  // of the first start, UTC, as ISO 8601 writes it
  std::vector<Run> runs;
  std::optional<ErrorBand> error_band;  // none: not measured yet
  Verdict verdict;
};

// The records of one execution's processes as one run.
Run merge(const std::string& card, const std::string& card_name, std::vector<device::RunRecord> records);

// Fills `report.verdict` from its runs and its error band. There is a verdict only on runs that ended well,
// were timed, were refused nothing and launched the same kernels as often on every card.
void judge(Report& report);

// "ended by SIGSEGV (Segmentation fault)", "ended with status 3", "did not end in its time"; empty where the
// program ended with 0.
std::string bad_end(const Run& run);

}  // namespace doppel::report
