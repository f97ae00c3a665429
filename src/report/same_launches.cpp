// SPDX-License-Identifier: Apache-2.0
#include "report/same_launches.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "report/kernel_name.h"

namespace doppel::report {
namespace {

using Counts = std::vector<std::uint64_t>;  // one a run

std::string times_text(std::uint64_t count) { return fmt::format("{} time{}", count, count == 1 ? "" : "s"); }

std::string on_each_card(const Report& report, const Counts& counts) {
  std::string out;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    out += fmt::format("{}{} on {}",
                       i == 0                   ? ""
                       : i + 1 == counts.size() ? " and "
                                                : ", ",
                       times_text(counts[i]), report.runs[i].card_name);
  }
  return out;
}

bool differ(const Counts& counts) {
  return std::any_of(counts.begin(), counts.end(),
                     [&](std::uint64_t count) { return count != counts.front(); });
}

}  // namespace

std::string difference_of_launches(const Report& report) {
  const std::size_t runs = report.runs.size();
  constexpr std::size_t kNameWidth = 60;
  Counts launches(runs);
  std::map<std::string, Counts> kernels;
  std::map<std::string, Counts> copies;
  for (std::size_t i = 0; i < runs; ++i) {
    launches[i] = report.runs[i].launches();
    for (const device::KernelRecord& kernel : report.runs[i].kernels) {
      kernels.try_emplace(kernel.name, runs).first->second[i] += kernel.calls;
    }
    for (const device::CopyRecord& copy : report.runs[i].copies) {
      // Pages that move because somebody touched them: nobody asked for so many.
      if (copy.kind.ends_with("(managed)")) continue;
      copies.try_emplace(copy.kind, runs).first->second[i] += copy.calls;
    }
  }
  if (differ(launches)) return "kernels were launched " + on_each_card(report, launches);
  for (const auto& [name, counts] : kernels) {
    if (differ(counts)) {
      return fmt::format("{} was launched {}", fitted_name(name, kNameWidth), on_each_card(report, counts));
    }
  }
  if (!kernels.empty()) return "";
  for (const auto& [kind, counts] : copies) {
    if (differ(counts)) return fmt::format("copies '{}' were made {}", kind, on_each_card(report, counts));
  }
  return "";
}

}  // namespace doppel::report
