// SPDX-License-Identifier: Apache-2.0
#include "number_table.h"

#include <cstdlib>
#include <string_view>

namespace timeline {

NumberTable read_numbers(std::istream& in) {
  NumberTable out;
  std::string section;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with('[')) {
      section = line.substr(1, line.find(']') - 1) + '.';
      continue;
    }
    const std::size_t equals = line.find(" = ");
    if (line.starts_with('#') || equals == std::string::npos) continue;
    constexpr std::string_view kValue = "{ value = ";
    std::size_t begin = equals + 3;
    if (line.compare(begin, kValue.size(), kValue) == 0) begin += kValue.size();
    char* end = nullptr;
    const double number = std::strtod(line.c_str() + begin, &end);
    if (end != line.c_str() + begin) out[section + line.substr(0, equals)] = number;
  }
  return out;
}

}  // namespace timeline
