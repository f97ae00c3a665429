// SPDX-License-Identifier: Apache-2.0
#include <string.h>  // NOLINT(modernize-deprecated-headers): sigabbrev_np is not in <cstring>

#include <nlohmann/json.hpp>

#include "report/diagnostics.h"
#include "report/write_report.h"

namespace doppel::report {
namespace {

using Json = nlohmann::ordered_json;

// What is not known is null: never a zero that could be taken for a measurement.
Json known(bool is, Json value) { return is ? std::move(value) : Json(nullptr); }
Json text_or_null(const std::string& text) { return known(!text.empty(), text); }

Json shares_json(const std::vector<device::Utilisation>& shares) {
  Json out = Json::object();
  for (const device::Utilisation& each : shares) out[each.unit] = each.share;
  return out;
}

Json place_json(const device::CodeRecord& place) {
  const bool is_access = place.least_transfers > 0;
  return {{"function", text_or_null(place.function)},
          {"line", known(place.line > 0, place.line)},
          {"source", text_or_null(place.source)},
          {"instruction", text_or_null(place.instruction)},
          {"share", place.share},
          {"issued", place.issued},
          {"stall", text_or_null(place.stall)},
          {"stalled", place.stalled},
          {"transfers", known(is_access, place.transfers)},
          {"least_transfers", known(is_access, place.least_transfers)}};
}

// Null: it was not simulated.
Json detail_json(const device::ExplanationRecord& detail) {
  if (detail.slots.empty()) return nullptr;
  Json instructions = Json::array();
  for (const device::CodeRecord& place : detail.instructions) instructions.push_back(place_json(place));
  Json lines = Json::array();
  for (const device::CodeRecord& place : detail.lines) lines.push_back(place_json(place));
  Json blocks = Json::array();
  for (const device::BlockRecord& block : detail.blocks) {
    blocks.push_back({{"function", block.function},
                      {"block", block.block},
                      {"first_line", block.first_line},
                      {"last_line", block.last_line},
                      {"share", block.share},
                      {"warps", block.warps}});
  }
  return {{"simulated", detail.simulated},
          {"achieved_occupancy", detail.achieved_occupancy},
          {"working_sms", detail.working_sms},
          {"slots", shares_json(detail.slots)},
          {"candidates", shares_json(detail.candidates)},
          {"instructions", instructions},
          {"lines", lines},
          {"blocks", blocks}};
}

Json kernel_json(const device::KernelRecord& k, bool timed) {
  const auto if_timed = [&](Json value) { return known(timed, std::move(value)); };
  return {{"name", k.name},
          {"grid", k.grid},
          {"block", k.block},
          {"calls", k.calls},
          {"time_us", if_timed(k.time_us)},
          {"min_us", if_timed(k.min_us)},
          {"max_us", if_timed(k.max_us)},
          {"bound", text_or_null(k.bound)},
          {"explanation", text_or_null(k.explanation)},
          {"advice", text_or_null(k.advice)},
          {"registers", if_timed(k.registers)},
          {"spilled_bytes", if_timed(k.spilled_bytes)},
          {"shared_bytes", k.shared_bytes},
          {"occupancy", if_timed(k.occupancy)},
          {"occupancy_limit", text_or_null(k.occupancy_limit)},
          {"waves", if_timed(k.waves)},
          {"thread_instructions", if_timed(k.thread_instructions)},
          {"warp_instructions", if_timed(k.warp_instructions)},
          {"flops", if_timed(k.flops)},
          {"dram_bytes", if_timed(k.dram_bytes)},
          {"l1_hit", if_timed(k.l1_hit)},
          {"l2_hit", if_timed(k.l2_hit)},
          {"clock_mhz", if_timed(k.clock_mhz)},
          {"power_bound", if_timed(k.power_bound)},
          {"energy_j", if_timed(k.energy_j)},
          {"simulated_calls", k.simulated_calls},
          {"utilisation", if_timed(shares_json(k.utilisation))},
          {"detail", if_timed(detail_json(k.detail))}};
}

Json run_json(const Run& run) {
  const bool timed = run.timed();
  const bool recorded = run.devices > 0;
  const auto if_timed = [&](Json value) { return known(timed, std::move(value)); };
  Json kernels = Json::array();
  for (const auto& kernel : run.kernels) kernels.push_back(kernel_json(kernel, timed));
  Json copies = Json::array();
  for (const auto& copy : run.copies) {
    copies.push_back({{"kind", copy.kind},
                      {"bytes", copy.bytes},
                      {"calls", copy.calls},
                      {"time_us", if_timed(copy.time_us)},
                      {"energy_j", if_timed(copy.energy_j)}});
  }
  Json diagnostics = Json::array();
  for (const auto& d : run.diagnostics)
    diagnostics.push_back({{"kind", d.kind}, {"text", d.text}, {"count", d.count}});
  Json passes = Json::array();
  for (const auto& pass : run.passes)
    passes.push_back({{"pass", pass.pass}, {"seconds", pass.seconds}, {"runs", pass.runs}});
  const char* signal = run.signal != 0 ? sigabbrev_np(run.signal) : nullptr;
  return {{"card", run.card},
          {"card_name", run.card_name},
          {"power_limit_w", known(run.power_limit_w > 0, run.power_limit_w)},
          {"exit", run.exit},
          {"signal", known(signal != nullptr, std::string("SIG") + (signal != nullptr ? signal : ""))},
          {"timed_out", run.timed_out},
          {"processes", run.processes},
          {"devices", run.devices},
          {"timing", text_or_null(run.timing_depth)},
          {"predict_only", run.predict_only},
          {"time_us", if_timed(run.time_us)},
          {"busy_us", if_timed(run.busy_us)},
          {"host_us", if_timed(run.host_us)},
          {"context_us", if_timed(run.context_us)},
          {"kernel_us", if_timed(run.kernel_us())},
          {"copy_us", if_timed(run.copy_us())},
          {"wall_s", run.wall_s},
          {"energy_j", if_timed(run.energy_j)},
          {"kernel_energy_j", if_timed(run.kernel_energy_j())},
          {"copy_energy_j", if_timed(run.copy_energy_j())},
          {"waiting_energy_j", if_timed(run.waiting_energy_j)},
          {"peak_memory_bytes", known(recorded, run.peak_memory_bytes)},
          {"launches", run.launches()},
          {"refusals", refusals(run)},
          {"faults", faults(run)},
          {"kernels", kernels},
          {"copies", copies},
          {"diagnostics", diagnostics},
          {"passes", known(!run.passes.empty(), passes)}};
}

Json verdict_json(const Report& report) {
  const Verdict& v = report.verdict;
  const bool given = !v.faster.empty();
  Json band = nullptr;  // not measured
  if (report.error_band) {
    band = {{"mean_percent", report.error_band->mean_percent},
            {"measurements", report.error_band->measurements},
            {"set", report.error_band->set},
            {"cards", report.error_band->cards},
            {"kinds", Json::array()}};
    band["p90_percent"] = report.error_band->p90_percent ? Json(*report.error_band->p90_percent) : Json();
    for (const KindError& kind : report.error_band->kinds) {
      band["kinds"].push_back({{"kind", kind.kind},
                               {"mean_percent", kind.mean_percent},
                               {"p90_percent", kind.p90_percent},
                               {"measurements", kind.measurements}});
    }
  }
  return {{"withheld", text_or_null(v.withheld)},
          {"faster", text_or_null(v.faster)},
          {"time_ratio", known(given, v.time_ratio)},
          {"thriftier", text_or_null(v.thriftier)},
          {"energy_ratio", known(given && v.energy_ratio > 0, v.energy_ratio)},
          {"within_error", known(given && report.error_band.has_value(), v.within_error)},
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
                    {"date", text_or_null(report.date)},
                    {"flags", report.flags},
                    {"program", report.program},
                    {"runs", runs},
                    {"verdict", verdict_json(report)}};
  return out.dump(2, ' ', false, kReplaceBadText) + "\n";
}

}  // namespace doppel::report
