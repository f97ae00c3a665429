// SPDX-License-Identifier: Apache-2.0
// doppel_truth [--write FILE] [SET...]: prints predictions beside what was measured on real cards, and the
// error of each set.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "errors.h"
#include "sets.h"

namespace {

using doppel::truth::Role;
using doppel::truth::Row;

struct Set {
  const char* name;
  const char* what;
  const char* kind;
  Role role;
  std::vector<std::string> cards;
  std::function<std::vector<Row>()> run;
};

}  // namespace

int main(int count, char** arguments) {
  namespace truth = doppel::truth;
  const std::vector<Set> sets{
      {"sgemm",
       "six steps of a matrix product, RTX A6000",
       "matrix products",
       Role::Fitted,
       {"rtx-a6000"},
       truth::run_sgemm},
      {"conv",
       "configurations of a convolution, RTX A6000",
       "convolutions",
       Role::Fitted,
       {"rtx-a6000"},
       truth::run_convolution},
      {"stream", "streams by block size, A40", "streams", Role::Fitted, {"a40"}, truth::run_stream},
      {"read",
       "read and copy streams, RTX PRO 5000 Blackwell",
       "streams",
       Role::Fitted,
       {"rtx-pro-5000-blackwell"},
       truth::run_read},
      {"latency", "pointer chase by size, A40", "latencies", Role::Fitted, {"a40"}, truth::run_latency},
      {"cache", "cache bandwidth by size, A40", "caches", Role::Fitted, {"a40"}, truth::run_cache},
      {"strides", "L1 loads by stride and shape, A40", "caches", Role::Fitted, {"a40"}, truth::run_strides},
      {"l2-stream",
       "streams over arrays of all sizes, A40",
       "caches",
       Role::Fitted,
       {"a40"},
       truth::run_l2_stream},
      {"small",
       "small launches one behind the other, A40",
       "small launches",
       Role::Fitted,
       {"a40"},
       truth::run_small_kernels},
      {"small-graph",
       "the same as one graph, A40",
       "small launches",
       Role::Fitted,
       {"a40"},
       truth::run_small_graph},
      {"roofline",
       "loads and multiply-adds in all proportions, A40",
       "arithmetic and streams",
       Role::Judging,
       {"a40"},
       truth::run_roofline},
      {"matrix-vector",
       "matrix times vector in bf16, RTX A6000",
       "arithmetic and streams",
       Role::Judging,
       {"rtx-a6000"},
       truth::run_matrix_vector},
      {"gather-rows",
       "rows of a table by index, RTX A6000",
       "arithmetic and streams",
       Role::Judging,
       {"rtx-a6000"},
       truth::run_gather_rows},
      {"lattice-boltzmann",
       "D3Q19, RTX A6000 and A40",
       "stencils",
       Role::Judging,
       {"rtx-a6000", "a40"},
       truth::run_lattice_boltzmann},
      {"rowwise",
       "softmax and GeGLU, RTX PRO 5000 Blackwell",
       "short row-wise kernels",
       Role::Judging,
       {"rtx-pro-5000-blackwell"},
       truth::run_rowwise},
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
  std::vector<truth::SetErrors> errors;
  try {
    for (const Set& set : sets) {
      if (!chosen.empty() && std::ranges::find(chosen, set.name) == chosen.end()) continue;
      fmt::print("{}: {}\n", set.name, set.what);
      const std::vector<Row> rows = set.run();
      for (const Row& row : rows) {
        fmt::print("  {:28} measured {:10.1f}  predicted {:10.1f} {:8} {:+6.1f} %   {}\n", row.what,
                   row.measured, row.predicted, row.unit, 100 * (row.predicted / row.measured - 1), row.note);
      }
      truth::SetErrors of_set{set.name, set.kind, set.role, set.cards, {}};
      for (const Row& row : rows) of_set.percent.push_back(truth::error_percent(row));
      fmt::print(
          "  {}: mean absolute error {:.1f} %, 90th percentile {:.1f} %, rank correlation {:.2f}, {} "
          "measurements\n",
          truth::name_of(set.role), truth::mean(of_set.percent), truth::percentile(of_set.percent, 0.9),
          truth::rank_correlation(rows), rows.size());
      std::fflush(stdout);
      errors.push_back(std::move(of_set));
    }
  } catch (const std::exception& failure) {
    fmt::print(stderr, "doppel_truth: {}\n", failure.what());
    return 1;
  }
  for (const Role role : {Role::Fitted, Role::Judging}) {
    std::vector<double> percent;
    for (const truth::SetErrors& set : errors) {
      if (set.role == role) percent.insert(percent.end(), set.percent.begin(), set.percent.end());
    }
    if (percent.empty()) continue;
    fmt::print("{} sets: mean absolute error {:.1f} %, 90th percentile {:.1f} %, {} measurements\n",
               truth::name_of(role), truth::mean(percent), truth::percentile(percent, 0.9), percent.size());
  }
  if (write.empty()) return 0;
  std::ofstream out(write);
  out << truth::error_band(errors);
  if (!out) {
    fmt::print(stderr, "doppel_truth: {}: cannot be written\n", write);
    return 1;
  }
  return 0;
}
