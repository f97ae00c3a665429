#include "sets.h"

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <stdexcept>

#include "card/load_card.h"
#include "runner.h"
#include "shapes.h"
#include "truth_kernels.h"

namespace doppel::truth {
namespace {

card::Card find(const char* id) {
  auto card = card::load_card(std::string(DOPPEL_SOURCE_DIR) + "/cards/" + id + ".toml");
  if (!card) throw std::runtime_error(card.error().message);
  return std::move(*card);
}

std::ifstream open(const char* file) {
  std::ifstream in(std::string(DOPPEL_SOURCE_DIR) + "/truth/" + file);
  if (!in) throw std::runtime_error(std::string("truth/") + file + ": cannot be read");
  return in;
}

std::string note_of(const timing::Prediction& prediction) {
  return fmt::format("{}, {} registers, occupancy {:.2f}, L1 {:.2f}, L2 {:.2f}",
                     timing::name_of(prediction.bound), prediction.registers, prediction.occupancy,
                     prediction.l1_hit, prediction.l2_hit);
}

}  // namespace

std::vector<Row> run_sgemm() {
  const card::Card card = find("rtx-a6000");
  Runner runner(kSgemmStepsPtx);
  const std::uint64_t bytes = std::uint64_t{kSgemmSize} * kSgemmSize * sizeof(float);
  const std::uint64_t a = runner.allocate(bytes), b = runner.allocate(bytes), c = runner.allocate(bytes);
  std::ifstream in = open("sgemm-a6000.csv");
  std::vector<Row> rows;
  for (std::string line; std::getline(in, line);) {
    int step = 0;
    double gflops = 0;
    const std::size_t last = line.rfind(',');
    if (std::sscanf(line.c_str(), "%d,", &step) != 1 || step < 1 || step > 6 || last == std::string::npos)
      continue;
    gflops = std::stod(line.substr(last + 1));
    const SgemmStep& what = kSgemmSteps[static_cast<std::size_t>(step - 1)];
    const timing::Prediction prediction =
        runner.predict(card, {what.kernel,
                              {kSgemmSize / what.tile, kSgemmSize / what.tile, 1},
                              what.block,
                              0,
                              Runner::parameters(a, b, c, static_cast<int>(kSgemmSize), 2.0F, 0.5F)});
    rows.push_back({fmt::format("step {}", step), gflops,
                    2.0 * kSgemmSize * kSgemmSize * kSgemmSize / prediction.time_us * 1e-3, "GFLOP/s",
                    note_of(prediction)});
  }
  return rows;
}

std::vector<Row> run_stream() {
  const card::Card card = find("a40");
  Runner runner(kStreamPtx);
  std::array<std::uint64_t, 4> arrays{};
  for (std::uint64_t& array : arrays) array = runner.allocate(std::uint64_t{kStreamCount} * sizeof(double));
  std::ifstream in = open("a40/stream.txt");
  std::vector<Row> rows;
  for (std::string line; std::getline(in, line);) {
    unsigned block = 0, threads = 0;
    int blocks_per_sm = 0;
    std::array<double, 6> measured{};
    const std::size_t figures = line.find("GB/s:");
    if (figures == std::string::npos ||
        std::sscanf(line.c_str(), "%u %u %d", &block, &threads, &blocks_per_sm) != 3)
      continue;
    if (std::sscanf(line.c_str() + figures, "GB/s: %lf %lf %lf %lf %lf %lf", &measured[0], &measured[1],
                    &measured[2], &measured[3], &measured[4], &measured[5]) != 6) {
      continue;
    }
    for (std::size_t i = 0; i < kStreams.size(); ++i) {
      const std::string name = std::string("stream_") + kStreams[i].name;
      Runner::Launch launch{name,
                            {kStreamCount / block + 1, 1, 1},
                            {block, 1, 1},
                            runner.shared_bytes_for(card, name, blocks_per_sm),
                            {}};
      if (kStreams[i].arrays == 4) {
        launch.parameters = Runner::parameters(arrays[0], arrays[1], arrays[2], arrays[3], kStreamCount);
      } else if (i == 0) {
        launch.parameters = Runner::parameters(arrays[0], kStreamCount);
      } else {
        launch.parameters = Runner::parameters(arrays[0], arrays[1], kStreamCount);
      }
      const timing::Prediction prediction = runner.predict(card, launch);
      rows.push_back({fmt::format("{} {} x {}", kStreams[i].name, block, blocks_per_sm), measured[i],
                      kStreams[i].arrays * 8.0 * kStreamCount / prediction.time_us * 1e-3, "GB/s",
                      note_of(prediction)});
    }
  }
  return rows;
}

std::vector<Row> run_read() {
  constexpr unsigned kCount = 256 * 1024 * 1024;
  constexpr unsigned kBlock = 256;
  const card::Card card = find("rtx-pro-5000-blackwell");
  Runner runner(kStreamPtx);
  const std::uint64_t a = runner.allocate(std::uint64_t{kCount} * 8),
                      b = runner.allocate(std::uint64_t{kCount} * 8);
  std::vector<Row> rows;
  const auto add = [&](const char* what, const char* kernel, double measured, double bytes) {
    const timing::Prediction prediction = runner.predict(
        card, {kernel, {kCount / kBlock, 1, 1}, {kBlock, 1, 1}, 0, Runner::parameters(a, b, kCount)});
    rows.push_back({what, measured, bytes * kCount / prediction.time_us * 1e-3, "GB/s", note_of(prediction)});
  };
  add("read stream", "stream_read", 1222, 8);
  add("read and write, as the copy", "stream_scale", 1099, 16);
  return rows;
}

std::vector<Row> run_latency() {
  const card::Card card = find("a40");
  Runner runner(kCachePtx);
  const std::uint64_t end = runner.allocate(64);
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
    const std::uint64_t buffer = runner.allocate(lines * kChaseLine);
    const std::vector<std::uint64_t> order = chase_order(lines);
    for (std::uint64_t i = 0; i < lines; ++i) {
      *reinterpret_cast<std::uint64_t*>(buffer + i * kChaseLine) = buffer + order[i] * kChaseLine;
    }
    const timing::Prediction prediction = runner.predict(
        card, {"chase", {1, 1, 1}, {1, 1, 1}, 0, Runner::parameters(buffer, end, kChaseLoads)});
    rows.push_back({fmt::format("{:.0f} kB", kb), cycles, prediction.cycles / kChaseLoads, "cycles",
                    note_of(prediction)});
    runner.free(buffer);
  }
  return rows;
}

