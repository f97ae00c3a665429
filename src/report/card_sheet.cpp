// SPDX-License-Identifier: Apache-2.0
#include "report/card_sheet.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "card/card_fields.h"
#include "card/peaks.h"
#include "report/quantities.h"
#include "report/table.h"

namespace doppel::report {
namespace {

using Json = nlohmann::ordered_json;

Json value_json(const card::Field& field) {
  return std::visit(
      [](auto target) -> Json {
        if constexpr (std::is_same_v<decltype(target), std::span<int>>) {
          return std::vector<int>(target.begin(), target.end());
        } else {
          return *target;
        }
      },
      field.target);
}

void add_peaks(Table& table, const card::Peaks& peaks) {
  table.add_heading("Peaks at the advertised boost clock");
  table.add({"FP32", figures(peaks.fp32_tflops) + " TFLOPS"});
  table.add({"FP16 (outside tensor cores)", figures(peaks.fp16_tflops) + " TFLOPS"});
  table.add({"FP64", fmt::format("{:.2f} TFLOPS", peaks.fp64_tflops)});
  table.add({"INT32 additions", figures(peaks.int32_tops) + " TOPS"});
  table.add({"ray tracing", figures(peaks.ray_tracing_tflops) + " RT TFLOPS"});
  table.add({"memory", figures(peaks.memory_gb_per_second) + " GB/s"});
  table.add({"L2 reads", figures(peaks.l2_gb_per_second) + " GB/s"});
  table.add({"shared memory", figures(peaks.shared_gb_per_second) + " GB/s"});
  table.add({"PCI Express, each direction", figures(peaks.pcie_gb_per_second) + " GB/s"});
  table.add({"NVLink, both directions",
             peaks.nvlink_gb_per_second > 0 ? figures(peaks.nvlink_gb_per_second) + " GB/s" : "none"});
  table.add_heading("Tensor cores (dense; with 2:4 sparsity)");
  for (const card::TensorPeak& peak : peaks.tensor) {
    table.add({peak.type, peak.sparse > 0 ? fmt::format("{} {}; {} {}", figures(peak.dense), peak.unit,
                                                        figures(peak.sparse), peak.unit)
                                          : fmt::format("{} {}", figures(peak.dense), peak.unit)});
  }
}

}  // namespace

std::string cards_text(const std::vector<card::Card>& cards) {
  Table table{{{"card"}, {"name"}, {"description"}}, {}};
  for (const card::Card& card : cards) table.add({card.id, card.name, card.description});
  return to_text(table, kAnyWidth);
}

std::string card_sheet_text(const card::Card& c) {
  Table table{{{c.name}, {c.id}}, {}};
  table.add({"chip", fmt::format("{} ({}), compute capability {}.{}", c.chip.name, c.chip.architecture,
                                 c.compute_capability.major, c.compute_capability.minor)});
  if (!c.based_on.empty())
    table.add({"based on", c.based_on + ": what its file does not say is that card's"});
  table.add({"SMs", fmt::format("{}", c.sm_count)});
  table.add({"CUDA cores", fmt::format("{}", c.sm_count * c.sm.fp32_cores)});
  table.add({"tensor cores", fmt::format("{}", c.sm_count * c.sm.tensor_cores)});
  table.add({"RT cores", fmt::format("{}", c.sm_count * c.sm.rt_cores)});
  table.add({"boost clock, advertised", fmt::format("{:.0f} MHz", c.clocks.boost_mhz)});
  table.add({"maximum clock", fmt::format("{:.0f} MHz", c.clocks.max_mhz)});
  table.add(
      {"clock under compute, below the power limit", fmt::format("{:.0f} MHz", c.clocks.sustained_mhz)});
  table.add({"memory", fmt::format("{} {}{}, {}-bit", bytes_text(static_cast<double>(c.memory.bytes)),
                                   c.memory.type, c.memory.ecc ? " with ECC" : "", c.memory.bus_width_bits)});
  table.add({"L2", bytes_text(static_cast<double>(c.l2.bytes))});
  table.add({"L1 and shared memory of an SM", fmt::format("{}, at most {} a block", bytes_text(c.l1.bytes),
                                                          bytes_text(c.shared.bytes_per_block_optin))});
  table.add({"threads, warps, blocks of an SM",
             fmt::format("{}, {}, {}", c.sm.max_threads, c.sm.max_warps, c.sm.max_blocks)});
  table.add({"registers of an SM", fmt::format("{}", c.sm.registers)});
  table.add({"power limit", fmt::format("{:.0f} W", c.power.limit_w)});
  table.add({"PCI Express", fmt::format("{}.0 x{}", c.pcie.generation, c.pcie.lanes)});
  table.add({"NVLink", c.nvlink.links > 0
                           ? fmt::format("{} links, to {} other card", c.nvlink.links, c.nvlink.max_peers)
                           : "none"});
  table.add({"copy engines", fmt::format("{}", c.engines.copy)});
  table.add({"video", fmt::format("{} NVENC (generation {}), {} NVDEC (generation {})", c.engines.nvenc,
                                  c.engines.nvenc_generation, c.engines.nvdec, c.engines.nvdec_generation)});
  int instances = 0;
  for (const card::PartitionProfile& profile : c.partitions)
    instances = std::max(instances, profile.max_instances);
  table.add({"partitions (MIG)", instances > 0 ? fmt::format("at most {}", instances) : "none"});
  add_peaks(table, card::peaks(c));
  return to_text(table, kAnyWidth);
}

std::string card_sheet_json(const card::Card& original) {
  card::Card card = original;  // fields() binds to a mutable card
  Json out;
  out["id"] = card.id;
  out["name"] = card.name;
  out["description"] = card.description;
  out["based_on"] = card.based_on.empty() ? Json(nullptr) : Json(card.based_on);
  const card::Peaks peaks = card::peaks(card);
  Json tensor = Json::array();
  for (const card::TensorPeak& peak : peaks.tensor) {
    Json entry = {{"type", peak.type}, {"unit", peak.unit}, {"dense", peak.dense}};
    if (peak.sparse > 0) entry["sparse"] = peak.sparse;
    tensor.push_back(entry);
  }
  out["peaks"] = {{"clock_mhz", card.clocks.boost_mhz},
                  {"fp32_tflops", peaks.fp32_tflops},
                  {"fp16_tflops", peaks.fp16_tflops},
                  {"fp64_tflops", peaks.fp64_tflops},
                  {"int32_tops", peaks.int32_tops},
                  {"ray_tracing_tflops", peaks.ray_tracing_tflops},
                  {"memory_gb_per_second", peaks.memory_gb_per_second},
                  {"l2_gb_per_second", peaks.l2_gb_per_second},
                  {"shared_gb_per_second", peaks.shared_gb_per_second},
                  {"pcie_gb_per_second", peaks.pcie_gb_per_second},
                  {"nvlink_gb_per_second", peaks.nvlink_gb_per_second},
                  {"tensor", tensor}};
  Json values;
  for (const card::Field& field : card::fields(card)) {
    const auto found = card.provenance.find(std::string(field.key));
    if (found == card.provenance.end()) continue;
    values[std::string(field.key)] = {
        {"value", value_json(field)}, {"mark", found->second.mark}, {"source", found->second.source}};
  }
  out["values"] = values;
  Json partitions = Json::array();
  for (const card::PartitionProfile& p : card.partitions) {
    partitions.push_back({{"name", p.name},
                          {"memory_fraction", p.memory_fraction},
                          {"sm_fraction", p.sm_fraction},
                          {"l2_fraction", p.l2_fraction},
                          {"nvenc", p.nvenc},
                          {"nvdec", p.nvdec},
                          {"jpeg", p.jpeg},
                          {"optical_flow", p.optical_flow},
                          {"copy_engines", p.copy_engines},
                          {"graphics", p.graphics},
                          {"max_instances", p.max_instances},
                          {"mark", p.provenance.mark},
                          {"source", p.provenance.source}});
  }
  out["partitions"] = partitions;
  return out.dump(2) + "\n";
}

std::string card_sources_text(const card::Card& original) {
  card::Card card = original;
  Table table{{{"key"}, {"value", Align::Right}, {"mark"}, {"source"}}, {}};
  for (const card::Field& field : card::fields(card)) {
    const auto found = card.provenance.find(std::string(field.key));
    if (found == card.provenance.end()) continue;
    const Json value = value_json(field);
    table.add({std::string(field.key), value.is_string() ? value.get<std::string>() : value.dump(),
               found->second.mark, found->second.source});
  }
  return to_text(table, kAnyWidth) +
         "\nMarks: M measured on this card, M-n on a neighbour, V vendor, R research, D derived, K not "
         "confirmed.\n";
}

}  // namespace doppel::report
