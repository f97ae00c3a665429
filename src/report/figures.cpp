// SPDX-License-Identifier: Apache-2.0
#include "report/figures.h"

#include <algorithm>
#include <array>

#include "report/diagnostics.h"

namespace doppel::report {
namespace {

using Kernel = device::KernelRecord;
using Value = std::optional<double>;

Value if_timed(const Run& run, double value) { return run.timed() ? Value(value) : std::nullopt; }
double number(std::uint64_t count) { return static_cast<double>(count); }

// Of the first card over the last one's, as the columns of the table are put in relation.
Value relation(const Report& report, double (*of)(const Run&)) {
  if (report.runs.size() < 2 || !report.verdict.withheld.empty()) return std::nullopt;
  const double last = of(report.runs.back());
  return last > 0 ? Value(of(report.runs.front()) / last) : std::nullopt;
}

const std::array kFigures = {
    Figure{"ratio",
           "card at work: the first card's time over the last one's; larger than 1: the last one is faster",
           [](const Report& r) { return relation(r, [](const Run& run) { return run.busy_us; }); }},
    Figure{"energy_ratio", "the same of the kernels' energy",
           [](const Report& r) { return relation(r, [](const Run& run) { return run.kernel_energy_j(); }); }},
    Figure{"time", "the card at work, in us; of kernels: their sum", nullptr,
           [](const Run& run) { return if_timed(run, run.busy_us); },
           [](const Kernel& k) { return k.time_us; }, true},
    Figure{"busy_us", "the card at work", nullptr, [](const Run& run) { return if_timed(run, run.busy_us); }},
    Figure{"time_us",
           "the program from start to end, the host's part as this machine takes it; of kernels: their sum",
           nullptr, [](const Run& run) { return if_timed(run, run.time_us); },
           [](const Kernel& k) { return k.time_us; }, true},
    Figure{"host_us", "the card waits for the program, as this machine takes it", nullptr,
           [](const Run& run) { return if_timed(run, run.host_us); }},
    Figure{"kernel_us", "sum over kernels", nullptr,
           [](const Run& run) { return if_timed(run, run.kernel_us()); },
           [](const Kernel& k) { return k.time_us; }, true},
    Figure{"copy_us", "sum over copies", nullptr,
           [](const Run& run) { return if_timed(run, run.copy_us()); }},
    Figure{"energy_j", "from start to end, waiting included; of kernels: their sum", nullptr,
           [](const Run& run) { return if_timed(run, run.energy_j); },
           [](const Kernel& k) { return k.energy_j; }, true},
    Figure{"kernel_energy_j", "sum over kernels", nullptr,
           [](const Run& run) { return if_timed(run, run.kernel_energy_j()); },
           [](const Kernel& k) { return k.energy_j; }, true},
    Figure{"copy_energy_j", "sum over copies and fills", nullptr,
           [](const Run& run) { return if_timed(run, run.copy_energy_j()); }},
    Figure{"waiting_energy_j", "while the card waits for the program, as this machine takes it", nullptr,
           [](const Run& run) { return if_timed(run, run.waiting_energy_j); }},
    Figure{"dram_bytes", "moved between the card's memory and its L2 by kernels", nullptr,
           [](const Run& run) {
             double sum = 0;
             for (const Kernel& k : run.kernels) sum += number(k.dram_bytes);
             return if_timed(run, sum);
           },
           [](const Kernel& k) { return number(k.dram_bytes); }, true},
    Figure{"peak_memory_bytes", "of the card, at most at once", nullptr,
           [](const Run& run) { return Value(number(run.peak_memory_bytes)); }},
    Figure{"launches", "of kernels", nullptr, [](const Run& run) { return Value(number(run.launches())); },
           [](const Kernel& k) { return number(k.calls); }},
    Figure{"refusals", "what was refused: modules, kernels, launches, functions", nullptr,
           [](const Run& run) { return Value(number(refusals(run))); }},
    Figure{"faults", "illegal addresses, traps, and what --check found", nullptr,
           [](const Run& run) { return Value(number(faults(run))); }},
    Figure{"exit", "the program's status", nullptr, [](const Run& run) { return Value(run.exit); }},
};

}  // namespace

std::span<const Figure> figures() { return kFigures; }

const Figure* find_figure(std::string_view name) {
  const auto* found =
      std::find_if(kFigures.begin(), kFigures.end(), [&](const Figure& f) { return f.name == name; });
  return found == kFigures.end() ? nullptr : found;
}

}  // namespace doppel::report
