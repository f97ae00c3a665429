// SPDX-License-Identifier: Apache-2.0
// Chrome trace events: processes are runs, threads are streams, copy engines and the program's own threads;
// times are the card's, and every run begins at zero.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "report/kernel_name.h"
#include "report/summary.h"
#include "report/write_report.h"

namespace doppel::report {
namespace {

using Json = nlohmann::ordered_json;
constexpr std::size_t kNameWidth = 60;

double first_start_us(const Run& run) {
  double first = std::numeric_limits<double>::infinity();
  for (const Run::Track& track : run.timeline) {
    for (const device::TimelineSlice& slice : track.slices) first = std::min(first, slice.start_us);
  }
  return first;
}

Json arguments_of(const Run::Track& track, const device::TimelineSlice& slice) {
  Json out = Json::object();
  if (slice.kernel >= 0 && static_cast<std::size_t>(slice.kernel) < track.kernels.size()) {
    const device::KernelRecord& kernel = track.kernels[static_cast<std::size_t>(slice.kernel)];
    out["kernel"] = kernel.name;
    out["grid"] = kernel.grid;
    out["block"] = kernel.block;
    out["registers"] = kernel.registers;
    out["shared_bytes"] = kernel.shared_bytes;
    out["occupancy"] = kernel.occupancy;
    out["bound"] = kernel.bound;
  }
  if (slice.bytes > 0) {
    out["bytes"] = slice.bytes;
    if (slice.duration_us > 0) out["gb_per_s"] = static_cast<double>(slice.bytes) / slice.duration_us * 1e-3;
  }
  return out;
}

void add_track(Json& events, int process, const Run& run, const Run::Track& track, double zero_us) {
  const std::string name =
      fmt::format("{}, device {}, process {}", run.card_name, track.device_ordinal, track.process_id);
  events.push_back({{"ph", "M"}, {"pid", process}, {"name", "process_name"}, {"args", {{"name", name}}}});
  events.push_back(
      {{"ph", "M"}, {"pid", process}, {"name", "process_sort_index"}, {"args", {{"sort_index", process}}}});
  std::vector<std::string> lines;
  for (const device::TimelineSlice& slice : track.slices) {
    auto line = std::find(lines.begin(), lines.end(), slice.track);
    const int thread = static_cast<int>(line - lines.begin()) + 1;
    if (line == lines.end()) {
      lines.push_back(slice.track);
      events.push_back({{"ph", "M"},
                        {"pid", process},
                        {"tid", thread},
                        {"name", "thread_name"},
                        {"args", {{"name", slice.track}}}});
    }
    events.push_back({{"ph", "X"},
                      {"cat", slice.category.empty() ? "work" : slice.category},
                      {"pid", process},
                      {"tid", thread},
                      {"name", slice.kernel >= 0 ? fitted_name(slice.label, kNameWidth) : slice.label},
                      {"ts", slice.start_us - zero_us},
                      {"dur", slice.duration_us},
                      {"args", arguments_of(track, slice)}});
  }
  if (track.dropped > 0) {
    events.push_back(
        {{"ph", "M"},
         {"pid", process},
         {"name", "process_labels"},
         {"args", {{"labels", fmt::format("the last {} slices were not kept", track.dropped)}}}});
  }
}

}  // namespace

std::string to_trace(const Report& report) {
  Json events = Json::array();
  int process = 0;
  for (const Run& run : report.runs) {
    const double zero_us = first_start_us(run);
    for (const Run::Track& track : run.timeline) add_track(events, ++process, run, track, zero_us);
  }
  const Json out = {
      {"displayTimeUnit", "ns"},
      {"otherData", {{"doppel", DOPPEL_VERSION}, {"date", report.date}, {"program", report.program}}},
      {"traceEvents", events}};
  // Names come from programs and may hold any bytes.
  return out.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace doppel::report
