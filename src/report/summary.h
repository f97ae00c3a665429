// A report as tables: what `compare` prints, and what the Markdown and HTML forms hold.
#pragma once

#include <string>
#include <vector>

#include "report/report.h"
#include "report/table.h"

namespace doppel::report {

// A row a kernel, then copies and totals; the cards side by side. One run gives one card's columns and no
// ratios.
Table comparison(const Report& report);

// Sentences under the table: the verdict, checks that found something, runs that ended badly.
std::vector<std::string> remarks(const Report& report);

// One kernel in all runs. Launches of different shapes stand apart where every card had the same shapes,
// together where the program chose them by the card.
struct KernelRow {
  std::string label;                                // name, grid and block
  std::vector<const device::KernelRecord*> of_run;  // one a run; null where that run did not launch it
};
std::vector<KernelRow> kernel_rows(const Report& report, std::vector<device::KernelRecord>& storage);

// "20x10 x 32x32": grid and block without their trailing ones.
std::string shape_text(const device::KernelRecord& kernel);

}  // namespace doppel::report
