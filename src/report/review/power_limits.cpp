// SPDX-License-Identifier: Apache-2.0
// Work for each watt at several power limits.
#include <fmt/format.h>

#include <algorithm>

#include "report/html_text.h"
#include "report/quantities.h"
#include "report/review/sections.h"
#include "report/review/shown.h"

namespace doppel::report::review {
namespace {

std::string state_of(double watts) { return fmt::format("at-{:.0f}-w", watts); }

struct CellsAtLimit {
  std::string value, watts, clock, per_watt;
};

CellsAtLimit cells_of(Figures& figures, const Review& review, const CardRun& run, double limit,
                      const Measure& measure) {
  const std::string state = state_of(limit);
  const std::string in = fmt::format("at a power limit of {:.0f} W", limit);
  const auto shown = [&](const char* what, double value, const char* unit, How how, std::string text) {
    return figures.show(
        {.id = fmt::format("{}.{}.{}.{}", what, run.card.id, measure.test, state),
         .how = how,
         .source = fmt::format("{} on the double of {}, {}", measure.test, run.name, in),
         .text = std::move(text),
         .value = value,
         .unit = unit,
         .card = run.card.id,
         .from =
             how == How::Derived
                 ? std::vector<std::string>{fmt::format("run.{}.{}.{}", run.card.id, measure.test, state),
                                            fmt::format("watts.{}.{}.{}", run.card.id, measure.test, state)}
                 : std::vector<std::string>{}});
  };
  const double per_watt = measure.value / measure.watts;
  CellsAtLimit cells;
  cells.value = measured(figures, review, run, &measure, state, in);
  cells.watts = shown("watts", measure.watts, "W", How::Predicted, fmt::format("{:.0f}", measure.watts));
  cells.clock =
      shown("clock", measure.clock_mhz, "MHz", How::Predicted, fmt::format("{:.0f}", measure.clock_mhz));
  cells.per_watt = shown("per_watt", per_watt, (measure.unit + "/W").c_str(), How::Derived,
                         per_watt < 1 ? fmt::format("{:.3f}", per_watt) : rounded(per_watt));
  return cells;
}

std::vector<double> limits_of(const Review& review) {
  std::vector<double> limits;
  for (const CardRun& run : review.cards) {
    for (const CardRun::AtLimit& each : run.at_limits) limits.push_back(each.watts);
  }
  std::ranges::sort(limits);
  const auto repeated = std::ranges::unique(limits);
  limits.erase(repeated.begin(), repeated.end());
  return limits;
}

const Measure* find_at(const CardRun& run, double limit, const std::string& test) {
  const auto found = std::ranges::find(run.at_limits, limit, &CardRun::AtLimit::watts);
  return found == run.at_limits.end() ? nullptr : find(found->measures, test);
}

HtmlTable table_of(Figures& figures, const Review& review, const std::string& test, const Measure& any) {
  HtmlTable table{.caption = title(figures, any),
                  .columns = {"Power limit, W", escaped(any.unit), "power, W", "clock, MHz", "for each watt"},
                  .rows = {}};
  for (const CardRun& run : review.cards) {
    std::vector<std::vector<std::string>> rows;
    for (const double limit : limits_of(review)) {
      const Measure* measure = find_at(run, limit, test);
      if (measure == nullptr || measure->watts <= 0) continue;
      const CellsAtLimit cells = cells_of(figures, review, run, limit, *measure);
      rows.push_back({figures.show({.id = "limit." + state_of(limit),
                                    .how = How::Setting,
                                    .source = "set for these runs",
                                    .text = fmt::format("{:.0f}", limit),
                                    .value = limit,
                                    .unit = "W"}),
                      cells.value, cells.watts, cells.clock, cells.per_watt});
    }
    if (rows.empty()) continue;
    table.rows.push_back({figures.name(run.name)});
    table.rows.insert(table.rows.end(), rows.begin(), rows.end());
  }
  return table;
}

}  // namespace

std::string power_limits(const Review& review, Figures& figures) {
  std::string out;
  for (const char* test : {"fma-fp32", "stream-triad", "gemm-f16-f32"}) {
    const Measure* any = nullptr;
    for (const CardRun& run : review.cards) {
      for (const CardRun::AtLimit& each : run.at_limits) {
        if (any == nullptr) any = find(each.measures, test);
      }
    }
    if (any != nullptr) out += table_html(table_of(figures, review, test, *any));
  }
  if (out.empty()) return paragraph("No test was run at several power limits.");
  return paragraph(
             "Where a limit binds, the clock falls until the card keeps it, and with the clock the voltage: "
             "up to a point the work for each watt grows. What waits for the memory loses little. These "
             "figures are of "
             "work that goes on, so that the limit acts from the start. The tests in the sections above end "
             "before "
             "it acts, and may be faster than the row of the card's own limit.") +
         out;
}

}  // namespace doppel::report::review
