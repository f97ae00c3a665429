// SPDX-License-Identifier: Apache-2.0
#include "doppel/prediction.h"

#include <nlohmann/json.hpp>

namespace doppel {
namespace {

using Json = nlohmann::ordered_json;

Json shares(const std::vector<Share>& list) {
  Json out = Json::object();
  for (const Share& each : list) out[each.of] = each.share;
  return out;
}

}  // namespace

std::string to_json(const Prediction& p) {
  Json places = Json::array();
  for (const Place& place : p.places) {
    places.push_back({{"function", place.function},
                      {"line", place.line},
                      {"source", place.source},
                      {"instruction", place.instruction},
                      {"share", place.share},
                      {"stall", place.stall},
                      {"transfers", place.transfers},
                      {"least_transfers", place.least_transfers}});
  }
  Json band = nullptr;
  if (p.band) {
    band = {{"mean_percent", p.band->mean_percent},
            {"p90_percent", p.band->p90_percent},
            {"measurements", p.band->measurements}};
  }
  const Json out = {{"time_us", p.time_us},
                    {"start_us", p.start_us},
                    {"cycles", p.cycles},
                    {"clock_mhz", p.clock_mhz},
                    {"power_bound", p.power_bound},
                    {"energy_j", p.energy_j},
                    {"bound", p.bound},
                    {"explanation", p.explanation},
                    {"advice", p.advice},
                    {"registers", p.registers},
                    {"spilled_bytes", p.spilled_bytes},
                    {"occupancy", p.occupancy},
                    {"achieved_occupancy", p.achieved_occupancy},
                    {"waves", p.waves},
                    {"warp_instructions", p.warp_instructions},
                    {"thread_instructions", p.thread_instructions},
                    {"flops", p.flops},
                    {"dram_read_bytes", p.dram_read_bytes},
                    {"dram_write_bytes", p.dram_write_bytes},
                    {"l1_hit", p.l1_hit},
                    {"l2_hit", p.l2_hit},
                    {"simulated", p.simulated},
                    {"utilisation", shares(p.utilisation)},
                    {"slots", shares(p.slots)},
                    {"places", places},
                    {"band", band}};
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace doppel
