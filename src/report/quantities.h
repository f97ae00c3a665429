// SPDX-License-Identifier: Apache-2.0
// Numbers for people: three or four figures and the unit that suits them.
#pragma once

#include <cstdint>
#include <string>

namespace doppel::report {

std::string time_text(double time_us);   // "12.3 us", "4.56 ms", "1.20 s"
std::string bytes_text(double bytes);    // "4.0 KiB", "1.50 GiB"
std::string energy_text(double joules);  // "1.23 mJ", "4.56 J"
std::string count_text(double count);    // "301", "16.8 M"
std::string ratio_text(double ratio);    // "1.81x"; "-" where it is not a positive number
std::string percent_text(double share);  // 0.873: "87 %"
std::string figures(double value);       // "38.7", "309.7", "2,223"

}  // namespace doppel::report
