// SPDX-License-Identifier: Apache-2.0
// One line a kernel, a kind of copy, and a run; one quantity a column, in one unit. What is not known is
// empty.
#include <fmt/format.h>

#include <array>
#include <map>
#include <string_view>

#include "report/diagnostics.h"
#include "report/write_report.h"

namespace doppel::report {
namespace {

constexpr std::array<std::string_view, 38> kColumns = {"card",
                                                       "row",
                                                       "name",
                                                       "grid_x",
                                                       "grid_y",
                                                       "grid_z",
                                                       "block_x",
                                                       "block_y",
                                                       "block_z",
                                                       "calls",
                                                       "time_us",
                                                       "min_us",
                                                       "max_us",
                                                       "bound",
                                                       "registers",
                                                       "shared_bytes",
                                                       "occupancy",
                                                       "waves",
                                                       "thread_instructions",
                                                       "warp_instructions",
                                                       "flops",
                                                       "dram_bytes",
                                                       "l1_hit",
                                                       "l2_hit",
                                                       "clock_mhz",
                                                       "kernel_energy_j",
                                                       "copied_bytes",
                                                       "copy_energy_j",
                                                       "program_time_us",
                                                       "busy_us",
                                                       "host_us",
                                                       "program_energy_j",
                                                       "waiting_energy_j",
                                                       "peak_memory_bytes",
                                                       "exit",
                                                       "refusals",
                                                       "faults",
                                                       "verdict_time_ratio"};

// RFC 4180.
std::string cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out.append(c == '"' ? 2 : 1, c);
  out += '"';
  return out;
}

class Line {
 public:
  Line(const Run& run, std::string_view row) : timed_(run.timed()) {
    set("card", run.card);
    set("row", row);
  }
  template <typename Value>
  void set(std::string_view column, const Value& value) {
    cells_[column] = cell(fmt::format("{}", value));
  }
  template <typename Value>
  void set_timed(std::string_view column, const Value& value) {
    if (timed_) set(column, value);
  }
  std::string text() const {
    std::string out;
    for (const std::string_view column : kColumns) {
      const auto found = cells_.find(column);
      out += (out.empty() && column == kColumns[0] ? "" : ",") + (found == cells_.end() ? "" : found->second);
    }
    return out + "\n";
  }

 private:
  bool timed_;
  std::map<std::string_view, std::string> cells_;
};

std::string kernel_line(const Run& run, const device::KernelRecord& k) {
  Line line(run, "kernel");
  line.set("name", k.name);
  constexpr std::array<std::string_view, 3> kGrid = {"grid_x", "grid_y", "grid_z"};
  constexpr std::array<std::string_view, 3> kBlock = {"block_x", "block_y", "block_z"};
  for (std::size_t i = 0; i < 3; ++i) {
    line.set(kGrid[i], k.grid[i]);
    line.set(kBlock[i], k.block[i]);
  }
  line.set("calls", k.calls);
  line.set("shared_bytes", k.shared_bytes);
  line.set_timed("time_us", k.time_us);
  line.set_timed("min_us", k.min_us);
  line.set_timed("max_us", k.max_us);
  line.set_timed("bound", k.bound);
  line.set_timed("registers", k.registers);
  line.set_timed("occupancy", k.occupancy);
  line.set_timed("waves", k.waves);
  line.set_timed("thread_instructions", k.thread_instructions);
  line.set_timed("warp_instructions", k.warp_instructions);
  line.set_timed("flops", k.flops);
  line.set_timed("dram_bytes", k.dram_bytes);
  line.set_timed("l1_hit", k.l1_hit);
  line.set_timed("l2_hit", k.l2_hit);
  line.set_timed("clock_mhz", k.clock_mhz);
  line.set_timed("kernel_energy_j", k.energy_j);
  return line.text();
}

std::string copy_line(const Run& run, const device::CopyRecord& copy) {
  Line line(run, "copy");
  line.set("name", copy.kind);
  line.set("calls", copy.calls);
  line.set("copied_bytes", copy.bytes);
  line.set_timed("time_us", copy.time_us);
  line.set_timed("copy_energy_j", copy.energy_j);
  return line.text();
}

std::string run_line(const Run& run, const Report& report) {
  Line line(run, "run");
  line.set("calls", run.launches());
  line.set_timed("program_time_us", run.time_us);
  line.set_timed("busy_us", run.busy_us);
  line.set_timed("host_us", run.host_us);
  line.set_timed("program_energy_j", run.energy_j);
  line.set_timed("waiting_energy_j", run.waiting_energy_j);
  if (run.devices > 0) line.set("peak_memory_bytes", run.peak_memory_bytes);
  line.set("exit", run.exit);
  line.set("refusals", refusals(run));
  line.set("faults", faults(run));
  if (report.verdict.time_ratio > 0) line.set("verdict_time_ratio", report.verdict.time_ratio);
  return line.text();
}

}  // namespace

std::string to_csv(const Report& report) {
  std::string out = fmt::format("{}\n", fmt::join(kColumns, ","));
  for (const Run& run : report.runs) {
    for (const device::KernelRecord& kernel : run.kernels) out += kernel_line(run, kernel);
    for (const device::CopyRecord& copy : run.copies) out += copy_line(run, copy);
    out += run_line(run, report);
  }
  return out;
}

}  // namespace doppel::report
