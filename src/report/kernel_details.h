// SPDX-License-Identifier: Apache-2.0
// One run's kernels in full, for the forms that are pages.
#pragma once

#include <string>

#include "report/report.h"
#include "report/table.h"

namespace doppel::report {

Table kernel_details(const Run& run);

// The most costly places of a kernel's code.
Table places_table(const std::vector<device::CodeRecord>& places);

// What the passes over the run's kernels took on this machine, where it was asked for.
Table passes_table(const Run& run);

// "./program --size 12" and "doppel compare --check".
std::string program_text(const Report& report);
std::string flags_text(const Report& report);

// "Made by Doppel 0.1.0 on 2026-01-31T12:00:00Z by 'doppel compare'. Times and energies are modelled."
std::string origin_text(const Report& report);

}  // namespace doppel::report