std::vector<Row> run_cache() {
  const card::Card card = find("a40");
  Runner runner(kCachePtx);
  const std::uint64_t result = runner.allocate(kCacheBlock * sizeof(float));
  std::ifstream in = open("a40/cache.txt");
  std::vector<Row> rows;
  double next_kb = 16;
  for (std::string line; std::getline(in, line);) {
    double kb = 0, bandwidth = 0;
    if (std::sscanf(line.c_str(), "%lf kB %*s %*s %lf", &kb, &bandwidth) != 2 || kb < next_kb) continue;
    next_kb = kb * 1.3;
    const auto [count, turns] = cache_shape(kb);
    const std::uint64_t buffer = runner.allocate(std::uint64_t{count} * 2 * sizeof(float));
    const auto blocks = static_cast<unsigned>(card.sm_count);
    const timing::Prediction prediction =
        runner.predict(card, {"sum_products",
                              {blocks, 1, 1},
                              {kCacheBlock, 1, 1},
                              0,
                              Runner::parameters(result, buffer, count, turns, 0)});
    rows.push_back({fmt::format("{:.0f} kB", kb), bandwidth,
                    2.0 * count * sizeof(float) * turns * blocks / prediction.time_us * 1e-3, "GB/s",
                    note_of(prediction)});
    runner.free(buffer);
  }
  return rows;
}

}  // namespace doppel::truth
