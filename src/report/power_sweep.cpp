// SPDX-License-Identifier: Apache-2.0
#include "report/power_sweep.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "report/quantities.h"

namespace doppel::report {
namespace {

template <typename Value>
void add_once(std::vector<Value>& values, const Value& value) {
  if (std::ranges::find(values, value) == values.end()) values.push_back(value);
}

// Over the kernels' time.
double mean_mhz(const Run& run) {
  double cycles = 0;
  for (const device::KernelRecord& kernel : run.kernels) cycles += kernel.clock_mhz * kernel.time_us;
  return run.kernel_us() > 0 ? cycles / run.kernel_us() : 0;
}

double mean_watts(const Run& run) {
  return run.kernel_us() > 0 ? run.kernel_energy_j() / run.kernel_us() * 1e6 : 0;
}

const Run* find(const Report& report, const std::string& card, double limit) {
  for (const Run& run : report.runs) {
    if (run.card == card && run.power_limit_w == limit) return &run;
  }
  return nullptr;
}

}  // namespace

bool is_power_sweep(const Report& report) {
  return std::ranges::any_of(
      report.runs, [&](const Run& run) { return run.power_limit_w != report.runs.front().power_limit_w; });
}

Table power_sweep(const Report& report) {
  std::vector<double> limits;
  std::vector<std::string> cards;
  for (const Run& run : report.runs) {
    add_once(limits, run.power_limit_w);
    add_once(cards, run.card);
  }
  std::ranges::sort(limits);
  Table table;
  table.columns.push_back({"power limit", Align::Right});
  for (const std::string& card : cards) {
    const Run& any = *std::ranges::find(report.runs, card, &Run::card);
    for (const char* title : {"kernels", "clock", "power", "work per joule"})
      table.columns.push_back({fmt::format("{}: {}", any.card_name, title), Align::Right});
  }
  const Run* const base = find(report, cards.front(), limits.back());
  for (const double limit : limits) {
    std::vector<std::string> cells{fmt::format("{:g} W", limit)};
    for (const std::string& card : cards) {
      const Run* const run = find(report, card, limit);
      if (run == nullptr || !run->timed() || run->kernel_us() <= 0) {
        cells.insert(cells.end(), 4, "-");
        continue;
      }
      cells.push_back(time_text(run->kernel_us()));
      cells.push_back(fmt::format("{:.0f} MHz", mean_mhz(*run)));
      cells.push_back(fmt::format("{:.0f} W", mean_watts(*run)));
      cells.push_back(base != nullptr && run->kernel_energy_j() > 0
                          ? ratio_text(base->kernel_energy_j() / run->kernel_energy_j())
                          : "-");
    }
    table.add(std::move(cells));
  }
  return table;
}

}  // namespace doppel::report
