#include "report/kernel_details.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/quantities.h"
#include "report/summary.h"

namespace doppel::report {

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
           fmt::format("{}", k.registers), percent_text(k.occupancy), k.occupancy_limit,
           count_text(static_cast<double>(k.thread_instructions)), count_text(static_cast<double>(k.flops)),
           bytes_text(static_cast<double>(k.dram_bytes)), percent_text(k.l2_hit),
           fmt::format("{:.0f} MHz", k.clock_mhz), energy_text(k.energy_j)});
    }
    table.add(std::move(cells));
    table.rows.back().kernel = {k.name, shape};
  }
  return table;
}

}  // namespace doppel::report
