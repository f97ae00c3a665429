// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "report/kernel_details.h"
#include "report/summary.h"
#include "report/write_report.h"

namespace doppel::report {

std::string to_markdown(const Report& report) {
  std::string out = fmt::format("# {}\n\n{}\n", program_text(report), to_markdown(comparison(report)));
  for (const std::string& remark : remarks(report, Reader::Page)) {
    // Lines of a fault stay lines; a mark at the beginning would make a list.
    for (const char c : (remark.starts_with("* ") ? "\\" + remark : remark)) {
      if (c == '\n')
        out += "  \n";
      else
        out += c;
    }
    out += "\n\n";
  }
  for (const Run& run : report.runs) {
    if (run.kernels.empty()) continue;
    out += fmt::format("## Kernels on {}\n\n{}\n", run.card_name, to_markdown(kernel_details(run)));
  }
  return out + origin_text(report) + "\n";
}

}  // namespace doppel::report
