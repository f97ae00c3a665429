// SPDX-License-Identifier: Apache-2.0
// Chrome trace events: processes are runs, threads are the program's own threads, streams and copy engines;
// counters are what the card draws, its clock, and the room that kernels take of its SMs. Times are the
// card's, and every run begins at zero.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "report/kernel_name.h"
#include "report/summary.h"
#include "report/write_report.h"

namespace doppel::report {
namespace {

using Json = nlohmann::ordered_json;
using device::TimelineSlice;
constexpr std::size_t kNameWidth = 60;
constexpr const char* kWithinACall = "host waits";

double first_start_us(const Run& run) {
  double first = std::numeric_limits<double>::infinity();
  for (const Run::Track& track : run.timeline) {
    for (const TimelineSlice& slice : track.slices) first = std::min(first, slice.start_us);
    for (const device::PowerRecord& step : track.power) first = std::min(first, step.time_us);
    for (const device::SmRoomRecord& step : track.sm_room) first = std::min(first, step.time_us);
  }
  return first;
}

// Readers count whole nanoseconds, and cut what is below one.
using Nanoseconds = std::int64_t;
constexpr double kPerMicrosecond = 1000;

Nanoseconds nanoseconds(double time_us) {
  return static_cast<Nanoseconds>(std::llround(time_us * kPerMicrosecond));
}

// Microseconds that give these nanoseconds again where they are cut.
double microseconds(Nanoseconds time) {
  double out = static_cast<double>(time) / kPerMicrosecond;
  while (static_cast<Nanoseconds>(out * kPerMicrosecond) < time)
    out = std::nextafter(out, std::numeric_limits<double>::infinity());
  return out;
}

// Of elements of one array: those of one time stay in their order.
template <auto kTime, typename Element>
bool by_time(const Element* a, const Element* b) {
  return a->*kTime != b->*kTime ? a->*kTime < b->*kTime : a < b;
}

Json arguments_of(const Run::Track& track, const TimelineSlice& slice) {
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

// A line of slices none of which overlap, but for those within a call.
struct Line {
  std::string name;
  struct Placed {
    const TimelineSlice* slice;
    Nanoseconds start, end;
  };
  std::vector<Placed> slices;
  Nanoseconds end = 0;
};

// The slices of one name in as few lines as they need: what runs side by side on one stream (branches of a
// graph) has lines of its own.
std::vector<Line> lines_of(const std::string& name, std::vector<const TimelineSlice*> slices,
                           double zero_us) {
  std::ranges::sort(slices, by_time<&TimelineSlice::start_us, TimelineSlice>);
  std::vector<Line> lines;
  std::size_t last = 0;
  for (const TimelineSlice* slice : slices) {
    Nanoseconds start = nanoseconds(slice->start_us - zero_us);
    Nanoseconds end = std::max(start, nanoseconds(slice->start_us + slice->duration_us - zero_us));
    if (slice->category == kWithinACall) {
      if (lines.empty()) continue;
      const Line::Placed& call = lines[last].slices.back();
      start = std::clamp(start, call.start, call.end);
      lines[last].slices.push_back({slice, start, std::clamp(end, start, call.end)});
      continue;
    }
    // Two roundings of one time are no overlap.
    const auto free = std::ranges::find_if(lines, [&](const Line& line) { return line.end <= start + 1; });
    last = static_cast<std::size_t>(free - lines.begin());
    if (free == lines.end())
      lines.push_back({lines.empty() ? name : fmt::format("{} ({})", name, lines.size() + 1), {}, 0});
    start = std::max(start, lines[last].end);
    end = std::max(start, end);
    lines[last].slices.push_back({slice, start, end});
    lines[last].end = end;
  }
  return lines;
}

// The program's threads first, then streams, then copy engines; each in the order of their first slice.
std::vector<Line> lines_of(const Run::Track& track, double zero_us) {
  const auto rank = [](const std::string& name) {
    return name.starts_with("host") ? 0 : name.starts_with("copies") ? 2 : 1;
  };
  std::vector<std::pair<std::string, std::vector<const TimelineSlice*>>> named;
  std::map<std::string, std::size_t> index;
  for (const TimelineSlice& slice : track.slices) {
    const auto [at, fresh] = index.try_emplace(slice.track, named.size());
    if (fresh) named.emplace_back(slice.track, std::vector<const TimelineSlice*>{});
    named[at->second].second.push_back(&slice);
  }
  std::vector<Line> lines;
  for (const int each_rank : {0, 1, 2}) {
    for (const auto& [name, slices] : named) {
      if (rank(name) == each_rank)
        std::ranges::move(lines_of(name, slices, zero_us), std::back_inserter(lines));
    }
  }
  return lines;
}

// thread: the last number used. No two processes have a thread of the same number, nor a process's.
void add_lines(Json& events, int process, int& thread, const Run::Track& track, double zero_us) {
  for (const Line& line : lines_of(track, zero_us)) {
    ++thread;
    const auto describe = [&](const char* what, Json arguments) {
      events.push_back(
          {{"ph", "M"}, {"pid", process}, {"tid", thread}, {"name", what}, {"args", std::move(arguments)}});
    };
    describe("thread_name", {{"name", line.name}});
    describe("thread_sort_index", {{"sort_index", thread}});
    for (const Line::Placed& placed : line.slices) {
      const TimelineSlice& slice = *placed.slice;
      events.push_back({{"ph", "X"},
                        {"cat", slice.category.empty() ? "work" : slice.category},
                        {"pid", process},
                        {"tid", thread},
                        {"name", slice.kernel >= 0 ? fitted_name(slice.label, kNameWidth) : slice.label},
                        {"ts", microseconds(placed.start)},
                        {"dur", microseconds(placed.end - placed.start)},
                        {"args", arguments_of(track, slice)}});
    }
  }
}

void add_counter(Json& events, int process, const std::string& name, const char* unit, double time_us,
                 double value) {
  events.push_back({{"ph", "C"},
                    {"pid", process},
                    {"name", name},
                    {"ts", microseconds(nanoseconds(time_us))},
                    {"args", {{unit, value}}}});
}

// Of each kernel and kind of copy that takes room: no two the same.
std::map<std::string, std::string> counter_names(const Run::Track& track) {
  std::map<std::string, std::string> names;
  for (const device::SmRoomRecord& step : track.sm_room) names.try_emplace(step.label);
  std::map<std::string, std::vector<std::string>> users;  // of a name that fits
  for (const auto& [label, none] : names) users[fitted_name(label, kNameWidth)].push_back(label);
  for (const auto& [fitted, labels] : users) {
    const std::vector<std::string> shown =
        labels.size() == 1 ? std::vector{fitted} : told_apart(labels, kNameWidth);
    for (std::size_t i = 0; i < labels.size(); ++i)
      names[labels[i]] = fmt::format("SMs taken by {}", shown[i]);
  }
  return names;
}

void add_counters(Json& events, int process, const Run::Track& track, double zero_us) {
  for (const device::PowerRecord& step : track.power) {
    add_counter(events, process, "power", "W", step.time_us - zero_us, step.watts);
    add_counter(events, process, "clock", "MHz", step.time_us - zero_us, step.clock_mhz);
  }
  std::vector<const device::SmRoomRecord*> steps;
  for (const device::SmRoomRecord& step : track.sm_room) steps.push_back(&step);
  std::ranges::sort(steps, by_time<&device::SmRoomRecord::time_us, device::SmRoomRecord>);
  std::map<std::string, std::string> names = counter_names(track);
  constexpr double kDigits = 1e6;  // the sums are rounded
  std::map<std::string, double> taken;
  for (std::size_t i = 0; i < steps.size();) {
    // Of what changes at one time the sum.
    std::map<std::string, double> now;
    const double time_us = steps[i]->time_us;
    for (; i < steps.size() && steps[i]->time_us == time_us; ++i) now[steps[i]->label] += steps[i]->sms;
    for (const auto& [label, change] : now) {
      double& sms = taken[label];
      sms += change;
      add_counter(events, process, names[label], "SMs", time_us - zero_us,
                  std::round(sms * kDigits) / kDigits);
    }
  }
}

void add_track(Json& events, int process, int& thread, const Run& run, const Run::Track& track,
               double zero_us) {
  const std::string name =
      fmt::format("{}, device {}, process {}", run.card_name, track.device_ordinal, track.process_id);
  events.push_back({{"ph", "M"}, {"pid", process}, {"name", "process_name"}, {"args", {{"name", name}}}});
  events.push_back(
      {{"ph", "M"}, {"pid", process}, {"name", "process_sort_index"}, {"args", {{"sort_index", process}}}});
  add_lines(events, process, thread, track, zero_us);
  add_counters(events, process, track, zero_us);
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
  int thread = 0;
  for (const Run& run : report.runs) thread += static_cast<int>(run.timeline.size());
  for (const Run& run : report.runs) {
    const double zero_us = first_start_us(run);
    for (const Run::Track& track : run.timeline) add_track(events, ++process, thread, run, track, zero_us);
  }
  const Json out = {
      {"displayTimeUnit", "ns"},
      {"otherData", {{"doppel", DOPPEL_VERSION}, {"date", report.date}, {"program", report.program}}},
      {"traceEvents", events}};
  // Names come from programs and may hold any bytes.
  return out.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace doppel::report
