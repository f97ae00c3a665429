// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>
#include <cstdio>

#include "inputs.h"
#include "runner.h"
#include "sets.h"
#include "shapes.h"
#include "truth_kernels.h"

namespace doppel::truth {

std::vector<Row> run_latency() {
  const Card card = find_card("a40");
  Runner runner(card, kCachePtx);
  const Buffer end = runner.allocate(64);
  std::ifstream in = open("a40/latency.txt");
  std::vector<Row> rows;
  double next_kb = 8;
  for (std::string line; std::getline(in, line);) {
    double loads = 0, mhz = 0, kb = 0, ns = 0, cycles = 0;
    if (std::sscanf(line.c_str(), "%lf %lf %lf %lf %lf", &loads, &mhz, &kb, &ns, &cycles) != 5 ||
        kb < next_kb)
      continue;
    next_kb = kb * 1.7;
    const auto lines = static_cast<std::uint64_t>(kb * 1024 / kChaseLine);
    if (lines > kChaseLoads * 16) break;
    const Buffer buffer = runner.allocate(lines * kChaseLine);
    const std::vector<std::uint64_t> order = chase_order(lines);
    for (std::uint64_t i = 0; i < lines; ++i) {
      const std::uint64_t next = buffer.address + order[i] * kChaseLine;
      runner.session.write(buffer, &next, sizeof next, i * kChaseLine);
    }
    const Prediction prediction = runner.predict({"chase", {1}, {1}, {buffer, end, kChaseLoads}});
    rows.push_back({fmt::format("{:.0f} kB", kb), cycles, prediction.cycles / kChaseLoads, "cycles",
                    note_of(prediction)});
    runner.session.free(buffer);
  }
  return rows;
}

std::vector<Row> run_cache() {
  const Card card = find_card("a40");
  Runner runner(card, kCachePtx);
  const Buffer result = runner.allocate(kCacheBlock * sizeof(float));
  std::ifstream in = open("a40/cache.txt");
  std::vector<Row> rows;
  double next_kb = 16;
  for (std::string line; std::getline(in, line);) {
    double kb = 0, bandwidth = 0;
    if (std::sscanf(line.c_str(), "%lf kB %*s %*s %lf", &kb, &bandwidth) != 2 || kb < next_kb) continue;
    next_kb = kb * 1.3;
    const auto [count, turns] = cache_shape(kb);
    const Buffer buffer = runner.allocate(std::uint64_t{count} * 2 * sizeof(float));
    const auto blocks = static_cast<unsigned>(card.number("sm_count"));
    const Prediction prediction =
        runner.predict({"sum_products", {blocks}, {kCacheBlock}, {result, buffer, count, turns, 0}});
    rows.push_back({fmt::format("{:.0f} kB", kb), bandwidth,
                    2.0 * count * sizeof(float) * turns * blocks / prediction.time_us * 1e-3, "GB/s",
                    note_of(prediction)});
    runner.session.free(buffer);
  }
  return rows;
}

std::vector<Row> run_strides() {
  constexpr unsigned kLoads = 512;  // a thread; far more in the measurement, which does not change a rate
  constexpr unsigned kThreads = 1024;
  const Card card = find_card("a40");
  Runner runner(card, kStridesPtx);
  const Buffer from = runner.allocate(std::uint64_t{1} << 22);
  std::ifstream in = open("a40/strides.txt");
  std::vector<Row> rows;
  for (std::string line; std::getline(in, line);) {
    std::array<char, 8> type{}, what{};
    unsigned width = 0;
    int argument = 0;
    double cycles = 0;
    if (std::sscanf(line.c_str(), "%7s %7s %u %d %lf", type.data(), what.data(), &width, &argument,
                    &cycles) != 5 ||
        (std::string(what.data()) != "stride" && std::string(what.data()) != "block"))
      continue;
    const bool stride = std::string(what.data()) == "stride";
    const Prediction prediction =
        runner.predict({fmt::format("{}_{}", stride ? "stride" : "shape", type.data()),
                        {1},
                        stride ? Extent{kThreads} : Extent{width, kThreads / width},
                        {from, from, kLoads, 0, argument}});
    const double per_load =
        (prediction.time_us - prediction.start_us) * prediction.clock_mhz / (double{kLoads} * kThreads / 32);
    rows.push_back({fmt::format("{} {} {}", type.data(), what.data(), width), cycles, per_load, "cycles",
                    note_of(prediction)});
  }
  return rows;
}

}  // namespace doppel::truth
