// SPDX-License-Identifier: Apache-2.0
// A report as tables: what `compare` prints, and what the Markdown and HTML forms hold.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "report/report.h"
#include "report/table.h"

namespace doppel::report {

// A row a kernel, then copies and totals; the cards side by side. One run gives one card's columns and no
// ratios. Kernels that take less than one percent of the kernels' time on every card share a row.
Table comparison(const Report& report);

// Who reads: a terminal has seen already what the driver library said while the program ran.
enum class Reader : std::uint8_t { Terminal, Page };

// Sentences under the table: the verdict, what went wrong, runs that ended badly, what a mark stands for.
std::vector<std::string> remarks(const Report& report, Reader reader);

// Behind the labels of what holds the host's part and so depends on this machine's speed.
inline constexpr const char* kThisMachine = " *";

// One kernel in all runs. Launches of different shapes stand apart where every card had the same shapes,
// together where the program chose them by the card.
struct KernelRow {
  std::string name;                                 // without its signature, but for overloads
  std::string shape;                                // " [grid 4, block 128]"
  std::vector<const device::KernelRecord*> of_run;  // one a run; null where that run did not launch it
  std::string label() const { return name + shape; }
};
std::vector<KernelRow> kernel_rows(const Report& report, std::vector<device::KernelRecord>& storage);

// Whether the row's kernel takes less than one percent of the kernels' time on every card.
bool is_small(const KernelRow& row, const Report& report);

// "grid 20x10, block 32x32": without trailing ones.
std::string shape_text(const device::KernelRecord& kernel);

}  // namespace doppel::report
