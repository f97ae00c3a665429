// doppel_truth [--write FILE] [SET...]: prints predictions beside what was measured on real cards, and the
// error of each set.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "sets.h"

namespace {

using doppel::truth::Row;

struct Set {
  const char* name;
  const char* what;
  const char* card;  // id of the card that was measured
  std::function<std::vector<Row>()> run;
};

double mean_error(const std::vector<Row>& rows) {
  double sum = 0;
  for (const Row& row : rows) sum += std::abs(row.predicted / row.measured - 1);
  return rows.empty() ? 0 : 100 * sum / static_cast<double>(rows.size());
}

// The error that nine rows in ten stay below.
double ninth_decile(const std::vector<Row>& rows) {
  std::vector<double> errors;
  for (const Row& row : rows) errors.push_back(100 * std::abs(row.predicted / row.measured - 1));
  std::ranges::sort(errors);
  return errors.empty() ? 0 : errors[(errors.size() - 1) * 9 / 10];
}

// Spearman's: 1 where the predictions put the rows in the order of the measurements.
double rank_correlation(const std::vector<Row>& rows) {
  const auto ranks = [&](double Row::* of) {
    std::vector<std::size_t> order(rows.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, {}, [&](std::size_t row) { return rows[row].*of; });
    std::vector<double> rank(rows.size());
    for (std::size_t i = 0; i < order.size(); ++i) rank[order[i]] = static_cast<double>(i);
    return rank;
  };
  if (rows.size() < 2) return 1;
  const std::vector<double> measured = ranks(&Row::measured), predicted = ranks(&Row::predicted);
  double sum = 0;
  for (std::size_t i = 0; i < rows.size(); ++i)
    sum += (measured[i] - predicted[i]) * (measured[i] - predicted[i]);
  const auto count = static_cast<double>(rows.size());
  return 1 - 6 * sum / (count * (count * count - 1));
}

}  // namespace

int main(int count, char** arguments) {
  const std::vector<Set> sets{
      {"sgemm", "six steps of a matrix product, RTX A6000", "rtx-a6000", doppel::truth::run_sgemm},
      {"conv", "configurations of a convolution, RTX A6000", "rtx-a6000", doppel::truth::run_convolution},
      {"stream", "streams by block size, A40", "a40", doppel::truth::run_stream},
      {"read", "read and copy streams, RTX PRO 5000 Blackwell", "rtx-pro-5000-blackwell",
       doppel::truth::run_read},
      {"latency", "pointer chase by size, A40", "a40", doppel::truth::run_latency},
      {"cache", "cache bandwidth by size, A40", "a40", doppel::truth::run_cache},
      {"strides", "L1 loads by stride and shape, A40", "a40", doppel::truth::run_strides},
      {"l2-stream", "streams over arrays of all sizes, A40", "a40", doppel::truth::run_l2_stream},
      {"small", "small launches one behind the other, A40", "a40", doppel::truth::run_small_kernels},
      {"small-graph", "the same as one graph, A40", "a40", doppel::truth::run_small_graph},
  };
  std::string write;
  std::vector<std::string> chosen;
  for (int i = 1; i < count; ++i) {
    const std::string argument = arguments[i];
    if (argument == "--write" && i + 1 < count) {
      write = arguments[++i];
      continue;
    }
    if (std::ranges::none_of(sets, [&](const Set& set) { return argument == set.name; })) {
      std::string names;
      for (const Set& set : sets) names += std::string(names.empty() ? "" : ", ") + set.name;
      fmt::print(stderr, "doppel_truth: no set '{}'; there are {}\n", argument, names);
      return 2;
    }
    chosen.push_back(argument);
  }
  nlohmann::json by_set = nlohmann::json::object();
  std::set<std::string> cards;
  double error = 0;
  int measurements = 0;
  int sets_run = 0;
  try {
    for (const Set& set : sets) {
      if (!chosen.empty() && std::ranges::find(chosen, set.name) == chosen.end()) continue;
      fmt::print("{}: {}\n", set.name, set.what);
      const std::vector<Row> rows = set.run();
      for (const Row& row : rows) {
        fmt::print("  {:28} measured {:10.1f}  predicted {:10.1f} {:8} {:+6.1f} %   {}\n", row.what,
                   row.measured, row.predicted, row.unit, 100 * (row.predicted / row.measured - 1), row.note);
      }
      const double mean = mean_error(rows);
      fmt::print(
          "  mean absolute error {:.1f} % of {} measurements, nine in ten below {:.1f} %, rank correlation "
          "{:.2f}\n",
          mean, rows.size(), ninth_decile(rows), rank_correlation(rows));
      std::fflush(stdout);
      by_set[set.name] = {{"mean_percent", std::round(mean * 10) / 10}, {"measurements", rows.size()}};
      cards.insert(set.card);
      error += mean;
      measurements += static_cast<int>(rows.size());
      ++sets_run;
    }
  } catch (const std::exception& failure) {
    fmt::print(stderr, "doppel_truth: {}\n", failure.what());
    return 1;
  }
  if (sets_run == 0) return 0;
  // Every set counts alike: a long sweep must not hide a short one.
  fmt::print("mean of the sets: {:.1f} %\n", error / sets_run);
  if (write.empty()) return 0;
  const nlohmann::json band{
      {"mean_percent", std::round(error / sets_run * 10) / 10},
      {"measurements", measurements},
      {"set", "kernels measured on an A40, an RTX A6000 and an RTX PRO 5000 Blackwell (truth/)"},
      {"cards", cards},
      {"sets", by_set}};
  std::ofstream out(write);
  out << band.dump(2) << "\n";
  if (!out) {
    fmt::print(stderr, "doppel_truth: {}: cannot be written\n", write);
    return 1;
  }
  return 0;
}
