// SPDX-License-Identifier: Apache-2.0
// The figures of a report by name, as `--fail-if` and the CSV form know them.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "report/report.h"

namespace doppel::report {

// Of a whole report, of a run, or of a run and (summed) of the kernels of a name. No value: not known.
struct Figure {
  std::string_view name;
  std::string_view meaning;
  std::optional<double> (*of_report)(const Report&) = nullptr;
  std::optional<double> (*of_run)(const Run&) = nullptr;
  double (*of_kernel)(const device::KernelRecord&) = nullptr;
  bool is_timed = false;  // of a kernel: only known where launches were timed
};

std::span<const Figure> figures();
const Figure* find_figure(std::string_view name);  // null: there is none

}  // namespace doppel::report
