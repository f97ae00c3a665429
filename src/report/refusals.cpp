// SPDX-License-Identifier: Apache-2.0
#include "report/refusals.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "report/diagnostics.h"

namespace doppel::report {
namespace {

struct Kind {
  std::string_view kind, one, several;
};

constexpr std::array<Kind, 4> kKinds{
    {{"refused launch", "launch was", "launches were"},
     {"refused kernel", "request for a kernel was", "requests for kernels were"},
     {"refused module", "module was", "modules were"},
     {"refused call", "call was", "calls were"}}};

}  // namespace

std::vector<std::string> refusal_lines(const Run& run) {
  std::vector<std::string> lines;
  for (const Kind& kind : kKinds) {
    std::uint64_t count = 0;
    std::vector<std::string> details;
    for (const device::Diagnostic& each : run.diagnostics) {
      if (each.kind != kind.kind) continue;
      count += each.count;
      details.push_back(
          fmt::format("  {}{}", each.text, each.count > 1 ? fmt::format(" ({} times)", each.count) : ""));
    }
    if (count == 0) continue;
    lines.push_back(
        fmt::format("On {} {} {} refused:", run.card_name, count, count == 1 ? kind.one : kind.several));
    lines.insert(lines.end(), details.begin(), details.end());
  }
  // Of a record that another version wrote.
  for (const device::Diagnostic& each : run.diagnostics) {
    const auto known = [&](const Kind& kind) { return each.kind == kind.kind; };
    if (is_refusal(each) && std::ranges::none_of(kKinds, known))
      lines.push_back(fmt::format("On {}: {}: {}", run.card_name, each.kind, each.text));
  }
  return lines;
}

}  // namespace doppel::report
