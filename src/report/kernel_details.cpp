// SPDX-License-Identifier: Apache-2.0
#include "report/kernel_details.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/quantities.h"
#include "report/summary.h"

namespace doppel::report {

namespace {

// "8 % of 100 %": what was there, of what fits.
std::string occupancy_text(const device::KernelRecord& k) {
  std::string fits = percent_text(k.occupancy);
  if (k.detail.slots.empty()) return fits;
  return fmt::format("{} of {}", percent_text(k.detail.achieved_occupancy), fits);
}

}  // namespace

std::string program_text(const Report& report) { return fmt::format("{}", fmt::join(report.program, " ")); }
std::string flags_text(const Report& report) {
  return report.flags.empty() ? "" : fmt::format("doppel {}", fmt::join(report.flags, " "));
}

std::string origin_text(const Report& report) {
  std::string out = fmt::format("Made by Doppel {}", DOPPEL_VERSION);
  if (!report.date.empty()) out += " on " + report.date;
  if (!report.flags.empty()) out += fmt::format(" by '{}'", flags_text(report));
  return out + ". Times and energies are modelled.";
}

Table kernel_details(const Run& run) {
  Table table{{{"kernel"},
               {"calls", Align::Right},
               {"time", Align::Right},
               {"each", Align::Right},
               {"bound by"},
               {"registers", Align::Right},
               {"occupancy", Align::Right},
               {"limited by"},
               {"instructions", Align::Right},
               {"FLOP", Align::Right},
               {"DRAM", Align::Right},
               {"L2 hits", Align::Right},
               {"clock", Align::Right},
               {"energy", Align::Right}},
              {}};
  for (const device::KernelRecord& k : run.kernels) {
    const std::string shape = " [" + shape_text(k) + "]";
    std::vector<std::string> cells = {k.name + shape, count_text(static_cast<double>(k.calls))};
    if (run.timed()) {
      const double calls = static_cast<double>(std::max<std::uint64_t>(k.calls, 1));
      cells.insert(
          cells.end(),
          {time_text(k.time_us), time_text(k.time_us / calls), k.bound + (k.power_bound ? ", power" : ""),
           fmt::format("{}", k.registers), occupancy_text(k), k.occupancy_limit,
           count_text(static_cast<double>(k.thread_instructions)), count_text(static_cast<double>(k.flops)),
           bytes_text(static_cast<double>(k.dram_bytes)), percent_text(k.l2_hit),
           fmt::format("{:.0f} MHz", k.clock_mhz), energy_text(k.energy_j)});
    }
    table.add(std::move(cells));
    table.rows.back().kernel = {k.name, shape};
  }
  return table;
}

Table places_table(const std::vector<device::CodeRecord>& places) {
  constexpr std::size_t kMost = 8;
  Table table{{{"place"}, {"instruction"}, {"time", Align::Right}, {"mostly"}, {"transfers a warp"}}, {}};
  for (const device::CodeRecord& place : places) {
    if (table.rows.size() == kMost) break;
    std::string where = place.source;
    if (place.line > 0)
      where = fmt::format("PTX line {}{}{}", place.line, where.empty() ? "" : ", ", place.source);
    std::string transfers;
    if (place.least_transfers > 0)
      transfers = fmt::format("{:.3g}, at least {:.3g}", place.transfers, place.least_transfers);
    table.add({where, place.instruction, percent_text(place.share),
               place.stalled > place.issued ? "waits: " + place.stall : "issues", transfers});
  }
  return table;
}

Table passes_table(const Run& run) {
  Table table{{{"pass"}, {"runs", Align::Right}, {"on this machine", Align::Right}}, {}};
  for (const device::PassRecord& pass : run.passes) {
    table.add({pass.pass, count_text(static_cast<double>(pass.runs)), time_text(pass.seconds * 1e6)});
  }
  return table;
}

}  // namespace doppel::report
