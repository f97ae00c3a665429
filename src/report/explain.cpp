#include "report/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>
#include <vector>

#include "card/load_card.h"
#include "card/peaks.h"
#include "report/quantities.h"
#include "report/table.h"
#include "support/nearest.h"

namespace doppel::report {
namespace {

using Json = nlohmann::json;

std::string dimensions(const Json& dims) {
  return fmt::format("{} x {} x {}", dims.at(0).get<unsigned>(), dims.at(1).get<unsigned>(),
                     dims.at(2).get<unsigned>());
}

// "612 GB/s, 80 % of the card's 768"; without the share where the card's file is not at hand.
std::string rate(double per_second, double peak_per_second, double unit, std::string_view name) {
  std::string out = fmt::format("{} {}", figures(per_second / unit), name);
  if (peak_per_second > 0) {
    out += fmt::format(", {} of the card's {}", percent_text(per_second / peak_per_second),
                       figures(peak_per_second / unit));
  }
  return out;
}

std::string utilisation_text(const Json& shares) {
  std::vector<std::pair<std::string, double>> units;
  for (const auto& [unit, share] : shares.items()) units.emplace_back(unit, share.get<double>());
  std::sort(units.begin(), units.end(), [](const auto& a, const auto& b) {
    return std::tie(b.second, a.first) < std::tie(a.second, b.first);
  });
  std::string out;
  for (const auto& [unit, share] : units) {
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", unit, percent_text(share));
  }
  return out;
}

std::string kernel_text(const Json& run, const Json& k) {
  const Result<card::Card> card = card::find_card(run.at("card").get<std::string>());
  const double seconds = k.at("time_us").get<double>() * 1e-6;
  const double calls = std::max(1.0, k.at("calls").get<double>());
  const double dram = k.at("dram_bytes").get<double>();
  const double flops = k.at("flops").get<double>();
  Table table{
      {{run.value("card_name", run.at("card").get<std::string>())}, {k.at("name").get<std::string>()}}, {}};
  table.add({"grid, block", dimensions(k.at("grid")) + ", " + dimensions(k.at("block"))});
  table.add({"calls, time", fmt::format("{}, {} ({} each)", calls, time_text(seconds * 1e6),
                                        time_text(seconds * 1e6 / calls))});
  table.add({"bound by", k.at("bound").get<std::string>() +
                             (k.value("power_bound", false) ? "; power lowered the clock" : "")});
  if (!k.value("explanation", "").empty()) table.add({"", k.value("explanation", "")});
  if (k.contains("utilisation") && !k["utilisation"].empty())
    table.add({"busy", utilisation_text(k["utilisation"])});
  const std::string limit = k.value("occupancy_limit", "");
  table.add({"occupancy",
             percent_text(k.at("occupancy").get<double>()) + (limit.empty() ? "" : ", limited by " + limit)});
  table.add({"registers, shared memory", fmt::format("{} a thread, {} a block", k.at("registers").get<int>(),
                                                     bytes_text(k.value("shared_bytes", 0.0)))});
  if (k.contains("waves")) table.add({"waves", figures(k.value("waves", 0.0))});
  if (seconds > 0) {
    table.add({"memory", rate(dram / seconds, card ? card->memory.peak_bytes_per_second() : 0, 1e9, "GB/s")});
    if (flops > 0) {
      table.add({"arithmetic",
                 rate(flops / seconds, card ? card::peaks(*card).fp32_tflops * 1e12 : 0, 1e9, "GFLOP/s") +
                     (card ? " FP32" : "")});
    }
  }
  table.add({"cache hits", fmt::format("L1 {}, L2 {}", percent_text(k.value("l1_hit", 0.0)),
                                       percent_text(k.at("l2_hit")))});
  if (flops > 0 && dram > 0) table.add({"FLOP for each DRAM byte", figures(flops / dram)});
  table.add({"instructions",
             fmt::format("{} of threads, {} of warps", count_text(k.value("thread_instructions", 0.0)),
                         count_text(k.at("warp_instructions").get<double>()))});
  table.add({"clock, energy", fmt::format("{:.0f} MHz, {}", k.value("clock_mhz", 0.0),
                                          energy_text(k.value("energy_j", 0.0)))});
  return to_text(table);
}

}  // namespace

Result<std::string> explain(const std::string& report_json, const std::string& kernel) {
  const Json report = Json::parse(report_json, nullptr, false);
  if (report.is_discarded()) return fail(Error::Kind::InvalidInput, "not JSON");
  try {
    std::string out;
    std::vector<std::string> known;
    for (const Json& run : report.at("runs")) {
      for (const Json& k : run.at("kernels")) {
        const auto name = k.at("name").get<std::string>();
        if (std::find(known.begin(), known.end(), name) == known.end()) known.push_back(name);
        if (name.find(kernel) == std::string::npos) continue;
        if (!out.empty()) out += '\n';
        out += kernel_text(run, k);
      }
    }
    if (!out.empty()) return out;
    const std::string near = nearest_name(kernel, known);
    return fail(
        Error::Kind::NotFound,
        fmt::format("no kernel '{}' in the report{} its kernels: {}", kernel,
                    near.empty() ? ";" : fmt::format("; did you mean '{}'?", near), fmt::join(known, ", ")));
  } catch (const Json::exception& error) {
    return fail(Error::Kind::InvalidInput, fmt::format("not a report of doppel: {}", error.what()));
  }
}

}  // namespace doppel::report
