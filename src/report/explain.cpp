// SPDX-License-Identifier: Apache-2.0
#include "report/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <tuple>
#include <vector>

#include "card/load_card.h"
#include "card/peaks.h"
#include "report/kernel_details.h"
#include "report/kernel_name.h"
#include "report/quantities.h"
#include "report/table.h"
#include "support/nearest.h"

namespace doppel::report {
namespace {

// Fields that are not known are null, and absent in reports of older versions.
double number(const nlohmann::json& of, const char* key) {
  const auto found = of.find(key);
  return found != of.end() && found->is_number() ? found->get<double>() : 0;
}
std::string text(const nlohmann::json& of, const char* key) {
  const auto found = of.find(key);
  return found != of.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string dimensions(const nlohmann::json& dims) {
  std::string out = fmt::format("{}", dims.at(0).get<unsigned>());
  const unsigned y = dims.at(1).get<unsigned>();
  const unsigned z = dims.at(2).get<unsigned>();
  if (y != 1 || z != 1) out += fmt::format("x{}", y);
  if (z != 1) out += fmt::format("x{}", z);
  return out;
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

std::string utilisation_text(const nlohmann::json& shares) {
  std::vector<std::pair<std::string, double>> units;
  for (const auto& [unit, share] : shares.items()) units.emplace_back(unit, share.get<double>());
  std::ranges::sort(units, [](const auto& a, const auto& b) {
    return std::tie(b.second, a.first) < std::tie(a.second, b.first);
  });
  std::string out;
  constexpr double kWorthListing = 0.005;  // is printed as 1 %
  for (const auto& [unit, share] : units) {
    if (share < kWorthListing) continue;
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", unit, percent_text(share));
  }
  return out;
}

// Text that may be longer than a line of the table.
void add_wrapped(Table& table, const std::string& label, const std::string& text, std::size_t width) {
  constexpr std::size_t kLabels = 28;
  std::istringstream lines(wrapped(text, width > 2 * kLabels ? width - kLabels : kLabels));
  std::string first = label;
  for (std::string line; std::getline(lines, line); first.clear()) table.add({first, line});
}

std::string occupancy_text(const nlohmann::json& k) {
  const std::string limit = text(k, "occupancy_limit");
  std::string out = percent_text(number(k, "occupancy")) + " fit at once";
  if (!limit.empty()) out += ", limited by " + limit;
  if (k.contains("detail") && k["detail"].is_object()) {
    const nlohmann::json& detail = k["detail"];
    out += fmt::format("; {} achieved on {:.0f} SMs", percent_text(number(detail, "achieved_occupancy")),
                       number(detail, "working_sms"));
  }
  return out;
}

std::vector<device::CodeRecord> places_of(const nlohmann::json& list) {
  std::vector<device::CodeRecord> places;
  for (const nlohmann::json& each : list) {
    device::CodeRecord place;
    place.line = static_cast<int>(number(each, "line"));
    place.source = text(each, "source");
    place.instruction = text(each, "instruction");
    place.share = number(each, "share");
    place.issued = number(each, "issued");
    place.stall = text(each, "stall");
    place.stalled = number(each, "stalled");
    place.transfers = number(each, "transfers");
    place.least_transfers = number(each, "least_transfers");
    places.push_back(std::move(place));
  }
  return places;
}

std::string kernel_text(const nlohmann::json& run, const nlohmann::json& k, std::size_t width) {
  const Result<card::Card> card = card::find_card(run.at("card").get<std::string>());
  const auto name = k.at("name").get<std::string>();
  const std::string card_name =
      text(run, "card_name").empty() ? run.at("card").get<std::string>() : text(run, "card_name");
  const double time_us = number(k, "time_us");
  const double calls = std::max(1.0, number(k, "calls"));
  std::string out = fmt::format("{} on {}\n", fitted_name(name, width - width_of(card_name) - 4), card_name);
  if (!k.at("time_us").is_number()) return out + "Nothing was timed.\n";
  if (!text(k, "explanation").empty()) out += wrapped(text(k, "explanation"), width) + "\n";
  if (!text(k, "advice").empty()) out += wrapped("Advice: " + text(k, "advice"), width) + "\n";
  out += "\n";
  Table table{{{""}, {""}}, {}};
  table.add({"calls, time",
             fmt::format("{}, {} ({} each)", calls, time_text(time_us), time_text(time_us / calls))});
  table.add({"grid, block", dimensions(k.at("grid")) + ", " + dimensions(k.at("block"))});
  const bool by_power = k.contains("power_bound") && k["power_bound"] == true;
  table.add({"bound by", text(k, "bound") + (by_power ? "; power lowered the clock" : "")});
  if (k.contains("utilisation") && !k["utilisation"].empty())
    add_wrapped(table, "busy", utilisation_text(k["utilisation"]), width);
  const bool detailed = k.contains("detail") && k["detail"].is_object();
  if (detailed) {
    add_wrapped(table, "candidates", utilisation_text(k["detail"]["candidates"]), width);
    add_wrapped(table, "issue slots", utilisation_text(k["detail"]["slots"]), width);
    const double simulated = number(k["detail"], "simulated");
    table.add({"simulated", fmt::format("{} of its instructions{}", percent_text(simulated),
                                        simulated < 1 ? "; the rest is extrapolated from them" : "")});
  }
  add_wrapped(table, "occupancy", occupancy_text(k), width);
  const double spilled = number(k, "spilled_bytes");
  table.add({"registers, shared memory",
             fmt::format("{:.0f} a thread{}, {} a block", number(k, "registers"),
                         spilled > 0 ? fmt::format(" ({} spilled)", bytes_text(spilled)) : "",
                         bytes_text(number(k, "shared_bytes")))});
  table.add({"waves", fmt::format("{:.2f}", number(k, "waves"))});
  const double dram = number(k, "dram_bytes");
  const double flops = number(k, "flops");
  if (time_us > 0) {
    const double seconds = time_us * 1e-6;
    table.add({"memory", rate(dram / seconds, card ? card->memory.peak_bytes_per_second() : 0, 1e9, "GB/s")});
    if (flops > 0) {
      table.add({"arithmetic",
                 rate(flops / seconds, card ? card::peaks(*card).fp32_tflops * 1e12 : 0, 1e9, "GFLOP/s") +
                     (card ? " FP32" : "")});
    }
  }
  table.add({"cache hits", fmt::format("L1 {}, L2 {}", percent_text(number(k, "l1_hit")),
                                       percent_text(number(k, "l2_hit")))});
  if (flops > 0 && dram > 0) table.add({"FLOP for each DRAM byte", figures(flops / dram)});
  table.add(
      {"instructions", fmt::format("{} of threads, {} of warps", count_text(number(k, "thread_instructions")),
                                   count_text(number(k, "warp_instructions")))});
  table.add({"clock, energy",
             fmt::format("{:.0f} MHz, {}", number(k, "clock_mhz"), energy_text(number(k, "energy_j")))});
  out += to_text(table, width);
  if (!detailed) return out;
  for (const char* list : {"lines", "instructions"}) {
    const Table places = places_table(places_of(k["detail"][list]));
    if (places.rows.empty()) continue;
    out += '\n';
    out += to_text(places, width);
  }
  return out;
}

}  // namespace

Result<std::string> explain(const std::string& report_json, const std::string& kernel, std::size_t width) {
  const nlohmann::json report = nlohmann::json::parse(report_json, nullptr, false);
  if (report.is_discarded()) return fail(Error::Kind::InvalidInput, "not JSON");
  try {
    std::string out;
    std::vector<std::string> known;
    for (const nlohmann::json& run : report.at("runs")) {
      for (const nlohmann::json& k : run.at("kernels")) {
        const auto name = k.at("name").get<std::string>();
        if (std::ranges::find(known, name) == known.end()) known.push_back(name);
        if (name.find(kernel) == std::string::npos) continue;
        if (!out.empty()) out += '\n';
        out += kernel_text(run, k, width);
      }
    }
    if (!out.empty()) return out;
    std::vector<std::string> names;
    for (const std::string& name : known) names.push_back(parts_of(name).base);
    std::ranges::sort(names);
    const auto repeated = std::ranges::unique(names);
    names.erase(repeated.begin(), repeated.end());
    if (names.empty()) return fail(Error::Kind::NotFound, "the report has no kernels");
    const std::string near = nearest_name(kernel, names);
    return fail(
        Error::Kind::NotFound,
        fmt::format("no kernel '{}' in the report{} its kernels: {}", kernel,
                    near.empty() ? ";" : fmt::format("; did you mean '{}'?", near), fmt::join(names, ", ")));
  } catch (const nlohmann::json::exception& error) {
    return fail(Error::Kind::InvalidInput, fmt::format("not a report of doppel: {}", error.what()));
  }
}

}  // namespace doppel::report
