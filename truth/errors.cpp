// SPDX-License-Identifier: Apache-2.0
#include "errors.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

namespace doppel::truth {
namespace {

double tenths(double value) { return std::round(value * 10) / 10; }

nlohmann::json summary(const std::vector<double>& percent) {
  return {{"mean_percent", tenths(mean(percent))},
          {"p90_percent", tenths(percentile(percent, 0.9))},
          {"measurements", percent.size()}};
}

// Ranks from 1; equal values share the mean of theirs.
std::vector<double> ranks(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return values[i]; });
  std::vector<double> result(values.size());
  for (std::size_t first = 0; first < order.size();) {
    std::size_t end = first;
    while (end < order.size() && values[order[end]] == values[order[first]]) ++end;
    for (std::size_t i = first; i < end; ++i) result[order[i]] = static_cast<double>(first + end + 1) / 2;
    first = end;
  }
  return result;
}

bool is_rate(const std::string& unit) { return unit.ends_with("/s") || unit == "MLUPS" || unit == "TFLOPS"; }

}  // namespace

std::string_view name_of(Role role) {
  switch (role) {
    case Role::Fitted:
      return "fitted";
    case Role::Judging:
      return "judging";
  }
  return "";
}

double error_percent(const Row& row) {
  const double part = is_rate(row.unit) ? row.measured / row.predicted : row.predicted / row.measured;
  return std::isfinite(part) ? 100 * std::abs(part - 1) : std::numeric_limits<double>::infinity();
}

double mean(const std::vector<double>& values) {
  return values.empty()
             ? 0
             : std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double percentile(std::vector<double> values, double part) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const auto rank = static_cast<std::size_t>(std::ceil(part * static_cast<double>(values.size())));
  return values[std::clamp<std::size_t>(rank, 1, values.size()) - 1];
}

double rank_correlation(const std::vector<Row>& rows) {
  if (rows.size() < 2) return 1;
  std::vector<double> measured, predicted;
  for (const Row& row : rows) {
    measured.push_back(row.measured);
    predicted.push_back(row.predicted);
  }
  const std::vector<double> a = ranks(measured), b = ranks(predicted);
  const double middle = mean(a);
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - middle) * (b[i] - middle);
    aa += (a[i] - middle) * (a[i] - middle);
    bb += (b[i] - middle) * (b[i] - middle);
  }
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : 0;
}

std::string error_band(const std::vector<SetErrors>& sets) {
  std::vector<double> judged;
  std::map<std::string, std::vector<double>> by_kind;
  std::set<std::string> cards;
  nlohmann::json by_set = nlohmann::json::object();
  for (const SetErrors& set : sets) {
    by_set[set.name] = summary(set.percent);
    by_set[set.name]["role"] = name_of(set.role);
    by_set[set.name]["kind"] = set.kind;
    cards.insert(set.cards.begin(), set.cards.end());
    if (set.role != Role::Judging) continue;
    judged.insert(judged.end(), set.percent.begin(), set.percent.end());
    std::ranges::copy(set.percent, std::back_inserter(by_kind[set.kind]));
  }
  nlohmann::json band = summary(judged);
  band["set"] = "kernels that the model was not fitted to";
  band["cards"] = cards;
  band["kinds"] = nlohmann::json::object();
  for (const auto& [kind, percent] : by_kind) band["kinds"][kind] = summary(percent);
  band["sets"] = by_set;
  return band.dump(2) + "\n";
}

}  // namespace doppel::truth
