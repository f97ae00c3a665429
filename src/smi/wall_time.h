// SPDX-License-Identifier: Apache-2.0
// The time of day, in the forms of the views.
#pragma once

#include <string>

namespace doppel::smi {

std::string timestamp();    // "2026/12/01 12:06:20.123", of CSV
std::string date_line();    // "Tue Dec  1 12:06:20 2026", of the table and of -q
std::string day();          // "20261201", of dmon and pmon
std::string time_of_day();  // "12:06:20"

}  // namespace doppel::smi
