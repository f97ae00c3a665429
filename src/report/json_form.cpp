#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "report/write_report.h"

namespace doppel::report {
namespace {

using Json = nlohmann::ordered_json;

Json kernel_json(const device::KernelRecord& k) {
  Json utilisation = Json::object();
  for (const device::Utilisation& unit : k.utilisation) utilisation[unit.unit] = unit.share;
  return {{"name", k.name},
          {"grid", k.grid},
          {"block", k.block},
          {"calls", k.calls},
          {"time_us", k.time_us},
          {"min_us", k.min_us},
          {"max_us", k.max_us},
          {"bound", k.bound},
          {"explanation", k.explanation},
          {"registers", k.registers},
          {"shared_bytes", k.shared_bytes},
          {"occupancy", k.occupancy},
          {"occupancy_limit", k.occupancy_limit},
          {"waves", k.waves},
          {"thread_instructions", k.thread_instructions},
          {"warp_instructions", k.warp_instructions},
          {"flops", k.flops},
          {"dram_bytes", k.dram_bytes},
          {"l1_hit", k.l1_hit},
          {"l2_hit", k.l2_hit},
          {"clock_mhz", k.clock_mhz},
          {"power_bound", k.power_bound},
          {"energy_j", k.energy_j},
          {"utilisation", utilisation}};
}

Json run_json(const Run& run) {
  Json kernels = Json::array();
  for (const auto& kernel : run.kernels) kernels.push_back(kernel_json(kernel));
  Json copies = Json::array();
  for (const auto& copy : run.copies) {
    copies.push_back(
        {{"kind", copy.kind}, {"bytes", copy.bytes}, {"calls", copy.calls}, {"time_us", copy.time_us}});
  }
  Json diagnostics = Json::array();
  for (const auto& d : run.diagnostics)
    diagnostics.push_back({{"kind", d.kind}, {"text", d.text}, {"count", d.count}});
  return {{"card", run.card},
          {"card_name", run.card_name},
          {"exit", run.exit},
          {"timed_out", run.timed_out},
          {"processes", run.processes},
          {"devices", run.devices},
          {"timing", run.timing_depth},
          {"time_us", run.time_us},
          {"busy_us", run.busy_us},
          {"host_us", run.host_us},
          {"kernel_us", run.kernel_us()},
          {"copy_us", run.copy_us()},
          {"wall_s", run.wall_s},
          {"energy_j", run.energy_j},
          {"kernel_energy_j", run.kernel_energy_j()},
          {"peak_memory_bytes", run.peak_memory_bytes},
          {"kernels", kernels},
          {"copies", copies},
          {"diagnostics", diagnostics}};
}

Json verdict_json(const Report& report) {
  const Verdict& v = report.verdict;
  Json band = nullptr;  // not measured
  if (report.error_band) {
    band = {{"mean_percent", report.error_band->mean_percent},
            {"measurements", report.error_band->measurements},
            {"set", report.error_band->set}};
  }
  return {{"faster", v.faster},
          {"time_ratio", v.time_ratio},
          {"thriftier", v.thriftier},
          {"energy_ratio", v.energy_ratio},
          {"within_error", v.within_error},
          {"error_band", band},
          {"text", v.text()}};
}

constexpr auto kReplaceBadText =
    Json::error_handler_t::replace;  // names come from programs and may hold any bytes

}  // namespace

std::string to_json(const Report& report) {
  Json runs = Json::array();
  for (const Run& run : report.runs) runs.push_back(run_json(run));
  const Json out = {{"doppel", DOPPEL_VERSION},
                    {"program", report.program},
                    {"runs", runs},
                    {"verdict", verdict_json(report)}};
  return out.dump(2, ' ', false, kReplaceBadText) + "\n";
}

// Processes are runs, threads are streams and engines; times are the card's.
std::string to_trace(const Report& report) {
  Json events = Json::array();
  int process = 0;
  for (const Run& run : report.runs) {
    for (const Run::Track& track : run.timeline) {
      ++process;
      const std::string name =
          fmt::format("{}, device {}, process {}", run.card_name, track.device_ordinal, track.process_id);
      events.push_back({{"ph", "M"}, {"pid", process}, {"name", "process_name"}, {"args", {{"name", name}}}});
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
                          {"pid", process},
                          {"tid", thread},
                          {"name", slice.label},
                          {"ts", slice.start_us},
                          {"dur", slice.duration_us}});
      }
      if (track.dropped > 0) {
        events.push_back(
            {{"ph", "M"},
             {"pid", process},
             {"name", "process_labels"},
             {"args", {{"labels", fmt::format("the last {} slices were not kept", track.dropped)}}}});
      }
    }
  }
  const Json out = {{"displayTimeUnit", "ns"},
                    {"otherData", {{"doppel", DOPPEL_VERSION}, {"program", report.program}}},
                    {"traceEvents", events}};
  return out.dump(-1, ' ', false, kReplaceBadText) + "\n";
}

}  // namespace doppel::report
