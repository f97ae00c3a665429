// SPDX-License-Identifier: Apache-2.0
#include "cli/review_measures.h"

#include <string>

#include "cli/execute.h"

namespace doppel::cli {

namespace review = report::review;

namespace {

using Json = nlohmann::ordered_json;

review::Measure measure_of(const Json& result, const std::string& card) {
  review::Measure out;
  out.test = result.value("test", "");
  out.what = result.value("what", "");
  out.unit = result.value("unit", "");
  out.detail = result.value("detail", "");
  out.value = result.value("value", 0.0);
  out.time_us = result.value("time_us", 0.0);
  out.trouble = result.value("error", "");
  if (out.trouble.empty() && result.value("check", "ok") != "ok") out.trouble = "its answer was wrong";
  if (result.contains("published") && result.value("published_card", "") == card)
    out.published.push_back(
        {result.value("published", 0.0), without_vendor(card), result.value("published_note", "")});
  out.watts = result.value("watts", 0.0);
  out.clock_mhz = result.value("clock_mhz", 0.0);
  out.power_bound = result.value("power_bound", false);
  out.bound = result.value("bound", "");
  return out;
}

}  // namespace

std::vector<review::Measure> measures_of(const SuiteRun& suite, const card::Card& card) {
  std::vector<review::Measure> out;
  for (const Json& result : suite.results) out.push_back(measure_of(result, card.name));
  return out;
}

}  // namespace doppel::cli
